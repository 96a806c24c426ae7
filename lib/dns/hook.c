#include "hook.h"

#include "lib/base/memory.h"
#include "lib/base/program.h"
#include "lib/dns/name.h"

bool dns_hook_run(const char *program, enum dns_hook_action action, const char *fqdn,
                  const char *value, int64_t timeout_ms, struct error *e)
{
    const char *word = action == DNS_HOOK_PRESENT ? "present" : "cleanup";
    CLEANUP_FREE char *action_variable = memory_printf("MTASTS_ACTION=%s", word);
    CLEANUP_FREE char *fqdn_variable = memory_printf("MTASTS_FQDN=%s", fqdn);
    CLEANUP_FREE char *value_variable = memory_printf("MTASTS_VALUE=%s", value);
    const char *const arguments[] = {word, fqdn, value, NULL};
    const char *const variables[] = {action_variable, fqdn_variable, value_variable, NULL};
    const struct program_call call = {program, arguments, variables, "dns.hook"};
    return program_run(&call, timeout_ms, e) ||
           error_prefix(e, "%s %s %s: ", dns_name_show(bytes_of(program)).text, word, fqdn);
}
