#include "certificate_import.h"

#include "acme/protocol/issued.h"
#include "lib/certificates/pair_pem.h"
#include "publish/certificates/pair_files.h"
#include "publish/certificates/state_store.h"
#include "publish/certificates/sts_host.h"

/* A server that runs waits for our transactions: they are kept short. */
enum { PUTS_PER_TRANSACTION = 100 };

static void fail(struct certificate_import *import, const struct error *e)
{
    if (import->failure == NULL) {
        import->failure = memory_alloc(sizeof(*e));
        *import->failure = *e;
    }
}

static void refuse(struct certificate_import *import, const char *path, const struct error *e)
{
    import->refused++;
    import->tell(&(struct certificate_import_event){CERTIFICATE_REFUSED, .path = path, .e = e},
                 import->context);
}

/* Which policy host a name of a certificate stands for, where that is one of ours. */
static bool host_of_name(const struct certificate_import *import, struct bytes name,
                         struct dns_name *ret_host)
{
    struct bytes domain =
        bytes_starts_with(name, BYTES("*.")) ? bytes_skip(name, 2) : sts_host_domain(name);
    struct catalogue_view view;
    if (domain.n == 0 || !catalogue_find(import->catalogue, domain, &view)) {
        return false;
    }
    sts_host_of(domain, ret_host);
    return true;
}

/* The host's item in `lives`, looked up in the store at the first meeting; NULL: failed. */
static struct name_map_item *lives_of(struct certificate_import *import,
                                      const struct dns_name *host)
{
    size_t before = import->lives.count;
    struct name_map_item *item = name_map_add(&import->lives, dns_name_bytes(host));
    if (import->lives.count == before || import->store == NULL) {
        return item;
    }
    struct error e;
    struct acme_store_certificate certificate;
    if (acme_store_find_certificate(import->store, host->text, &certificate, &e)) {
        item->value = certificate.revoked ? 0 : (size_t)certificate.not_after_s;
        acme_store_certificate_clear(&certificate);
    } else if (e.code != ERROR_NOT_FOUND) {
        fail(import, &e);
        return NULL;
    }
    return item;
}

static bool put(struct certificate_import *import, const struct dns_name *host,
                const struct pair_pem *pem, struct issued *issued, struct error *e)
{
    struct acme_store_certificate certificate = {
        .host = (char *)host->text,
        .chain = pem->chain.p,
        .key = pem->key.p,
        .not_before_s = issued->not_before_s,
        .not_after_s = issued->not_after_s,
        .ari_id = issued->ari_id[0] != '\0' ? issued->ari_id : NULL,
    };
    if (import->puts == 0 && !acme_store_begin(import->store, e)) {
        return false;
    }
    if (!acme_store_put_certificate(import->store, &certificate, NULL, e)) {
        return false;
    }
    if (++import->puts < PUTS_PER_TRANSACTION) {
        return true;
    }
    import->puts = 0;
    return acme_store_commit(import->store, e);
}

/* PEM, which was found at PATH and is ISSUED, for HOST. */
static void decide(struct certificate_import *import, const char *path, const struct pair_pem *pem,
                   const struct dns_name *host, struct issued *issued)
{
    struct error e;
    struct certificate_import_event event = {CERTIFICATE_TAKEN, .path = path, .host = host->text,
                                             .until_s = issued->not_after_s};
    struct name_map_item *lives = lives_of(import, host);
    if (lives == NULL) {
        return;
    }
    if ((int64_t)lives->value >= issued->not_after_s) {
        event.fate = CERTIFICATE_OLDER;
        import->passed_over++;
        event.kept_until_s = (int64_t)lives->value;
    } else if (!import->dry && !put(import, host, pem, issued, &e)) {
        fail(import, &e);
        return;
    } else {
        lives->value = (size_t)issued->not_after_s;
        import->taken++;
    }
    import->tell(&event, import->context);
}

static void take(struct certificate_import *import, const char *path, const struct pair_pem *pem,
                 const struct dns_name *host)
{
    struct error e;
    struct issued issued;
    const struct issued_texts texts = {NULL, buffer_bytes(&pem->chain), buffer_bytes(&pem->key)};
    if (!issued_check_foreign(&texts, host->text, import->now_s, &issued, &e)) {
        refuse(import, path, &e);
        return;
    }
    decide(import, path, pem, host, &issued);
    certificate_pair_unref(issued.pair);
}

static void take_hosts(struct certificate_import *import, const struct pair_file *file,
                       const struct name_map *hosts)
{
    struct error e;
    struct pair_pem pem;
    if (!pair_pem_make(file->pair, &pem, &e)) {
        refuse(import, file->path, &e);
        return;
    }
    for (size_t i = 0; i < hosts->count && import->failure == NULL; i++) {
        struct dns_name host = {.n = (unsigned char)strlen(hosts->items[i].name)};
        memcpy(host.text, hosts->items[i].name, host.n);
        take(import, file->path, &pem, &host);
    }
    pair_pem_clear(&pem);
}

static void import_pair(const struct pair_file *file, void *context)
{
    struct certificate_import *import = context;
    if (import->failure != NULL) {
        return;
    }
    if (file->pair == NULL) {
        refuse(import, file->path, file->e);
        return;
    }
    CLEANUP(name_map_clear) struct name_map hosts = {0}; /* each once: *.D and mta-sts.D are one */
    for (size_t i = 0; i < certificate_pair_name_count(file->pair); i++) {
        struct dns_name host;
        if (host_of_name(import, certificate_pair_name(file->pair, i), &host)) {
            (void)name_map_add(&hosts, dns_name_bytes(&host));
        }
    }
    if (hosts.count != 0) {
        take_hosts(import, file, &hosts);
    } else {
        import->passed_over++;
        import->tell(
            &(struct certificate_import_event){CERTIFICATE_FOREIGN, .path = file->path,
                                               .name = certificate_pair_name(file->pair, 0)},
            import->context);
    }
}

static bool open_store(struct certificate_import *import, struct error *e)
{
    return import->dry
               ? state_store_open(import->settings, &import->store, e) || e->code == ERROR_NOT_FOUND
               : state_store_make(import->settings, &import->store, e);
}

bool certificate_import_run(struct certificate_import *import, const char *directory,
                            struct error *e)
{
    bool ok = open_store(import, e) && pair_files_each(directory, import_pair, import, e);
    if (ok && import->failure != NULL) {
        *e = *import->failure;
        ok = false;
    }
    ok = ok && (import->puts == 0 || acme_store_commit(import->store, e));
    acme_store_close(import->store);
    name_map_clear(&import->lives);
    free(import->failure);
    return ok;
}
