/* How the names in a policy file are written: a domain's, a shared policy's. */
#include <ctype.h>

#include "lib/base/shown.h"
#include "policies/files/policy_file_entry.h"

bool policy_file_normalise_domain(struct bytes text, struct dns_name *ret_name, struct error *e)
{
    struct dns_name name;
    if (bytes_starts_with(text, BYTES("_mta-sts."))) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" is the name of a record; write the domain alone, without "
                         "\"_mta-sts.\"",
                         shown(text).text);
    }
    if (!dns_name_normalise(text, &name, e)) {
        return false;
    }
    if (name.n > POLICY_DOMAIN_MAX) {
        return error_set(e, ERROR_LIMIT,
                         "domain of %d octets; at most %d fit behind \"mta-sts.\" in a host name, "
                         "remove it",
                         name.n, POLICY_DOMAIN_MAX);
    }
    *ret_name = name;
    return true;
}

bool policy_file_name_normalise(struct bytes text, struct dns_name *ret_name, struct error *e)
{
    bool good = text.n >= 1 && text.n <= DNS_LABEL_MAX;
    struct dns_name name = {0};
    for (size_t i = 0; good && i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool inner = i > 0 && i + 1 < text.n;
        good = c < 0x80 && (isalnum(c) || (c == '-' && inner));
        name.text[i] = (char)(isupper(c) ? c | 0x20 : c);
    }
    if (!good) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" cannot be the name of a shared policy; use one DNS label: at most "
                         "%d letters, digits and inner hyphens",
                         shown(text).text, DNS_LABEL_MAX);
    }
    name.n = (unsigned char)text.n;
    *ret_name = name;
    return true;
}
