#include "san_extension.h"

/* Not critical: that is for the CA to decide where there is no subject (RFC 5280 §4.2.1.6). */
X509_EXTENSION *san_extension_new(const char *host)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    X509_EXTENSION *extension = NULL;
    if (names == NULL || name == NULL || text == NULL || ASN1_STRING_set(text, host, -1) != 1) {
        goto out;
    }
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    text = NULL; /* the name's now */
    if (sk_GENERAL_NAME_push(names, name) == 0) {
        goto out;
    }
    name = NULL; /* the list's now */
    extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, names);
out:
    ASN1_IA5STRING_free(text);
    GENERAL_NAME_free(name);
    GENERAL_NAMES_free(names);
    return extension;
}
