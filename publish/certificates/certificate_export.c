#include "certificate_export.h"

#include "lib/base/directory.h"
#include "lib/base/file.h"
#include "publish/certificates/state_store.h"
#include "publish/certificates/sts_host.h"

enum { DIRECTORY_MODE = 0700, CHAIN_MODE = 0644, KEY_MODE = 0600 };

struct exporting {
    struct certificate_export *result;
    struct directory_tree tree;
};

static void fail(const struct exporting *exporting, const struct error *e)
{
    exporting->result->failed = true;
    exporting->result->tell(e, exporting->result->context);
}

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
        exporting->result->written++;
    } else {
        fail(exporting, &e);
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
        fail(exporting, &e);
        return;
    }
    if (!acme_store_find_certificate(store, host.text, &certificate, &e)) {
        if (e.code == ERROR_NOT_FOUND) {
            error_format(&e, ERROR_NOT_FOUND, "there is no certificate of ours");
        }
        error_format_prefix(&e, "%s: ", host.text);
        fail(exporting, &e);
        return;
    }
    (void)export_certificate(&certificate, exporting);
    acme_store_certificate_clear(&certificate);
}

static bool export_all(struct exporting *exporting, char *const *domains, size_t count,
                       struct acme_store *store, struct error *e)
{
    if (!file_make_directories(exporting->tree.path, DIRECTORY_MODE, e) ||
        !directory_tree_open(exporting->tree.path, &exporting->tree, e)) {
        return false;
    }
    if (count == 0) {
        return acme_store_each_certificate(store, 0, export_certificate, exporting, e);
    }
    for (size_t i = 0; i < count; i++) {
        export_named(exporting, store, domains[i]);
    }
    return true;
}

bool certificate_export_run(struct certificate_export *result, const char *directory,
                            char *const *domains, size_t count, struct error *e)
{
    struct exporting exporting = {.result = result, .tree = {directory, -1}};
    CLEANUP_STORE struct acme_store *store = NULL;
    bool ok = state_store_open(result->settings, &store, e) &&
              export_all(&exporting, domains, count, store, e);
    file_close(&exporting.tree.fd);
    return ok;
}
