/* cert export: certificates and keys as the files that other programs read. */
#include <stdio.h>

#include "cli/opening.h"
#include "publish/certificates/certificate_export.h"

int cmd_cert_export(const struct invocation *invocation)
{
    struct error e;
    CLEANUP_SETTINGS struct settings *settings = open_settings(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    struct certificate_export export = {.settings = settings, .tell = tell_each};
    if (!certificate_export_run(&export, invocation->arguments[0], invocation->arguments + 1,
                                invocation->argument_count - 1, &e)) {
        return fail(&e);
    }
    fprintf(stderr, "%zu certificate%s written\n", export.written, export.written == 1 ? "" : "s");
    return export.failed ? COMMAND_FAILED : COMMAND_DONE;
}
