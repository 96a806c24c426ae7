#include "certificate_view.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>

/* --- The template: RFC 5280 §4.1, with the key as RFC 5280 §4.1.2.7 and RFC 8017 §A.1.1 have it;
 * the items in it are those of d2i_X509 --- */

struct public_key {
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *octets;
};

struct fields {
    ASN1_INTEGER *version;
    ASN1_INTEGER *serial;
    X509_ALGOR *signature;
    X509_NAME *issuer;
    X509_VAL *validity;
    X509_NAME *subject;
    struct public_key *key;
    ASN1_BIT_STRING *issuer_id;
    ASN1_BIT_STRING *subject_id;
    STACK_OF(X509_EXTENSION) * extensions;
};

struct certificate {
    struct fields *fields;
    X509_ALGOR *signature_algorithm;
    ASN1_BIT_STRING *signature;
};

struct rsa_key {
    BIGNUM *modulus;
    BIGNUM *exponent;
};

/* clang-format off */
ASN1_SEQUENCE(PUBLIC_KEY) = {
    ASN1_SIMPLE(struct public_key, algorithm, X509_ALGOR),
    ASN1_SIMPLE(struct public_key, octets, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END_name(struct public_key, PUBLIC_KEY)

ASN1_SEQUENCE(FIELDS) = {
    ASN1_EXP_OPT(struct fields, version, ASN1_INTEGER, 0),
    ASN1_SIMPLE(struct fields, serial, ASN1_INTEGER),
    ASN1_SIMPLE(struct fields, signature, X509_ALGOR),
    ASN1_SIMPLE(struct fields, issuer, X509_NAME),
    ASN1_SIMPLE(struct fields, validity, X509_VAL),
    ASN1_SIMPLE(struct fields, subject, X509_NAME),
    ASN1_SIMPLE(struct fields, key, PUBLIC_KEY),
    ASN1_IMP_OPT(struct fields, issuer_id, ASN1_BIT_STRING, 1),
    ASN1_IMP_OPT(struct fields, subject_id, ASN1_BIT_STRING, 2),
    ASN1_EXP_SEQUENCE_OF_OPT(struct fields, extensions, X509_EXTENSION, 3),
} static_ASN1_SEQUENCE_END_name(struct fields, FIELDS)

ASN1_SEQUENCE(CERTIFICATE) = {
    ASN1_SIMPLE(struct certificate, fields, FIELDS),
    ASN1_SIMPLE(struct certificate, signature_algorithm, X509_ALGOR),
    ASN1_SIMPLE(struct certificate, signature, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END_name(struct certificate, CERTIFICATE)

ASN1_SEQUENCE(RSA_KEY) = {
    ASN1_SIMPLE(struct rsa_key, modulus, BIGNUM),
    ASN1_SIMPLE(struct rsa_key, exponent, BIGNUM),
} static_ASN1_SEQUENCE_END_name(struct rsa_key, RSA_KEY)
    /* clang-format on */

    struct certificate_view {
    struct bytes der;
    struct certificate *certificate;
    struct certificate_key key;
};

/* --- The key --- */

bool certificate_key_of_point(struct bytes point, int nid, struct curves *curves,
                              struct certificate_key *key)
{
    key->group = curves_find(curves, nid);
    if (key->group == NULL || point.n == 0 || point.p[0] != POINT_CONVERSION_UNCOMPRESSED) {
        return false;
    }
    key->point = EC_POINT_new(key->group);
    key->kind = CERTIFICATE_KEY_EC;
    return key->point != NULL && /* on the curve, too */
           EC_POINT_oct2point(key->group, key->point, (const unsigned char *)point.p, point.n,
                              NULL) == 1;
}

static bool read_ec(const X509_ALGOR *algorithm, const ASN1_BIT_STRING *octets,
                    struct curves *curves, struct certificate_key *key)
{
    const void *curve = NULL;
    int type = 0;
    X509_ALGOR_get0(NULL, &type, &curve, algorithm);
    int nid = type == V_ASN1_OBJECT ? OBJ_obj2nid(curve) : NID_undef;
    struct bytes point = {(const char *)octets->data, (size_t)octets->length};
    return certificate_key_of_point(point, nid, curves, key);
}

static bool read_rsa(const ASN1_BIT_STRING *octets, struct certificate_key *key)
{
    enum { BITS = 2048 };
    const unsigned char *p = octets->data;
    struct rsa_key *numbers =
        (struct rsa_key *)ASN1_item_d2i(NULL, &p, octets->length, ASN1_ITEM_rptr(RSA_KEY));
    if (numbers == NULL) {
        return false;
    }
    key->kind = CERTIFICATE_KEY_RSA;
    key->modulus = TAKE(numbers->modulus);
    key->exponent = TAKE(numbers->exponent);
    ASN1_item_free((ASN1_VALUE *)numbers, ASN1_ITEM_rptr(RSA_KEY));
    return BN_num_bits(key->modulus) >= BITS;
}

void certificate_key_clear(struct certificate_key *key)
{
    EC_POINT_free(key->point);
    BN_free(key->modulus);
    BN_free(key->exponent);
    *key = (struct certificate_key){.kind = CERTIFICATE_KEY_OTHER};
}

static void read_key(const struct public_key *public_key, struct curves *curves,
                     struct certificate_key *key)
{
    const ASN1_OBJECT *algorithm = NULL;
    X509_ALGOR_get0(&algorithm, NULL, NULL, public_key->algorithm);
    int nid = OBJ_obj2nid(algorithm);
    bool known = (nid == NID_X9_62_id_ecPublicKey &&
                  read_ec(public_key->algorithm, public_key->octets, curves, key)) ||
                 (nid == NID_rsaEncryption && read_rsa(public_key->octets, key));
    if (!known) {
        certificate_key_clear(key);
    }
}

/* --- All of it --- */

struct certificate_view *certificate_view_take(struct bytes *der, struct curves *curves)
{
    const unsigned char *p = (const unsigned char *)der->p;
    struct certificate *certificate =
        der->n <= INT32_MAX ? (struct certificate *)ASN1_item_d2i(NULL, &p, (long)der->n,
                                                                  ASN1_ITEM_rptr(CERTIFICATE))
                            : NULL;
    struct certificate_view *view = NULL;
    if (certificate != NULL) {
        size_t taken = (size_t)((const char *)p - der->p);
        view = memory_zero(1, sizeof(*view));
        view->der = (struct bytes){der->p, taken};
        view->certificate = certificate;
        read_key(certificate->fields->key, curves, &view->key);
        *der = bytes_skip(*der, taken);
    }
    ERR_clear_error();
    return view;
}

void certificate_view_free(struct certificate_view *view)
{
    if (view != NULL) {
        certificate_key_clear(&view->key);
        ASN1_item_free((ASN1_VALUE *)view->certificate, ASN1_ITEM_rptr(CERTIFICATE));
        free(view);
    }
}

const ASN1_TIME *certificate_view_not_before(const struct certificate_view *view)
{
    return view->certificate->fields->validity->notBefore;
}

const ASN1_TIME *certificate_view_not_after(const struct certificate_view *view)
{
    return view->certificate->fields->validity->notAfter;
}

const STACK_OF(X509_EXTENSION) * certificate_view_extensions(const struct certificate_view *view)
{
    return view->certificate->fields->extensions;
}

const struct certificate_key *certificate_view_key(const struct certificate_view *view)
{
    return &view->key;
}

bool certificate_view_is_signed_strongly(const struct certificate_view *view)
{
    const ASN1_OBJECT *algorithm = NULL;
    int digest = NID_undef;
    X509_ALGOR_get0(&algorithm, NULL, NULL, view->certificate->signature_algorithm);
    return OBJ_find_sigid_algs(OBJ_obj2nid(algorithm), &digest, NULL) == 1 &&
           (digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512);
}

X509 *certificate_view_full(const struct certificate_view *view)
{
    const unsigned char *p = (const unsigned char *)view->der.p;
    X509 *certificate = d2i_X509(NULL, &p, (long)view->der.n);
    ERR_clear_error();
    return certificate;
}
