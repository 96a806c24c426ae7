#include "tls_library.h"

#include <assert.h>
#include <pthread.h>

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "lib/base/memory.h"
#include "lib/tls/dispatch.h"
#include "lib/tls/ec_keys.h"
#include "lib/tls/ec_signature.h"
#include "lib/tls/hmac_functions.h"
#include "lib/tls/kept_algorithms.h"
#include "lib/tls/octet_key_decoder.h"
#include "lib/tls/tls13_kdf.h"

/* --- What is offered --- */

enum {
    OPERATIONS_MAX = 32, /* OSSL_OP_* in core_dispatch.h go to 22 */
    ALGORITHMS_MAX = 32, /* of one operation */
};

/* The default provider, and what of it is kept: made once, constant from then on. A provider's
 * functions are handed its algorithms' context, which has no room for ours. */
static struct {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *provider;
    OSSL_ALGORITHM kept[OPERATIONS_MAX][ALGORITHMS_MAX + 1]; /* each ends in an empty one */
    const char *lacking[TLS_PARTS];                          /* NULL: the part is offered */
} whole;
static pthread_once_t whole_once = PTHREAD_ONCE_INIT;

static void keep(int operation)
{
    int no_cache = 0;
    const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(whole.provider, operation, &no_cache);
    size_t count = 0;
    for (; all != NULL && all->algorithm_names != NULL && count < ALGORITHMS_MAX; all++) {
        if (kept_algorithm(operation, all)) {
            whole.kept[operation][count++] = *all;
        }
    }
}

static OSSL_ALGORITHM *find_kept(int operation, const char *name)
{
    for (OSSL_ALGORITHM *kept = whole.kept[operation]; kept->algorithm_names != NULL; kept++) {
        if (kept_algorithm_is(kept, name)) {
            return kept;
        }
    }
    return NULL;
}

/* --- What is done here in OpenSSL's place --- */

typedef const OSSL_DISPATCH *better_function(struct dispatch_source *theirs);

static const OSSL_DISPATCH *better_signature(struct dispatch_source *theirs)
{
    return ec_signature_functions(theirs, whole.context);
}

/* An algorithm whose functions ours go in the place of. */
struct better {
    enum tls_part part;
    int operation;
    const char *name;
    better_function *make;
};

/* All that touches an EC key must know those in octets, or nothing may. */
static const struct better KEYS[] = {
    {TLS_PART_KEYS, OSSL_OP_KEYMGMT, "EC", ec_keys_management},
    {TLS_PART_KEYS, OSSL_OP_KEYEXCH, "ECDH", ec_keys_agreement},
    {TLS_PART_SIGNATURES, OSSL_OP_SIGNATURE, "ECDSA", better_signature},
};
static const struct better ALONE[] = {
    {TLS_PART_HMAC, OSSL_OP_MAC, "HMAC", hmac_functions},
    {TLS_PART_KEY_SCHEDULE, OSSL_OP_KDF, "TLS13-KDF", tls13_kdf_functions},
};

/* What lacks, where it is NULL. */
static const OSSL_DISPATCH *make_better(const struct better *better, const char **ret_lacking)
{
    const OSSL_ALGORITHM *kept = find_kept(better->operation, better->name);
    struct dispatch_source theirs = {.lacking = better->name};
    const OSSL_DISPATCH *made = NULL;
    if (kept != NULL) {
        theirs = (struct dispatch_source){.functions = kept->implementation};
        made = better->make(&theirs);
    }
    *ret_lacking = made == NULL && theirs.lacking == NULL ? better->name : theirs.lacking;
    return made;
}

/* All of them, or none. */
static bool put_in_place(const struct better *betters, size_t count)
{
    enum { COUNT_MAX = 4 };
    const OSSL_DISPATCH *made[COUNT_MAX];
    const char *lacking = NULL;
    assert(count <= COUNT_MAX);
    for (size_t i = 0; i < count && lacking == NULL; i++) {
        made[i] = make_better(&betters[i], &lacking);
    }
    for (size_t i = 0; i < count; i++) {
        whole.lacking[betters[i].part] = lacking;
        if (lacking == NULL) {
            find_kept(betters[i].operation, betters[i].name)->implementation = made[i];
        }
    }
    return lacking == NULL;
}

/* OpenSSL asks the last decoder first. */
static void keep_keys_as_octets(void)
{
    OSSL_ALGORITHM *decoders = whole.kept[OSSL_OP_DECODER];
    size_t count = 0;
    while (decoders[count].algorithm_names != NULL) {
        count++;
    }
    assert(count < ALGORITHMS_MAX); /* two are kept */
    if (put_in_place(KEYS, ARRAY_LENGTH(KEYS))) {
        decoders[count] = OCTET_KEY_DECODER;
    }
}

/* For benchmarks: what OpenSSL does by itself. */
#ifdef MTASTS_PLAIN_OPENSSL
static const bool LEFT_TO_OPENSSL = true;
#else
static const bool LEFT_TO_OPENSSL = false;
#endif

static void do_better(void)
{
    for (int part = 0; part < TLS_PARTS && LEFT_TO_OPENSSL; part++) {
        whole.lacking[part] = "what is ours: built with MTASTS_PLAIN_OPENSSL";
    }
    if (LEFT_TO_OPENSSL) {
        return;
    }
    keep_keys_as_octets();
    for (size_t i = 0; i < ARRAY_LENGTH(ALONE); i++) {
        (void)put_in_place(&ALONE[i], 1);
    }
}

static void load_whole(void)
{
    whole.context = OSSL_LIB_CTX_new();
    whole.provider = whole.context != NULL ? OSSL_PROVIDER_load(whole.context, "default") : NULL;
    for (int operation = 0; operation < OPERATIONS_MAX && whole.provider != NULL; operation++) {
        keep(operation);
    }
    if (whole.provider != NULL) {
        do_better();
    }
}

/* --- The provider: provider(7) --- */

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
    (void)context;
    *no_cache = 0;
    return operation >= 0 && operation < OPERATIONS_MAX ? whole.kept[operation] : NULL;
}

static int capabilities(void *context, const char *name, OSSL_CALLBACK *callback, void *argument)
{
    (void)context;
    return OSSL_PROVIDER_get_capabilities(whole.provider, name, callback, argument);
}

static void teardown(void *context)
{
    (void)context; /* the default provider's */
}

static const OSSL_DISPATCH FUNCTIONS[] = {
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
    {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities},
    {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown},
    {0, NULL},
};

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                         const OSSL_DISPATCH **ret_functions, void **ret_context)
{
    (void)handle;
    octet_key_decoder_init(in);
    *ret_functions = FUNCTIONS;
    *ret_context = OSSL_PROVIDER_get0_provider_ctx(whole.provider);
    return 1;
}

/* --- The context --- */

void tls_library_prepare(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ADD_ALL_CIPHERS, NULL);
    (void)EVP_add_cipher(EVP_aes_128_gcm());
    (void)EVP_add_cipher(EVP_aes_256_gcm());
    (void)EVP_add_cipher(EVP_chacha20_poly1305());
    (void)EVP_add_cipher(EVP_aes_256_cbc()); /* what tickets are sealed with */
}

struct tls_library {
    OSSL_LIB_CTX *context;
    OSSL_PROVIDER *provider;
};

bool tls_library_new(struct tls_library **ret_library, struct error *e)
{
    static const char NAME[] = "mtasts-host";
    struct tls_library *library = memory_zero(1, sizeof(*library));
    if (pthread_once(&whole_once, load_whole) == 0 && whole.provider != NULL &&
        (library->context = OSSL_LIB_CTX_new()) != NULL &&
        OSSL_PROVIDER_add_builtin(library->context, NAME, provider_init) == 1 &&
        (library->provider = OSSL_PROVIDER_load(library->context, NAME)) != NULL) {
        *ret_library = library;
        return true;
    }
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    (void)error_set(e, ERROR_SYSTEM, "OpenSSL's default provider cannot be used: %s",
                    reason != NULL ? reason : "no reason given");
    ERR_clear_error();
    tls_library_free(library);
    return false;
}

void tls_library_free(struct tls_library *library)
{
    if (library != NULL) {
        if (library->provider != NULL) {
            OSSL_PROVIDER_unload(library->provider);
        }
        OSSL_LIB_CTX_free(library->context);
        free(library);
    }
}

OSSL_LIB_CTX *tls_library_context(const struct tls_library *library)
{
    return library->context;
}

OSSL_LIB_CTX *tls_library_whole(const struct tls_library *library)
{
    (void)library;
    return whole.context;
}

const char *tls_library_lacking(const struct tls_library *library, enum tls_part part)
{
    (void)library;
    return whole.lacking[part];
}
