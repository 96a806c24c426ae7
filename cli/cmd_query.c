/* query: what a sender must require of a domain's mail hosts. */
#include <stdio.h>
#include <string.h>

#include "cli/opening.h"
#include "cli/query_print.h"
#include "lib/base/clock.h"
#include "policies/model/policy.h"

/* The policy host's name, with its prefix, must be a name still. */
enum { DOMAIN_MAX = DNS_NAME_MAX - (int)sizeof(POLICY_HOST_PREFIX) + 1 };

static bool find_domain(const struct invocation *invocation, struct dns_name *ret_domain,
                        struct error *e)
{
    struct dns_name domain;
    if (!dns_name_normalise(bytes_of(invocation->arguments[0]), &domain, e)) {
        return false;
    }
    if (domain.n > DOMAIN_MAX) {
        return error_set(e, ERROR_LIMIT,
                         "the domain has %u octets; one with more than %d has no policy host: "
                         "nothing is required of it",
                         domain.n, DOMAIN_MAX);
    }
    *ret_domain = domain;
    return true;
}

/* Exim takes standard error for part of the line: what is to be said is the remark in it. */
static bool is_in_line(const struct invocation *invocation)
{
    const char *format = invocation_value(invocation, "format");
    return format != NULL && strcmp(format, "exim") == 0;
}

static int answer(const struct invocation *invocation, struct bytes domain,
                  struct sender_policy *found)
{
    const char *format = invocation_value(invocation, "format");
    bool in_line = is_in_line(invocation);
    if (found->remark.code != ERROR_NONE && !in_line) {
        fprintf(stderr, "mtasts-host: %.*s: %s%s\n", BYTES_ARG(domain),
                found->cached.policy != NULL && !found->confirmed
                    ? "the policy seen before holds on: "
                    : "",
                found->remark.text);
    }
    if (!query_print(format != NULL ? format : "text", domain, found, stdout)) {
        return COMMAND_USAGE; /* not reached: the option's choices are the formats */
    }
    return found->cached.policy != NULL ? COMMAND_DONE : COMMAND_NO;
}

static bool look_up(const struct invocation *invocation, const struct settings *settings,
                    struct bytes domain, struct sender_policy *ret_found, struct error *e)
{
    CLEANUP_RESOLVER struct dns_resolver *resolver = NULL;
    if (!open_resolver(invocation, settings, &resolver, e)) {
        return false;
    }
    const struct sender_look_up_options options = {
        .cache.directory = invocation_value(invocation, "cache"),
        .resolver = resolver,
        .more_ca_file = invocation_value(invocation, "trust"),
        .ca_file = invocation_value(invocation, "trust-only"),
        .now_s = clock_wall_s(),
    };
    return sender_look_up(domain, &options, ret_found, e);
}

/* A text that cannot be the name of a mail domain has no policy host: nothing is required of it,
 * and that is certain. */
static int answer_none(const struct invocation *invocation, const struct error *why)
{
    struct dns_name_shown shown = dns_name_show(bytes_of(invocation->arguments[0]));
    struct sender_policy found = {.remark = *why};
    return answer(invocation, bytes_of(shown.text), &found);
}

int cmd_query(const struct invocation *invocation)
{
    CLEANUP_SETTINGS struct settings *settings = NULL;
    if (invocation->config != NULL) {
        settings = open_settings(invocation);
        if (settings == NULL) {
            return COMMAND_FAILED;
        }
    }
    struct error e;
    struct dns_name domain;
    struct sender_policy found;
    if (!find_domain(invocation, &domain, &e)) {
        return answer_none(invocation, &e);
    }
    if (!is_in_line(invocation) && !dns_name_is_idna(dns_name_bytes(&domain))) {
        fprintf(stderr,
                "mtasts-host: %s: warning: no valid internationalised name (IDNA); look at what "
                "follows xn--\n",
                domain.text);
    }
    if (!look_up(invocation, settings, dns_name_bytes(&domain), &found, &e)) {
        return fail(&e);
    }
    int code = answer(invocation, dns_name_bytes(&domain), &found);
    sender_policy_clear(&found);
    return code;
}
