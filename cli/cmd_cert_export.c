/* cert export: certificates and keys as the files that other programs read. */
#include <stdio.h>

#include "cli/state_store.h"
#include "cli/sts_host.h"
#include "cli/workspace.h"
#include "lib/base/directory.h"
#include "lib/base/file.h"

enum { DIRECTORY_MODE = 0700, CHAIN_MODE = 0644, KEY_MODE = 0600 };

struct exporting {
    struct directory_tree tree;
    size_t written;
    bool failed;
};

/* The key first: who watches the chain finds its key there. */
static bool write_files(const struct acme_store_certificate *certificate,
                        const struct directory_tree *tree, struct error *e)
{
    CLEANUP_CLOSE int directory = -1;
    CLEANUP_FREE char *key = memory_printf("%s/privkey.pem", certificate->host);
    CLEANUP_FREE char *key_path = file_path_join(tree->path, key);
    CLEANUP_FREE char *directory_path = file_path_directory(key_path);
    CLEANUP_FREE char *chain_path = file_path_join(directory_path, "fullchain.pem");
    return directory_tree_enter(tree, key, DIRECTORY_MODE, &directory, e) &&
           file_replace_at(directory, key_path, bytes_of(certificate->key), KEY_MODE, e) &&
           file_replace_at(directory, chain_path, bytes_of(certificate->chain), CHAIN_MODE, e);
}

static bool export_certificate(const struct acme_store_certificate *certificate, void *context)
{
    struct exporting *exporting = context;
    struct error e;
    if (write_files(certificate, &exporting->tree, &e)) {
        exporting->written++;
    } else {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        exporting->failed = true;
        /* A link is this host's fault; with a full disk or a wrong owner the next would fail as
         * well. */
        return e.code == ERROR_CONFLICT;
    }
    return true;
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
    if (!file_make_directories(exporting->tree.path, DIRECTORY_MODE, e) ||
        !directory_tree_open(exporting->tree.path, &exporting->tree, e)) {
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
    struct exporting exporting = {.tree = {invocation->arguments[0], -1}};
    CLEANUP_STORE struct acme_store *store = NULL;
    bool ok =
        state_store_open(settings, &store, &e) && export_all(&exporting, invocation, store, &e);
    file_close(&exporting.tree.fd);
    if (!ok) {
        fprintf(stderr, "mtasts-host: %s\n", e.text);
        return COMMAND_FAILED;
    }
    fprintf(stderr, "%zu certificate%s written\n", exporting.written,
            exporting.written == 1 ? "" : "s");
    return exporting.failed ? COMMAND_FAILED : COMMAND_DONE;
}
