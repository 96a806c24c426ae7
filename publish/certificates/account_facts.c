#include "account_facts.h"

#include "acme/protocol/account_key.h"

static char *thumbprint_of(const char *pem)
{
    struct error ignored;
    struct account_key *key = NULL;
    char *thumbprint = account_key_parse(bytes_of(pem), &key, &ignored)
                           ? memory_string(account_key_thumbprint(key))
                           : NULL;
    account_key_free(key);
    return thumbprint;
}

bool account_facts_read(struct acme_store *store, const struct settings_directory *directory,
                        struct account_facts *ret_facts, struct error *e)
{
    *ret_facts = (struct account_facts){.directory = directory};
    if (!acme_store_find_account(store, directory->url, &ret_facts->account, e)) {
        return e->code == ERROR_NOT_FOUND;
    }
    ret_facts->thumbprint = thumbprint_of(ret_facts->account.key);
    return true;
}

void account_facts_clear(struct account_facts *facts)
{
    acme_store_account_clear(&facts->account);
    free(facts->thumbprint);
}
