#include "private_key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "lib/certificates/der.h"
#include "lib/tls/octet_key.h"

/* SEQUENCE { version INTEGER, … }: what follows the version. */
static bool der_open_versioned(struct bytes der, char version, struct bytes *ret_rest)
{
    struct bytes rest;
    struct bytes number;
    if (!der_take(&der, DER_SEQUENCE, &rest) || !der_take(&rest, DER_INTEGER, &number) ||
        number.n != 1 || number.p[0] != version) {
        return false;
    }
    *ret_rest = rest;
    return true;
}

/* What may follow the scalar (RFC 5915 §3): [0] parameters, [1] BIT STRING. */
static struct bytes find_point(struct bytes rest)
{
    struct bytes parameters;
    struct bytes outer;
    struct bytes bits;
    bool named = der_take(&rest, DER_CONTEXT_WHOLE, &parameters);
    (void)named; /* or not */
    if (der_take(&rest, DER_CONTEXT_WHOLE + 1, &outer) && der_take(&outer, DER_BIT_STRING, &bits) &&
        bits.n != 0 && bits.p[0] == 0) {
        return bytes_skip(bits, 1);
    }
    return (struct bytes){0};
}

static bool find_sec1(struct bytes der, struct private_key *ret_key)
{
    struct bytes rest;
    struct bytes scalar;
    if (!der_open_versioned(der, 1, &rest) || !der_take(&rest, DER_OCTET_STRING, &scalar) ||
        scalar.n == 0) {
        return false;
    }
    *ret_key = (struct private_key){.rsa = false, .octets = scalar, .point = find_point(rest)};
    return true;
}

static bool find_pkcs1(struct bytes der, struct private_key *ret_key)
{
    struct bytes rest;
    if (!der_open_versioned(der, 0, &rest)) { /* version 1 has more than two primes */
        return false;
    }
    *ret_key = (struct private_key){.rsa = true, .octets = der};
    return true;
}

/* Version 1 (RFC 5958) may add the public key at the end, which nobody needs here. */
static bool find_pkcs8(struct bytes der, struct bytes *ret_algorithm, struct bytes *ret_key)
{
    struct bytes rest;
    struct bytes identifier;
    return (der_open_versioned(der, 0, &rest) || der_open_versioned(der, 1, &rest)) &&
           der_take(&rest, DER_SEQUENCE, &identifier) &&
           der_take(&identifier, DER_OBJECT, ret_algorithm) &&
           der_take(&rest, DER_OCTET_STRING, ret_key);
}

/* 1.2.840.10045.2.1 and 1.2.840.113549.1.1.1 */
#define OID_EC_PUBLIC_KEY BYTES("\x2a\x86\x48\xce\x3d\x02\x01")
#define OID_RSA           BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")

bool private_key_find(struct bytes der, enum private_key_form form, struct private_key *ret_key,
                      struct error *e)
{
    if (form == PRIVATE_KEY_PKCS8) {
        struct bytes algorithm;
        if (!find_pkcs8(der, &algorithm, &der)) {
            return error_set(e, ERROR_SYNTAX, "the private key is damaged; write the file again");
        }
        if (bytes_equal(algorithm, OID_EC_PUBLIC_KEY)) {
            form = PRIVATE_KEY_SEC1;
        } else if (bytes_equal(algorithm, OID_RSA)) {
            form = PRIVATE_KEY_PKCS1;
        } else {
            return error_set(e, ERROR_SYNTAX,
                             "the private key is neither ECDSA nor RSA; get a certificate with an "
                             "ECDSA (P-256) key");
        }
    }
    struct private_key key;
    if (!(form == PRIVATE_KEY_SEC1 ? find_sec1(der, &key) : find_pkcs1(der, &key))) {
        return error_set(e, ERROR_SYNTAX, "the private key is damaged; write the file again");
    }
    *ret_key = key;
    return true;
}

static void param_build_free(OSSL_PARAM_BLD **build)
{
    OSSL_PARAM_BLD_free(*build);
}

static void param_free(OSSL_PARAM **parameters)
{
    OSSL_PARAM_free(*parameters);
}

static void pkey_context_free(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static EVP_PKEY *make_from(OSSL_LIB_CTX *library, const char *type, OSSL_PARAM_BLD *build)
{
    CLEANUP(param_free) OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    CLEANUP(pkey_context_free)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(library, type, NULL);
    EVP_PKEY *key = NULL;
    if (parameters == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters) != 1) {
        return NULL;
    }
    return key;
}

static const char *curve_of(const X509 *leaf)
{
    X509_ALGOR *algorithm = NULL;
    const void *parameter = NULL;
    int type = 0;
    if (X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(leaf)) != 1) {
        return NULL;
    }
    X509_ALGOR_get0(NULL, &type, &parameter, algorithm);
    return type == V_ASN1_OBJECT ? OBJ_nid2sn(OBJ_obj2nid(parameter)) : NULL;
}

static EVP_PKEY *make_ec(struct bytes scalar, const X509 *leaf, OSSL_LIB_CTX *library)
{
    EVP_PKEY *public_key = X509_get0_pubkey(leaf);
    if (public_key != NULL && octet_key_is(public_key)) {
        bool completed = octet_key_complete(public_key, scalar);
        return completed && EVP_PKEY_up_ref(public_key) == 1 ? public_key : NULL;
    }
    const char *curve = curve_of(leaf);
    const ASN1_BIT_STRING *point = X509_get0_pubkey_bitstr(leaf);
    if (curve == NULL || point == NULL || scalar.n > (size_t)point->length) {
        return NULL;
    }
    BIGNUM *number = BN_secure_new();
    EVP_PKEY *key = NULL;
    CLEANUP(param_build_free) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build != NULL && number != NULL &&
        BN_bin2bn((const unsigned char *)scalar.p, (int)scalar.n, number) != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point->data,
                                         (size_t)point->length) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1) {
        key = make_from(library, "EC", build);
    }
    BN_clear_free(number);
    return key;
}

/* The fields of RSAPrivateKey after its version, in their order. */
static const char *const RSA_FIELDS[] = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
    OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

static EVP_PKEY *make_rsa(struct bytes der, OSSL_LIB_CTX *library)
{
    struct bytes rest;
    if (!der_open_versioned(der, 0, &rest)) {
        return NULL;
    }
    BIGNUM *numbers[ARRAY_LENGTH(RSA_FIELDS)] = {NULL};
    CLEANUP(param_build_free) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool complete = build != NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(RSA_FIELDS) && complete; i++) {
        struct bytes number;
        complete = der_take(&rest, DER_INTEGER, &number) && number.n != 0 &&
                   (numbers[i] = BN_secure_new()) != NULL &&
                   BN_bin2bn((const unsigned char *)number.p, (int)number.n, numbers[i]) != NULL &&
                   OSSL_PARAM_BLD_push_BN(build, RSA_FIELDS[i], numbers[i]) == 1;
    }
    EVP_PKEY *key = complete ? make_from(library, "RSA", build) : NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(RSA_FIELDS); i++) {
        BN_clear_free(numbers[i]);
    }
    return key;
}

bool private_key_make(const struct private_key *key, const X509 *leaf, OSSL_LIB_CTX *library,
                      EVP_PKEY **ret_key, struct error *e)
{
    EVP_PKEY *made =
        key->rsa ? make_rsa(key->octets, library) : make_ec(key->octets, leaf, library);
    ERR_clear_error();
    if (made == NULL) {
        return error_set(e, ERROR_SYNTAX,
                         "the private key's numbers make no key; write the file again");
    }
    *ret_key = made;
    return true;
}

bool private_key_belongs_to(EVP_PKEY *key, const X509 *leaf)
{
    const EVP_PKEY *public_key = X509_get0_pubkey(leaf);
    bool belongs = public_key != NULL && EVP_PKEY_eq(public_key, key) == 1;
    /* An EC key was given the leaf's point, so it compares equal whatever its scalar is; an RSA key
     * brings its modulus along, and the full check would take as long as making one. */
    if (belongs && EVP_PKEY_is_a(key, "EC")) {
        CLEANUP(pkey_context_free)
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
        belongs = context != NULL && EVP_PKEY_pairwise_check(context) == 1;
    }
    ERR_clear_error();
    return belongs;
}

/* Whether SCALAR × G, with SCALAR from 1 to the group's order less 1, is the certificate's point
 * (SP 800-56A rev. 3 §5.6.2.1.4). */
static bool scalar_matches(const BIGNUM *scalar, const struct certificate_key *public_key)
{
    const EC_GROUP *group = public_key->group;
    if (BN_is_zero(scalar) || BN_cmp(scalar, EC_GROUP_get0_order(group)) >= 0) {
        return false;
    }
    EC_POINT *point = EC_POINT_new(group);
    bool matches = point != NULL && EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) == 1 &&
                   EC_POINT_cmp(group, point, public_key->point, NULL) == 0;
    EC_POINT_clear_free(point);
    return matches;
}

static bool ec_matches(struct bytes scalar, const struct certificate_key *public_key)
{
    size_t field_octets = ((size_t)EC_GROUP_get_degree(public_key->group) + 7) / 8;
    BIGNUM *number = NULL;
    bool matches = scalar.n <= 1 + 2 * field_octets && /* as make_ec has it */
                   (number = BN_secure_new()) != NULL &&
                   BN_bin2bn((const unsigned char *)scalar.p, (int)scalar.n, number) != NULL &&
                   scalar_matches(number, public_key);
    BN_clear_free(number);
    return matches;
}

static bool number_is(const EVP_PKEY *key, const char *name, const BIGNUM *want)
{
    BIGNUM *number = NULL;
    bool is = EVP_PKEY_get_bn_param(key, name, &number) == 1 && BN_cmp(number, want) == 0;
    BN_free(number);
    return is;
}

static bool rsa_matches(struct bytes der, const struct certificate_key *public_key)
{
    EVP_PKEY *key = make_rsa(der, NULL);
    bool matches = key != NULL && number_is(key, OSSL_PKEY_PARAM_RSA_N, public_key->modulus) &&
                   number_is(key, OSSL_PKEY_PARAM_RSA_E, public_key->exponent);
    EVP_PKEY_free(key);
    return matches;
}

bool private_key_matches(const struct private_key *key, const struct certificate_key *public_key)
{
    enum certificate_key_kind kind = key->rsa ? CERTIFICATE_KEY_RSA : CERTIFICATE_KEY_EC;
    bool matches = kind == public_key->kind && (key->rsa ? rsa_matches(key->octets, public_key)
                                                         : ec_matches(key->octets, public_key));
    ERR_clear_error();
    return matches;
}
