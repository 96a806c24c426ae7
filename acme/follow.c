/* What the store got from others: `cert import`, or the process that orders while this one only
 * serves. */
#include "acme/client.h"
#include "lib/base/memory.h"

static bool take_row(const struct acme_store_certificate *row, void *context)
{
    struct acme *acme = context;
    struct host *host = hosts_get(acme, bytes_of(row->host));
    acme->followed.certificate_id = row->id;
    if (host->state.certificate.id != row->id) {
        host_take_certificate(host, row, NULL);
    }
    return !atomic_load(
        &acme->thread.abandon); /* a million rows take longer than whoever stops us waits */
}

/* Who only serves answers http-01 with the account of who orders. */
static void follow_account(struct acme *acme)
{
    const char *directory = acme->settings->directories[0].url;
    struct acme_store_account account;
    struct account_key *key = NULL;
    struct error e;
    if (acme_leads(acme) ||
        !acme_store_find_account(acme->session.store, directory, &account, &e)) {
        return; /* none yet: there is nothing to answer */
    }
    if (account_key_parse(bytes_of(account.key), &key, &e)) {
        acme_show_thumbprint(acme, account_key_thumbprint(key));
        account_key_free(key);
    }
    acme_store_account_clear(&account);
}

bool follow_store(struct acme *acme, struct error *e)
{
    int64_t version = 0;
    if (!acme_store_version(acme->session.store, &version, e)) {
        return false;
    }
    if (version == acme->followed.version) {
        return true;
    }
    acme->followed.version = version;
    follow_account(acme);
    return acme_store_each_certificate(acme->session.store, acme->followed.certificate_id, take_row,
                                       acme, e);
}
