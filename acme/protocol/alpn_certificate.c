#include "alpn_certificate.h"

#include <openssl/sha.h>

#include "acme/protocol/openssl_error.h"
#include "acme/protocol/self_signed.h"

enum { WEEK_S = 7 * 24 * 3600 };

/* RFC 8737 §6.1 */
static const char acme_identifier[] = "1.3.6.1.5.5.7.1.31";

static void extension_cleanup(X509_EXTENSION **extension)
{
    X509_EXTENSION_free(*extension);
}

static void object_cleanup(ASN1_OBJECT **object)
{
    ASN1_OBJECT_free(*object);
}

static void octets_cleanup(ASN1_OCTET_STRING **octets)
{
    ASN1_OCTET_STRING_free(*octets);
}

/* RFC 8737 §3: Authorization ::= OCTET STRING (SIZE (32)), which the extension's own OCTET STRING
 * wraps. */
static X509_EXTENSION *acme_identifier_new(struct bytes key_authorization)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    unsigned char authorization[2 + SHA256_DIGEST_LENGTH] = {V_ASN1_OCTET_STRING, sizeof(digest)};
    if (SHA256((const unsigned char *)key_authorization.p, key_authorization.n, digest) == NULL) {
        return NULL;
    }
    memcpy(authorization + 2, digest, sizeof(digest));
    CLEANUP(object_cleanup) ASN1_OBJECT *id = OBJ_txt2obj(acme_identifier, 1);
    CLEANUP(octets_cleanup) ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    if (id == NULL || value == NULL ||
        ASN1_OCTET_STRING_set(value, authorization, sizeof(authorization)) != 1) {
        return NULL;
    }
    return X509_EXTENSION_create_by_OBJ(NULL, id, 1, value);
}

bool alpn_certificate_make(const char *host, struct bytes key_authorization, int64_t now_s,
                           struct certificate_pair **ret_pair, struct error *e)
{
    CLEANUP(extension_cleanup) X509_EXTENSION *extension = acme_identifier_new(key_authorization);
    const struct self_signed what = {
        .host = host,
        .common_name = "ACME challenge", /* says nothing to the CA */
        .extension = extension,
        .life_s = WEEK_S,
        .purpose = "tls-alpn-01",
    };
    return extension != NULL ? self_signed_make(&what, now_s, ret_pair, e)
                             : openssl_error("make a certificate for tls-alpn-01", e);
}
