/* What the store has of an account at a CA. */
#ifndef PUBLISH_CERTIFICATES_ACCOUNT_FACTS_H
#define PUBLISH_CERTIFICATES_ACCOUNT_FACTS_H

#include "acme/store/acme_store.h"
#include "config/settings.h"

struct account_facts {
    const struct settings_directory *directory;
    struct acme_store_account account; /* directory NULL: there is none yet */
    char *thumbprint;                  /* NULL: the key cannot be read */
};

/* Clear either way. */
bool account_facts_read(struct acme_store *store, const struct settings_directory *directory,
                        struct account_facts *ret_facts, struct error *e) MUST_USE;
void account_facts_clear(struct account_facts *facts);

#endif
