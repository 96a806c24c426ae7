/* import: static trees of mta-sts.txt, as nginx and Apache serve them, to a policy file. */
#include <stdio.h>

#include "cli/opening.h"
#include "lib/base/clock.h"
#include "publish/tree_import.h"

static void tell_all(const struct diagnostics *d, void *context)
{
    (void)context;
    diagnostics_print(d, stderr);
}

int cmd_import(const struct invocation *invocation)
{
    struct error e;
    struct tree_import import = {.tell = tell_all, .now_s = clock_wall_s()};
    CLEANUP_RESOLVER struct dns_resolver *resolver = NULL;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_FILE_MAX);
    if (invocation_has(invocation, "live") && !open_resolver(invocation, NULL, &resolver, &e)) {
        return fail(&e);
    }
    import.resolver = resolver;
    if (!tree_import_run(&import, invocation->arguments[0],
                         !invocation_has(invocation, "no-shared"), &text, &e) ||
        !write_new_file(invocation_value(invocation, "output"), buffer_bytes(&text), &e)) {
        return fail(&e);
    }
    fprintf(stderr, "%zu domains, %zu shared policies", import.domains, import.shared_policies);
    if (resolver != NULL) {
        fprintf(stderr, ", %zu with the id that is in DNS", import.kept_ids);
    }
    if (import.failed) {
        fprintf(stderr, "; %zu left out, as is told above", import.left_out);
    }
    fputc('\n', stderr);
    return import.failed ? COMMAND_FAILED : COMMAND_DONE;
}
