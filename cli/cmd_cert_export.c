/* cert export: certificates and keys as the files that other programs read. */
#include <stdio.h>

#include "base/file.h"
#include "cli/state_store.h"
#include "cli/sts_host.h"
#include "cli/workspace.h"

enum { DIRECTORY_MODE = 0700, CHAIN_MODE = 0644, KEY_MODE = 0600 };

struct exporting {
    const char *directory;
    size_t written;
    bool failed;
};

/* The key first: who watches the chain finds its key there. */
static bool write_files(const struct acme_store_certificate *certificate, const char *directory,
                        struct error *e)
{
    CLEANUP_FREE char *chain = file_path_join(directory, "fullchain.pem");
    CLEANUP_FREE char *key = file_path_join(directory, "privkey.pem");
    return file_make_directories(directory, DIRECTORY_MODE, e) &&
           file_replace(key, bytes_of(certificate->key), KEY_MODE, e) &&
           file_replace(chain, bytes_of(certificate->chain), CHAIN_MODE, e);
}

static bool export_certificate(const struct acme_store_certificate *certificate, void *context)
{
    struct exporting *exporting = context;
    struct error e;
    CLEANUP_FREE char *directory = file_path_join(exporting->directory, certificate->host);
    if (write_files(certificate, directory, &e)) {
        exporting->written++;
    } else {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        exporting->failed = true; /* a full disk or a wrong owner: the next would fail as well */
    }
    return !exporting->failed;
}

static void export_named(struct exporting *exporting, struct acme_store *store,
                         const char *argument)
{
    struct error e;
    struct dns_name host;
    struct acme_store_certificate certificate;
    if (!sts_host_parse(argument, &host, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        exporting->failed = true;
        return;
    }
    if (!acme_store_find_certificate(store, host.text, &certificate, &e)) {
        fprintf(stderr, "mtasts-host: %s: %s\n", host.text,
                e.code == ERROR_NOT_FOUND ? "there is no certificate of ours" : e.text);
        exporting->failed = true;
        return;
    }
    (void)export_certificate(&certificate, exporting);
    acme_store_certificate_clear(&certificate);
}

static bool export_all(struct exporting *exporting, const struct invocation *invocation,
                       struct acme_store *store, struct error *e)
{
    if (!file_make_directories(exporting->directory, DIRECTORY_MODE, e)) {
        return false;
    }
    if (invocation->argument_count == 1) {
        return acme_store_each_certificate(store, 0, export_certificate, exporting, e);
    }
    for (size_t i = 1; i < invocation->argument_count; i++) {
        export_named(exporting, store, invocation->arguments[i]);
    }
    return true;
}

int cmd_cert_export(const struct invocation *invocation)
{
    CLEANUP_SETTINGS struct settings *settings = workspace_settings(invocation);
    if (settings == NULL) {
        return COMMAND_FAILED;
    }
    struct error e;
    struct exporting exporting = {.directory = invocation->arguments[0]};
    CLEANUP_STORE struct acme_store *store = NULL;
    if (!state_store_open(settings, &store, &e) || !export_all(&exporting, invocation, store, &e)) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        return COMMAND_FAILED;
    }
    fprintf(stderr, "%zu certificate%s written\n", exporting.written,
            exporting.written == 1 ? "" : "s");
    return exporting.failed ? COMMAND_FAILED : COMMAND_DONE;
}
