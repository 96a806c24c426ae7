#include "ca_name.h"

#include <string.h>

const char *ca_name(const struct settings *settings, const char *url)
{
    const struct settings_acme *acme = settings->acme;
    for (size_t i = 0; acme != NULL && i < acme->directory_count; i++) {
        if (strcmp(acme->directories[i].url, url) == 0) {
            return acme->directories[i].name;
        }
    }
    return url;
}
