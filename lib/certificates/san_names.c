#include "san_names.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static void names_cleanup(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

static bool normalise_name(struct bytes text, struct dns_name *ret_name)
{
    struct error ignored;
    if (!bytes_starts_with(text, BYTES("*."))) {
        return dns_name_normalise(text, ret_name, &ignored);
    }
    struct dns_name parent;
    if (!dns_name_normalise(bytes_skip(text, 2), &parent, &ignored) ||
        parent.n + 2 > DNS_NAME_MAX) {
        return false;
    }
    ret_name->n = (unsigned char)(parent.n + 2);
    memcpy(ret_name->text, "*.", 2);
    memcpy(ret_name->text + 2, parent.text, parent.n + 1U);
    return true;
}

static bool has_name(const struct buffer *names, struct bytes name)
{
    struct bytes rest = buffer_bytes(names);
    while (rest.n != 0) {
        struct bytes one = bytes_of(rest.p);
        if (bytes_equal(one, name)) {
            return true;
        }
        rest = bytes_skip(rest, one.n + 1);
    }
    return false;
}

bool san_names_add(struct bytes text, struct buffer *names)
{
    struct dns_name name;
    if (!normalise_name(text, &name) || has_name(names, dns_name_bytes(&name))) {
        return false;
    }
    buffer_add(names, (struct bytes){name.text, name.n + 1U});
    return true;
}

static struct bytes text_of(const ASN1_IA5STRING *san)
{
    return (struct bytes){(const char *)ASN1_STRING_get0_data(san),
                          (size_t)ASN1_STRING_length(san)};
}

bool san_names_read(const STACK_OF(X509_EXTENSION) * extensions, const char *path,
                    struct buffer *names, size_t *ret_count, struct error *e)
{
    CLEANUP(names_cleanup)
    GENERAL_NAMES *sans = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    ERR_clear_error();
    if (sk_GENERAL_NAME_num(sans) > CERTIFICATE_NAMES_MAX) {
        return error_set(e, ERROR_LIMIT, "%s: the certificate has %d names, over %d; split it",
                         path, sk_GENERAL_NAME_num(sans), CERTIFICATE_NAMES_MAX);
    }
    size_t count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(sans); i++) {
        const GENERAL_NAME *san = sk_GENERAL_NAME_value(sans, i);
        count += san->type == GEN_DNS && san_names_add(text_of(san->d.dNSName), names);
    }
    if (count == 0) {
        return error_set(e, ERROR_SYNTAX,
                         "%s: the certificate has no host name among its subjectAltNames; get one "
                         "for mta-sts.DOMAIN",
                         path);
    }
    *ret_count = count;
    return true;
}
