#include "ec_keys.h"

#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>

#include "lib/base/memory.h"
#include "lib/tls/octet_key.h"
#include "lib/tls/tls_part.h"

/* Constant once they are made. */
static struct {
    struct dispatch functions;
    OSSL_FUNC_keymgmt_free_fn *free;
    OSSL_FUNC_keymgmt_load_fn *load;
    OSSL_FUNC_keymgmt_has_fn *has;
    OSSL_FUNC_keymgmt_match_fn *match;
    OSSL_FUNC_keymgmt_validate_fn *validate;
    OSSL_FUNC_keymgmt_dup_fn *dup;
    OSSL_FUNC_keymgmt_get_params_fn *get;
    OSSL_FUNC_keymgmt_set_params_fn *set;
    OSSL_FUNC_keymgmt_import_fn *import;
    OSSL_FUNC_keymgmt_export_fn *export;
    OSSL_FUNC_keymgmt_gen_set_template_fn *set_template;
} management;

static void key_free(void *address)
{
    struct octet_key *key = octet_key_at(address);
    if (key != NULL) {
        octet_key_free(key);
    } else {
        management.free(address);
    }
}

/* Takes over what a decoder hands out. */
static void *key_load(const void *reference, size_t size)
{
    void **place = (void **)reference;
    bool ours = size == sizeof(*place) && octet_key_at(*place) != NULL;
    tls_part_note(TLS_PART_KEYS, ours);
    return ours ? TAKE(*place) : management.load(reference, size);
}

static int key_has(const void *address, int selection)
{
    const struct octet_key *key = octet_key_at(address);
    if (key == NULL) {
        return management.has(address, selection);
    }
    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || key->is_private;
}

/* --- Parameters: as EVP_PKEY-EC(7) has them --- */

static bool answer_int(OSSL_PARAM *params, const char *name, int value)
{
    OSSL_PARAM *asked = OSSL_PARAM_locate(params, name);
    return asked == NULL || OSSL_PARAM_set_int(asked, value) == 1;
}

static bool answer_text(OSSL_PARAM *params, const char *name, const char *value)
{
    OSSL_PARAM *asked = OSSL_PARAM_locate(params, name);
    return asked == NULL || OSSL_PARAM_set_utf8_string(asked, value) == 1;
}

/* What libssl asks to see whether a client takes the certificate. */
static int key_get(void *address, OSSL_PARAM params[])
{
    if (octet_key_at(address) == NULL) {
        return management.get(address, params);
    }
    return answer_int(params, OCTET_KEY_PARAM, 1) &&
           answer_int(params, OSSL_PKEY_PARAM_BITS, 256) &&
           answer_int(params, OSSL_PKEY_PARAM_SECURITY_BITS, 128) &&
           answer_int(params, OSSL_PKEY_PARAM_MAX_SIZE, OCTET_KEY_SIGNATURE_MAX) &&
           answer_text(params, OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1) &&
           answer_text(params, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                       OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) &&
           answer_text(params, OSSL_PKEY_PARAM_EC_FIELD_TYPE, SN_X9_62_prime_field);
}

/* The private key as octets, not the number that EVP_PKEY-EC(7) has: octet_key.c alone sets it. */
static int key_set(void *address, const OSSL_PARAM params[])
{
    struct octet_key *key = octet_key_at(address);
    if (key == NULL) {
        return management.set(address, params);
    }
    const OSSL_PARAM *scalar = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY);
    if (scalar == NULL || scalar->data_type != OSSL_PARAM_OCTET_STRING || scalar->data_size == 0 ||
        scalar->data_size > OCTET_KEY_SCALAR) {
        return 0;
    }
    size_t zeros = OCTET_KEY_SCALAR - scalar->data_size;
    memset(key->scalar, 0, zeros);
    memcpy(key->scalar + zeros, scalar->data, scalar->data_size);
    key->is_private = true;
    return 1;
}

/* --- Comparing --- */

/* What is public; a private number stays here. */
static int key_export(void *address, int selection, OSSL_CALLBACK *callback, void *argument)
{
    struct octet_key *key = octet_key_at(address);
    if (key == NULL) {
        return management.export(address, selection, callback, argument);
    }
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && key->is_private) {
        return 0;
    }
    char curve[] = SN_X9_62_prime256v1;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, key->point, OCTET_KEY_POINT),
        OSSL_PARAM_construct_end(),
    };
    return callback(params, argument);
}

/* Takes the point of a key on P-256. The default provider's may be compressed, where a certificate
 * has it so: such a one is taken for another key. */
static int take_point(const OSSL_PARAM params[], void *argument)
{
    unsigned char *point = argument;
    const OSSL_PARAM *curve = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
    const OSSL_PARAM *octets = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
    if (curve == NULL || strcmp(curve->data, SN_X9_62_prime256v1) != 0 || octets == NULL ||
        octets->data_size != OCTET_KEY_POINT) {
        return 0;
    }
    memcpy(point, octets->data, OCTET_KEY_POINT);
    return 1;
}

static bool point_of(const void *address, unsigned char out[static OCTET_KEY_POINT])
{
    return key_export((void *)address,
                      OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS,
                      take_point, out) == 1;
}

/* By what is public: of a private number libssl asks only whether the public key is the same. */
static int key_match(const void *a, const void *b, int selection)
{
    if (octet_key_at(a) == NULL && octet_key_at(b) == NULL) {
        return management.match(a, b, selection);
    }
    unsigned char point[OCTET_KEY_POINT];
    unsigned char other[OCTET_KEY_POINT];
    bool whole = (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0; /* not the curve alone */
    return point_of(a, point) && point_of(b, other) &&
           (!whole || memcmp(point, other, OCTET_KEY_POINT) == 0);
}

/* --- What is not done with a certificate's key --- */

static int key_validate(const void *address, int selection, int how)
{
    return octet_key_at(address) == NULL && management.validate(address, selection, how);
}

static void *key_dup(const void *address, int selection)
{
    return octet_key_at(address) == NULL ? management.dup(address, selection) : NULL;
}

static int key_import(void *address, int selection, const OSSL_PARAM params[])
{
    return octet_key_at(address) == NULL && management.import(address, selection, params);
}

static int set_template(void *generation, void *address)
{
    return octet_key_at(address) == NULL && management.set_template(generation, address);
}

/* All that are handed a key are ours. The others make keys of the default provider's own, or say
 * what there is to be known; IMPORT's alone is handed a key, which NEW has made. */
static const struct dispatch_offer MANAGEMENT[] = {
    DISPATCH_OURS(KEYMGMT_FREE, key_free),
    DISPATCH_OURS(KEYMGMT_LOAD, key_load),
    DISPATCH_OURS(KEYMGMT_HAS, key_has),
    DISPATCH_OURS(KEYMGMT_MATCH, key_match),
    DISPATCH_OURS(KEYMGMT_VALIDATE, key_validate),
    DISPATCH_OURS(KEYMGMT_DUP, key_dup),
    DISPATCH_OURS(KEYMGMT_GET_PARAMS, key_get),
    DISPATCH_OURS(KEYMGMT_SET_PARAMS, key_set),
    DISPATCH_OURS(KEYMGMT_IMPORT, key_import),
    DISPATCH_OURS(KEYMGMT_EXPORT, key_export),
    DISPATCH_OURS(KEYMGMT_GEN_SET_TEMPLATE, set_template),
    DISPATCH_THEIRS(KEYMGMT_NEW),
    DISPATCH_THEIRS(KEYMGMT_GETTABLE_PARAMS),
    DISPATCH_THEIRS(KEYMGMT_SETTABLE_PARAMS),
    DISPATCH_THEIRS(KEYMGMT_IMPORT_TYPES),
    DISPATCH_THEIRS(KEYMGMT_EXPORT_TYPES),
    DISPATCH_THEIRS(KEYMGMT_QUERY_OPERATION_NAME),
    DISPATCH_THEIRS(KEYMGMT_GEN_INIT),
    DISPATCH_THEIRS(KEYMGMT_GEN_SET_PARAMS),
    DISPATCH_THEIRS(KEYMGMT_GEN_SETTABLE_PARAMS),
    DISPATCH_THEIRS(KEYMGMT_GEN),
    DISPATCH_THEIRS(KEYMGMT_GEN_CLEANUP),
};

static bool find_their_management(struct dispatch_source *theirs)
{
    return DISPATCH_TAKE(management.free, theirs, KEYMGMT_FREE) &&
           DISPATCH_TAKE(management.load, theirs, KEYMGMT_LOAD) &&
           DISPATCH_TAKE(management.has, theirs, KEYMGMT_HAS) &&
           DISPATCH_TAKE(management.match, theirs, KEYMGMT_MATCH) &&
           DISPATCH_TAKE(management.validate, theirs, KEYMGMT_VALIDATE) &&
           DISPATCH_TAKE(management.dup, theirs, KEYMGMT_DUP) &&
           DISPATCH_TAKE(management.get, theirs, KEYMGMT_GET_PARAMS) &&
           DISPATCH_TAKE(management.set, theirs, KEYMGMT_SET_PARAMS) &&
           DISPATCH_TAKE(management.import, theirs, KEYMGMT_IMPORT) &&
           DISPATCH_TAKE(management.export, theirs, KEYMGMT_EXPORT) &&
           DISPATCH_TAKE(management.set_template, theirs, KEYMGMT_GEN_SET_TEMPLATE);
}

const OSSL_DISPATCH *ec_keys_management(struct dispatch_source *theirs)
{
    if (!find_their_management(theirs)) {
        return NULL;
    }
    dispatch_make(theirs->functions, MANAGEMENT, ARRAY_LENGTH(MANAGEMENT), &management.functions);
    return management.functions.functions;
}

/* --- Key agreement --- */

static struct {
    struct dispatch functions;
    OSSL_FUNC_keyexch_init_fn *init;
    OSSL_FUNC_keyexch_set_peer_fn *set_peer;
} agreement;

static int agreement_init(void *context, void *address, const OSSL_PARAM params[])
{
    return octet_key_at(address) == NULL && agreement.init(context, address, params);
}

static int agreement_set_peer(void *context, void *address)
{
    return octet_key_at(address) == NULL && agreement.set_peer(context, address);
}

/* INIT and SET_PEER alone are handed keys; what follows has an operation that took none of ours. */
static const struct dispatch_offer AGREEMENT[] = {
    DISPATCH_OURS(KEYEXCH_INIT, agreement_init),
    DISPATCH_OURS(KEYEXCH_SET_PEER, agreement_set_peer),
    DISPATCH_THEIRS(KEYEXCH_NEWCTX),
    DISPATCH_THEIRS(KEYEXCH_DUPCTX),
    DISPATCH_THEIRS(KEYEXCH_FREECTX),
    DISPATCH_THEIRS(KEYEXCH_DERIVE),
    DISPATCH_THEIRS(KEYEXCH_GET_CTX_PARAMS),
    DISPATCH_THEIRS(KEYEXCH_GETTABLE_CTX_PARAMS),
    DISPATCH_THEIRS(KEYEXCH_SET_CTX_PARAMS),
    DISPATCH_THEIRS(KEYEXCH_SETTABLE_CTX_PARAMS),
};

const OSSL_DISPATCH *ec_keys_agreement(struct dispatch_source *theirs)
{
    if (!DISPATCH_TAKE(agreement.init, theirs, KEYEXCH_INIT) ||
        !DISPATCH_TAKE(agreement.set_peer, theirs, KEYEXCH_SET_PEER)) {
        return NULL;
    }
    dispatch_make(theirs->functions, AGREEMENT, ARRAY_LENGTH(AGREEMENT), &agreement.functions);
    return agreement.functions.functions;
}
