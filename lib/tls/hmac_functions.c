#include "hmac_functions.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "lib/tls/hmac_sha256.h"
#include "lib/tls/tls_part.h"

/* Constant once they are made. */
static struct {
    OSSL_FUNC_mac_newctx_fn *new;
    OSSL_FUNC_mac_dupctx_fn *dup;
    OSSL_FUNC_mac_freectx_fn *free;
    OSSL_FUNC_mac_init_fn *init;
    OSSL_FUNC_mac_update_fn *update;
    OSSL_FUNC_mac_final_fn *final;
    OSSL_FUNC_mac_get_ctx_params_fn *get;
    OSSL_FUNC_mac_gettable_ctx_params_fn *gettable;
    OSSL_FUNC_mac_set_ctx_params_fn *set;
    OSSL_FUNC_mac_settable_ctx_params_fn *settable;
} theirs;

/* One of three: nothing is chosen yet; ours; theirs, from when something else was wanted. */
struct mac {
    void *context; /* the provider's */
    void *their;
    bool ours;
    bool is_keyed;            /* `begun` is set */
    bool is_active;           /* `state` is: a message is under way */
    struct hmac_sha256 begun; /* after the key, for one message more */
    struct hmac_sha256 state;
};

static void *mac_new(void *context)
{
    struct mac *mac = OPENSSL_zalloc(sizeof(*mac));
    if (mac != NULL) {
        mac->context = context;
    }
    return mac;
}

static void mac_free(void *data)
{
    struct mac *mac = data;
    if (mac != NULL && mac->their != NULL) {
        theirs.free(mac->their);
    }
    OPENSSL_clear_free(mac, sizeof(*mac));
}

static void *mac_dup(void *data)
{
    const struct mac *mac = data;
    struct mac *copy = OPENSSL_memdup(mac, sizeof(*mac));
    if (copy != NULL && mac->their != NULL && (copy->their = theirs.dup(mac->their)) == NULL) {
        OPENSSL_clear_free(copy, sizeof(*copy));
        return NULL;
    }
    return copy;
}

/* False also in the middle of a message, which cannot be handed over. */
static bool go_theirs(struct mac *mac)
{
    if (mac->their != NULL) {
        return true;
    }
    char digest[] = "SHA2-256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    void *their = mac->is_active ? NULL : theirs.new(mac->context);
    if (their != NULL && mac->ours && theirs.set(their, params) != 1) {
        theirs.free(their);
        their = NULL;
    }
    mac->their = their;
    mac->ours = mac->ours && their == NULL;
    return their != NULL;
}

/* Whether PARAMS choose SHA-256, and nothing else. */
static bool choose_sha256(const OSSL_PARAM params[])
{
    return params[1].key == NULL && strcmp(params[0].key, OSSL_MAC_PARAM_DIGEST) == 0 &&
           params[0].data_type == OSSL_PARAM_UTF8_STRING && params[0].data != NULL &&
           (strcasecmp(params[0].data, "SHA2-256") == 0 ||
            strcasecmp(params[0].data, "SHA256") == 0);
}

static int mac_set(void *data, const OSSL_PARAM params[])
{
    struct mac *mac = data;
    if (params == NULL || params[0].key == NULL) {
        return 1;
    }
    if (mac->their == NULL && choose_sha256(params)) {
        mac->ours = true;
        return 1;
    }
    return go_theirs(mac) && theirs.set(mac->their, params) == 1;
}

static int mac_init(void *data, const unsigned char *key, size_t n, const OSSL_PARAM params[])
{
    struct mac *mac = data;
    mac->is_keyed = mac->is_keyed && key == NULL;
    mac->is_active = false;
    if (!mac_set(mac, params)) {
        return 0;
    }
    bool ours = mac->ours && n <= HMAC_SHA256_KEY_MAX;
    tls_part_note(TLS_PART_HMAC, ours);
    if (!ours) {
        return go_theirs(mac) && theirs.init(mac->their, key, n, NULL) == 1;
    }
    if (key != NULL) {
        hmac_sha256_begin(&mac->begun, (struct bytes){(const char *)key, n});
        mac->is_keyed = true;
    }
    mac->state = mac->begun;
    mac->is_active = mac->is_keyed;
    return mac->is_active;
}

static int mac_update(void *data, const unsigned char *text, size_t n)
{
    struct mac *mac = data;
    if (mac->their != NULL) {
        return theirs.update(mac->their, text, n);
    }
    if (mac->is_active) {
        hmac_sha256_add(&mac->state, text, n);
    }
    return mac->is_active;
}

static int mac_final(void *data, unsigned char *out, size_t *ret_n, size_t size)
{
    struct mac *mac = data;
    if (mac->their != NULL) {
        return theirs.final(mac->their, out, ret_n, size);
    }
    if (!mac->is_active || size < HMAC_SHA256_OCTETS) {
        return 0;
    }
    hmac_sha256_end(&mac->state, out);
    mac->is_active = false;
    *ret_n = HMAC_SHA256_OCTETS;
    return 1;
}

static int mac_get(void *data, OSSL_PARAM params[])
{
    struct mac *mac = data;
    if (!mac->ours) {
        return go_theirs(mac) && theirs.get(mac->their, params) == 1;
    }
    OSSL_PARAM *size = OSSL_PARAM_locate(params, OSSL_MAC_PARAM_SIZE);
    OSSL_PARAM *block = OSSL_PARAM_locate(params, OSSL_MAC_PARAM_BLOCK_SIZE);
    return (size == NULL || OSSL_PARAM_set_size_t(size, HMAC_SHA256_OCTETS) == 1) &&
           (block == NULL || OSSL_PARAM_set_size_t(block, SHA256_CBLOCK) == 1);
}

/* What they say where there is no operation: ours would be none to them. */
static const OSSL_PARAM *mac_gettable(void *data, void *context)
{
    (void)data;
    return theirs.gettable(NULL, context);
}

static const OSSL_PARAM *mac_settable(void *data, void *context)
{
    (void)data;
    return theirs.settable(NULL, context);
}

static const OSSL_DISPATCH FUNCTIONS[] = {
    {OSSL_FUNC_MAC_NEWCTX, (void (*)(void))mac_new},
    {OSSL_FUNC_MAC_DUPCTX, (void (*)(void))mac_dup},
    {OSSL_FUNC_MAC_FREECTX, (void (*)(void))mac_free},
    {OSSL_FUNC_MAC_INIT, (void (*)(void))mac_init},
    {OSSL_FUNC_MAC_UPDATE, (void (*)(void))mac_update},
    {OSSL_FUNC_MAC_FINAL, (void (*)(void))mac_final},
    {OSSL_FUNC_MAC_GET_CTX_PARAMS, (void (*)(void))mac_get},
    {OSSL_FUNC_MAC_GETTABLE_CTX_PARAMS, (void (*)(void))mac_gettable},
    {OSSL_FUNC_MAC_SET_CTX_PARAMS, (void (*)(void))mac_set},
    {OSSL_FUNC_MAC_SETTABLE_CTX_PARAMS, (void (*)(void))mac_settable},
    {0, NULL},
};

const OSSL_DISPATCH *hmac_functions(struct dispatch_source *their_functions)
{
    bool known = DISPATCH_TAKE(theirs.new, their_functions, MAC_NEWCTX) &&
                 DISPATCH_TAKE(theirs.dup, their_functions, MAC_DUPCTX) &&
                 DISPATCH_TAKE(theirs.free, their_functions, MAC_FREECTX) &&
                 DISPATCH_TAKE(theirs.init, their_functions, MAC_INIT) &&
                 DISPATCH_TAKE(theirs.update, their_functions, MAC_UPDATE) &&
                 DISPATCH_TAKE(theirs.final, their_functions, MAC_FINAL) &&
                 DISPATCH_TAKE(theirs.get, their_functions, MAC_GET_CTX_PARAMS) &&
                 DISPATCH_TAKE(theirs.gettable, their_functions, MAC_GETTABLE_CTX_PARAMS) &&
                 DISPATCH_TAKE(theirs.set, their_functions, MAC_SET_CTX_PARAMS) &&
                 DISPATCH_TAKE(theirs.settable, their_functions, MAC_SETTABLE_CTX_PARAMS);
    return known ? FUNCTIONS : NULL;
}
