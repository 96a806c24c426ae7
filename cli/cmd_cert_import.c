/* cert import: takes over the certificates that another ACME client got, so that a move costs no
 * order. */
#include <stdio.h>

#include "acme/protocol/issued.h"
#include "cli/name_map.h"
#include "cli/pair_files.h"
#include "cli/pair_pem.h"
#include "cli/state_store.h"
#include "cli/sts_host.h"
#include "cli/time_text.h"
#include "cli/workspace.h"
#include "lib/base/clock.h"
#include "lib/base/safe_text.h"

/* A server that runs waits for our transactions: they are kept short. */
enum { PUTS_PER_TRANSACTION = 100 };

struct importing {
    const struct workspace *workspace;
    struct acme_store *store; /* NULL: there is none yet (--dry-run) */
    bool dry;
    int64_t now_s;
    struct name_map lives; /* each host met, and until when what it has is valid */
    size_t puts;           /* in the transaction under way */
    size_t taken;
    size_t refused;
    bool failed; /* the store: nothing more is tried */
};

static void fail(struct importing *importing, const struct error *e)
{
    fprintf(stderr, "mtasts-host: %s\n", e->text);
    importing->failed = true;
}

static void refuse(struct importing *importing, const char *path, const struct error *e)
{
    fprintf(stderr, "%s: error: cannot be taken: %s\n", SAFE_TEXT(path), e->text);
    importing->refused++;
}

/* Which policy host a name of a certificate stands for, where that is one of ours. */
static bool host_of_name(const struct importing *importing, struct bytes name,
                         struct dns_name *ret_host)
{
    struct bytes domain =
        bytes_starts_with(name, BYTES("*.")) ? bytes_skip(name, 2) : sts_host_domain(name);
    struct catalogue_view view;
    if (domain.n == 0 || !catalogue_find(importing->workspace->catalogue, domain, &view)) {
        return false;
    }
    sts_host_of(domain, ret_host);
    return true;
}

/* The host's item in `lives`, looked up in the store at the first meeting; NULL: failed. */
static struct name_map_item *lives_of(struct importing *importing, const struct dns_name *host)
{
    size_t before = importing->lives.count;
    struct name_map_item *item = name_map_add(&importing->lives, dns_name_bytes(host));
    if (importing->lives.count == before || importing->store == NULL) {
        return item;
    }
    struct error e;
    struct acme_store_certificate certificate;
    if (acme_store_find_certificate(importing->store, host->text, &certificate, &e)) {
        item->value = certificate.revoked ? 0 : (size_t)certificate.not_after_s;
        acme_store_certificate_clear(&certificate);
    } else if (e.code != ERROR_NOT_FOUND) {
        fail(importing, &e);
        return NULL;
    }
    return item;
}

static bool put(struct importing *importing, const struct dns_name *host,
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
    if (importing->puts == 0 && !acme_store_begin(importing->store, e)) {
        return false;
    }
    if (!acme_store_put_certificate(importing->store, &certificate, NULL, e)) {
        return false;
    }
    if (++importing->puts < PUTS_PER_TRANSACTION) {
        return true;
    }
    importing->puts = 0;
    return acme_store_commit(importing->store, e);
}

/* PEM, which was found at PATH, for HOST. */
static void take(struct importing *importing, const char *path, const struct pair_pem *pem,
                 const struct dns_name *host)
{
    struct error e;
    struct issued issued;
    if (!issued_check_foreign(
            &(struct issued_texts){NULL, buffer_bytes(&pem->chain), buffer_bytes(&pem->key)},
            host->text, importing->now_s, &issued, &e)) {
        refuse(importing, path, &e);
        return;
    }
    struct name_map_item *lives = lives_of(importing, host);
    if (lives != NULL && (int64_t)lives->value >= issued.not_after_s) {
        fprintf(stderr, "%s: passed over: %s has one that lives until %s, and this until %s\n",
                SAFE_TEXT(path), host->text, time_text_day((int64_t)lives->value).text,
                time_text_day(issued.not_after_s).text);
    } else if (lives != NULL) {
        if (!importing->dry && !put(importing, host, pem, &issued, &e)) {
            fail(importing, &e);
        } else {
            lives->value = (size_t)issued.not_after_s;
            importing->taken++;
            printf("%s: %s %s, until %s\n", host->text,
                   importing->dry ? "would be taken from" : "taken from", SAFE_TEXT(path),
                   time_text_day(issued.not_after_s).text);
        }
    }
    certificate_pair_unref(issued.pair);
}

static void take_hosts(struct importing *importing, const struct pair_file *file,
                       const struct name_map *hosts)
{
    struct error e;
    struct pair_pem pem;
    if (!pair_pem_make(file->pair, &pem, &e)) {
        refuse(importing, file->path, &e);
        return;
    }
    for (size_t i = 0; i < hosts->count && !importing->failed; i++) {
        struct dns_name host = {.n = (unsigned char)strlen(hosts->items[i].name)};
        memcpy(host.text, hosts->items[i].name, host.n);
        take(importing, file->path, &pem, &host);
    }
    pair_pem_clear(&pem);
}

static void import_pair(const struct pair_file *file, void *context)
{
    struct importing *importing = context;
    if (importing->failed) {
        return;
    }
    if (file->pair == NULL) {
        refuse(importing, file->path, file->e);
        return;
    }
    CLEANUP(name_map_clear) struct name_map hosts = {0}; /* each once: *.D and mta-sts.D are one */
    for (size_t i = 0; i < certificate_pair_name_count(file->pair); i++) {
        struct dns_name host;
        if (host_of_name(importing, certificate_pair_name(file->pair, i), &host)) {
            (void)name_map_add(&hosts, dns_name_bytes(&host));
        }
    }
    if (hosts.count == 0) {
        fprintf(stderr, "%s: passed over: for %.*s, which is no policy host of a domain here\n",
                SAFE_TEXT(file->path), BYTES_ARG(certificate_pair_name(file->pair, 0)));
        return;
    }
    take_hosts(importing, file, &hosts);
}

static bool open_store(struct importing *importing, struct error *e)
{
    const struct settings *settings = importing->workspace->settings;
    if (!importing->dry) {
        return state_store_make(settings, &importing->store, e);
    }
    return state_store_open(settings, &importing->store, e) || e->code == ERROR_NOT_FOUND;
}

static int run(struct importing *importing, const char *directory)
{
    struct error e;
    if (!open_store(importing, &e) || !pair_files_each(directory, import_pair, importing, &e) ||
        (importing->puts != 0 && !importing->failed && !acme_store_commit(importing->store, &e))) {
        fail(importing, &e);
    }
    fprintf(stderr, "%zu certificate%s %s, %zu could not be\n", importing->taken,
            importing->taken == 1 ? "" : "s", importing->dry ? "would be taken" : "taken",
            importing->refused);
    return importing->failed ? COMMAND_FAILED : importing->refused != 0 ? COMMAND_NO : COMMAND_DONE;
}

int cmd_cert_import(const struct invocation *invocation)
{
    CLEANUP(workspace_clear) struct workspace workspace;
    if (!workspace_open(invocation, &workspace)) {
        return COMMAND_FAILED;
    }
    struct importing importing = {
        .workspace = &workspace,
        .dry = invocation_has(invocation, "dry-run"),
        .now_s = clock_wall_s(),
    };
    int code = run(&importing, invocation->arguments[0]);
    acme_store_close(importing.store);
    name_map_clear(&importing.lives);
    return command_worse(code, workspace_exit(&workspace));
}
