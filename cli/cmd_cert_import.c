/* cert import: takes over the certificates that another ACME client got. */
#include <stdio.h>
#include <unistd.h>

#include "cli/opening.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/safe_text.h"
#include "lib/base/time_text.h"
#include "publish/certificates/certificate_import.h"

static void tell_event(const struct certificate_import_event *event, void *context)
{
    const struct certificate_import *import = context;
    switch (event->fate) {
    case CERTIFICATE_TAKEN:
        printf("%s: %s %s, until %s\n", event->host,
               import->dry ? "would be taken from" : "taken from", SAFE_TEXT(event->path),
               time_text_day(event->until_s).text);
        break;
    case CERTIFICATE_REFUSED:
        fprintf(stderr, "%s: error: cannot be taken: %s\n", SAFE_TEXT(event->path), event->e->text);
        break;
    case CERTIFICATE_FOREIGN:
        fprintf(stderr, "%s: passed over: for %.*s, which is no policy host of a domain here\n",
                SAFE_TEXT(event->path), BYTES_ARG(event->name));
        break;
    case CERTIFICATE_OLDER:
        fprintf(stderr, "%s: passed over: %s has one that lives until %s, and this until %s\n",
                SAFE_TEXT(event->path), event->host, time_text_day(event->kept_until_s).text,
                time_text_day(event->until_s).text);
        break;
    }
}

/* What a user would not see from "0 certificates taken". */
static void tell_nothing_found(const char *directory)
{
    CLEANUP_FREE char *traefik = file_path_join(directory, "acme.json");
    if (access(traefik, F_OK) == 0) {
        fprintf(stderr,
                "%s is Traefik's store, which is not read; write its certificates into files first "
                "(traefik-certs-dumper), and name their directory\n",
                SAFE_TEXT(traefik));
    } else {
        fprintf(stderr,
                "there is no pair in %s: fullchain.pem with privkey.pem, NAME.crt with NAME.key, "
                "fullchain.cer with NAME.key, or NAME.pem with both\n",
                SAFE_TEXT(directory));
    }
}

/* What is taken without `acme` lies there and nobody serves it. */
static void tell_unused(const struct certificate_import *import)
{
    if (import->settings->acme == NULL && import->taken != 0) {
        fprintf(stderr,
                "%s has no acme: nothing uses %s. Configure acme, which serves and renews them, or "
                "name %s directory in certificates\n",
                SAFE_TEXT(import->settings->file), import->taken == 1 ? "it" : "them",
                import->taken == 1 ? "its" : "their");
    }
}

int cmd_cert_import(const struct invocation *invocation)
{
    struct error e;
    CLEANUP(workspace_clear) struct workspace workspace;
    if (!open_workspace(invocation, &workspace)) {
        return COMMAND_FAILED;
    }
    struct certificate_import import = {
        .settings = workspace.settings,
        .catalogue = workspace.catalogue,
        .dry = invocation_has(invocation, "dry-run"),
        .now_s = clock_wall_s(),
        .tell = tell_event,
        .context = &import,
    };
    bool ok = certificate_import_run(&import, invocation->arguments[0], &e) || tell(&e);
    fprintf(stderr, "%zu certificate%s %s, %zu could not be\n", import.taken,
            import.taken == 1 ? "" : "s", import.dry ? "would be taken" : "taken", import.refused);
    bool nothing = ok && import.taken + import.refused + import.passed_over == 0;
    if (nothing) {
        tell_nothing_found(invocation->arguments[0]);
    }
    tell_unused(&import);
    int code = !ok ? COMMAND_FAILED : import.refused != 0 || nothing ? COMMAND_NO : COMMAND_DONE;
    return command_worse(code, workspace_exit(&workspace));
}
