#include "caa_issuers.h"

#include <string.h>

#include "lib/base/memory.h"

struct issuers {
    const char **items;
    size_t count;
};

static void add(struct issuers *issuers, const char *issuer)
{
    if (issuers->count < CAA_ISSUERS_MAX) {
        issuers->items[issuers->count++] = issuer;
    }
}

static void add_of(struct issuers *issuers, const struct settings_directory *ca)
{
    static const struct {
        const char *part; /* of the directory's URL */
        const char *issuer;
    } known[] = {
        {".letsencrypt.org/", "letsencrypt.org"},
        {".pki.goog/", "pki.goog"},
        {"acme.zerossl.com/", "sectigo.com"},
        {".buypass.com/", "buypass.com"},
        {"acme.ssl.com/", "ssl.com"},
    };
    for (size_t i = 0; i < ca->caa.count; i++) {
        add(issuers, ca->caa.items[i]);
    }
    for (size_t i = 0; ca->caa.count == 0 && i < ARRAY_LENGTH(known); i++) {
        if (strstr(ca->url, known[i].part) != NULL) {
            add(issuers, known[i].issuer);
        }
    }
}

size_t caa_issuers_find(const struct settings *settings,
                        const char *ret_issuers[static CAA_ISSUERS_MAX])
{
    struct issuers issuers = {.items = ret_issuers};
    const struct settings_acme *acme = settings != NULL ? settings->acme : NULL;
    for (size_t i = 0; acme != NULL && i < acme->directory_count; i++) {
        add_of(&issuers, &acme->directories[i]);
    }
    return issuers.count;
}
