/* Every function that is offered where a certificate's key in octets may come along. Each row says
 * what becomes of such a key there; a function without a row, which a later OpenSSL may bring, is a
 * failure. To OpenSSL's own functions such a key is an address with a bit too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "lib/base/memory.h"
#include "lib/tls/dispatch.h"
#include "lib/tls/ec_keys.h"
#include "lib/tls/hmac_functions.h"
#include "lib/tls/kept_algorithms.h"
#include "lib/tls/octet_key.h"
#include "lib/tls/tls13_kdf.h"
#include "library.h"

enum { OPERATIONS = 64, NO_FUNCTION = 999 };

/* --- Calls, each with the key in octets --- */

static struct octet_key octets;

static void *tagged(void)
{
    return octet_key_address(&octets);
}

static const OSSL_PARAM NO_PARAMS[] = {{NULL, 0, NULL, 0, 0}};

static int never(const OSSL_PARAM params[], void *argument)
{
    (void)params;
    (void)argument;
    return 0;
}

static void call_free(dispatch_function *function)
{
    static const unsigned char POINT[OCTET_KEY_POINT] = {4};
    ((OSSL_FUNC_keymgmt_free_fn *)function)(octet_key_address(octet_key_new(POINT)));
}

/* What a decoder hands out is taken over: the place is empty then. */
static void call_load(dispatch_function *function)
{
    void *place = tagged();
    assert_ptr_equal(((OSSL_FUNC_keymgmt_load_fn *)function)(&place, sizeof(place)), tagged());
    assert_null(place);
}

static void call_has(dispatch_function *function)
{
    OSSL_FUNC_keymgmt_has_fn *has = (OSSL_FUNC_keymgmt_has_fn *)function;
    assert_int_equal(has(tagged(), OSSL_KEYMGMT_SELECT_PUBLIC_KEY), 1);
    assert_int_equal(has(tagged(), OSSL_KEYMGMT_SELECT_KEYPAIR), 0);
}

static void call_match(dispatch_function *function)
{
    assert_int_equal(((OSSL_FUNC_keymgmt_match_fn *)function)(tagged(), tagged(),
                                                              OSSL_KEYMGMT_SELECT_PUBLIC_KEY),
                     1);
}

static void call_validate(dispatch_function *function)
{
    assert_int_equal(((OSSL_FUNC_keymgmt_validate_fn *)function)(tagged(),
                                                                 OSSL_KEYMGMT_SELECT_PUBLIC_KEY,
                                                                 OSSL_KEYMGMT_VALIDATE_FULL_CHECK),
                     0);
}

static void call_dup(dispatch_function *function)
{
    assert_null(((OSSL_FUNC_keymgmt_dup_fn *)function)(tagged(), OSSL_KEYMGMT_SELECT_ALL));
}

static void call_get(dispatch_function *function)
{
    int bits = 0;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_BITS, &bits),
                           OSSL_PARAM_construct_end()};
    assert_int_equal(((OSSL_FUNC_keymgmt_get_params_fn *)function)(tagged(), params), 1);
    assert_int_equal(bits, 256);
}

static void call_set(dispatch_function *function)
{
    assert_int_equal(((OSSL_FUNC_keymgmt_set_params_fn *)function)(tagged(), NO_PARAMS), 0);
}

static void call_import(dispatch_function *function)
{
    assert_int_equal(
        ((OSSL_FUNC_keymgmt_import_fn *)function)(tagged(), OSSL_KEYMGMT_SELECT_ALL, NO_PARAMS), 0);
}

static void call_export(dispatch_function *function)
{
    assert_int_equal(((OSSL_FUNC_keymgmt_export_fn *)function)(
                         tagged(), OSSL_KEYMGMT_SELECT_PUBLIC_KEY, never, NULL),
                     0);
}

static void call_set_template(dispatch_function *function)
{
    assert_int_equal(((OSSL_FUNC_keymgmt_gen_set_template_fn *)function)(NULL, tagged()), 0);
}

static void call_agree(dispatch_function *function)
{
    assert_int_equal(((OSSL_FUNC_keyexch_init_fn *)function)(NULL, tagged(), NO_PARAMS), 0);
}

static void call_set_peer(dispatch_function *function)
{
    assert_int_equal(((OSSL_FUNC_keyexch_set_peer_fn *)function)(NULL, tagged()), 0);
}

/* Without a scalar it signs nothing; with one it does, in test_octet_key.c. */
static void call_sign(dispatch_function *function)
{
    _Alignas(max_align_t) unsigned char operation[256] = {0}; /* larger than one of ours */
    assert_int_equal(((OSSL_FUNC_signature_digest_sign_init_fn *)function)(operation, "SHA256",
                                                                           tagged(), NO_PARAMS),
                     0);
}

/* --- What is offered --- */

typedef void call_function(dispatch_function *function);

#define HANDED_ONE(number, call)                                                                   \
    {                                                                                              \
        OSSL_FUNC_##number, call                                                                   \
    }
#define HANDED_NONE(number)                                                                        \
    {                                                                                              \
        OSSL_FUNC_##number, NULL                                                                   \
    }

enum { FUNCTIONS_MAX = 32 };

struct function {
    int id;
    call_function *call; /* NULL: by provider-keymgmt(7) and the like it is handed no key */
};

static const struct table {
    int operation;
    const char *name;
    struct function functions[FUNCTIONS_MAX];
} TABLES[] = {
    {OSSL_OP_KEYMGMT,
     "EC",
     {HANDED_ONE(KEYMGMT_FREE, call_free),
      HANDED_ONE(KEYMGMT_LOAD, call_load),
      HANDED_ONE(KEYMGMT_HAS, call_has),
      HANDED_ONE(KEYMGMT_MATCH, call_match),
      HANDED_ONE(KEYMGMT_VALIDATE, call_validate),
      HANDED_ONE(KEYMGMT_DUP, call_dup),
      HANDED_ONE(KEYMGMT_GET_PARAMS, call_get),
      HANDED_ONE(KEYMGMT_SET_PARAMS, call_set),
      HANDED_ONE(KEYMGMT_IMPORT, call_import),
      HANDED_ONE(KEYMGMT_EXPORT, call_export),
      HANDED_ONE(KEYMGMT_GEN_SET_TEMPLATE, call_set_template),
      HANDED_NONE(KEYMGMT_NEW),
      HANDED_NONE(KEYMGMT_GETTABLE_PARAMS),
      HANDED_NONE(KEYMGMT_SETTABLE_PARAMS),
      HANDED_NONE(KEYMGMT_IMPORT_TYPES),
      HANDED_NONE(KEYMGMT_EXPORT_TYPES),
      HANDED_NONE(KEYMGMT_QUERY_OPERATION_NAME),
      HANDED_NONE(KEYMGMT_GEN_INIT),
      HANDED_NONE(KEYMGMT_GEN_SET_PARAMS),
      HANDED_NONE(KEYMGMT_GEN_SETTABLE_PARAMS),
      HANDED_NONE(KEYMGMT_GEN),
      HANDED_NONE(KEYMGMT_GEN_CLEANUP)}},
    {OSSL_OP_KEYEXCH,
     "ECDH",
     {HANDED_ONE(KEYEXCH_INIT, call_agree), HANDED_ONE(KEYEXCH_SET_PEER, call_set_peer),
      HANDED_NONE(KEYEXCH_NEWCTX), HANDED_NONE(KEYEXCH_DUPCTX), HANDED_NONE(KEYEXCH_FREECTX),
      HANDED_NONE(KEYEXCH_DERIVE), HANDED_NONE(KEYEXCH_GET_CTX_PARAMS),
      HANDED_NONE(KEYEXCH_GETTABLE_CTX_PARAMS), HANDED_NONE(KEYEXCH_SET_CTX_PARAMS),
      HANDED_NONE(KEYEXCH_SETTABLE_CTX_PARAMS)}},
    {OSSL_OP_SIGNATURE,
     "ECDSA",
     {HANDED_ONE(SIGNATURE_DIGEST_SIGN_INIT, call_sign), HANDED_NONE(SIGNATURE_NEWCTX),
      HANDED_NONE(SIGNATURE_FREECTX), HANDED_NONE(SIGNATURE_DIGEST_SIGN_UPDATE),
      HANDED_NONE(SIGNATURE_DIGEST_SIGN_FINAL), HANDED_NONE(SIGNATURE_DIGEST_SIGN)}},
};

static const OSSL_ALGORITHM *offered(int operation)
{
    int no_cache = 0;
    OSSL_PROVIDER *provider = OSSL_PROVIDER_load(tls_library_context(library), "mtasts-host");
    assert_non_null(provider);
    const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(provider, operation, &no_cache);
    OSSL_PROVIDER_unload(provider); /* the library still holds it */
    return all;
}

static const OSSL_ALGORITHM *find_offered(int operation, const char *name)
{
    const OSSL_ALGORITHM *all = offered(operation);
    while (all->algorithm_names != NULL && !kept_algorithm_is(all, name)) {
        all++;
    }
    assert_non_null(all->algorithm_names);
    return all;
}

static const struct function *find_row(const struct table *table, int id)
{
    for (const struct function *row = table->functions; row->id != 0; row++) {
        if (row->id == id) {
            return row;
        }
    }
    fail_msg("%s: a function %d is offered, and nobody said what it does with our keys",
             table->name, id);
    return NULL;
}

/* Under a sanitizer a function that does not know such a key is a crash here; without one as well,
 * where it looks into it. */
static size_t call_all(const struct table *table, const OSSL_DISPATCH *functions)
{
    size_t called = 0;
    for (; functions->function_id != 0; functions++) {
        const struct function *row = find_row(table, functions->function_id);
        if (row->call != NULL) {
            row->call(functions->function);
            called++;
        }
    }
    return called;
}

static size_t count_handed_one(const struct table *table)
{
    size_t count = 0;
    for (const struct function *row = table->functions; row->id != 0; row++) {
        count += row->call != NULL;
    }
    return count;
}

static void test_every_function_knows_a_key_in_octets(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(TABLES); i++) {
        const OSSL_ALGORITHM *algorithm = find_offered(TABLES[i].operation, TABLES[i].name);
        assert_int_equal(call_all(&TABLES[i], algorithm->implementation),
                         count_handed_one(&TABLES[i]));
    }
}

/* Every name that an algorithm has for EC keys, in OpenSSL's own provider and in later ones. */
static bool takes_ec_keys(const OSSL_ALGORITHM *algorithm)
{
    return strncmp(algorithm->algorithm_names, "EC", 2) == 0 ||
           strstr(algorithm->algorithm_names, "ECDSA") != NULL ||
           strstr(algorithm->algorithm_names, "1.2.840.10045") != NULL;
}

static bool has_table(int operation, const OSSL_ALGORITHM *algorithm)
{
    for (size_t i = 0; i < ARRAY_LENGTH(TABLES); i++) {
        if (TABLES[i].operation == operation && kept_algorithm_is(algorithm, TABLES[i].name)) {
            return true;
        }
    }
    return false;
}

/* No KEM, no encoder, no composite signature: nothing that the tables above do not walk. Decoders
 * make keys and are handed none. */
static void test_ec_is_offered_nowhere_else(void **state)
{
    (void)state;
    for (int operation = 1; operation < OPERATIONS; operation++) {
        const OSSL_ALGORITHM *all = offered(operation);
        for (; all != NULL && all->algorithm_names != NULL; all++) {
            print_message("operation %d: %s\n", operation, all->algorithm_names);
            assert_true(operation == OSSL_OP_DECODER || !takes_ec_keys(all) ||
                        has_table(operation, all));
        }
    }
}

/* --- What a later OpenSSL may have --- */

static void unknown_function(void)
{
    fail_msg("nobody here knows what this is");
}

typedef const OSSL_DISPATCH *make_function(struct dispatch_source *theirs);

static const struct maker {
    const char *name;
    int operation;
    make_function *make;
} MAKERS[] = {
    {"EC", OSSL_OP_KEYMGMT, ec_keys_management},
    {"ECDH", OSSL_OP_KEYEXCH, ec_keys_agreement},
    {"HMAC", OSSL_OP_MAC, hmac_functions},
    {"TLS13-KDF", OSSL_OP_KDF, tls13_kdf_functions},
};

/* The default provider's functions of MAKER, and one more. */
static void later_functions(const struct maker *maker,
                            OSSL_DISPATCH later[static FUNCTIONS_MAX * 2])
{
    int no_cache = 0;
    OSSL_PROVIDER *provider = OSSL_PROVIDER_load(NULL, "default");
    const OSSL_ALGORITHM *all =
        OSSL_PROVIDER_query_operation(provider, maker->operation, &no_cache);
    while (!kept_algorithm_is(all, maker->name)) {
        all++;
    }
    size_t count = 0;
    for (const OSSL_DISPATCH *at = all->implementation; at->function_id != 0; at++) {
        later[count++] = *at;
        assert_in_range(count, 1, 2 * FUNCTIONS_MAX - 2);
    }
    later[count++] = (OSSL_DISPATCH){NO_FUNCTION, unknown_function};
    later[count] = (OSSL_DISPATCH){0, NULL};
    OSSL_PROVIDER_unload(provider);
}

/* Last in this file: what was made before is made anew. */
static void test_what_is_not_known_is_not_offered(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(MAKERS); i++) {
        OSSL_DISPATCH later[FUNCTIONS_MAX * 2];
        later_functions(&MAKERS[i], later);
        struct dispatch_source theirs = {.functions = later};
        const OSSL_DISPATCH *made = MAKERS[i].make(&theirs);
        assert_non_null(made);
        assert_null(theirs.lacking);
        assert_null(dispatch_find(made, NO_FUNCTION));
    }
}

/* And it is said which. */
static void test_what_is_lacking_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *name; /* of the maker */
        int gone;
        const char *want;
    } ROWS[] = {
        {"EC", OSSL_FUNC_KEYMGMT_DUP, "KEYMGMT_DUP"},
        {"EC", OSSL_FUNC_KEYMGMT_FREE, "KEYMGMT_FREE"},
        {"ECDH", OSSL_FUNC_KEYEXCH_SET_PEER, "KEYEXCH_SET_PEER"},
        {"HMAC", OSSL_FUNC_MAC_FINAL, "MAC_FINAL"},
        {"TLS13-KDF", OSSL_FUNC_KDF_DERIVE, "KDF_DERIVE"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const struct maker *maker = MAKERS;
        while (strcmp(maker->name, ROWS[i].name) != 0) {
            maker++;
        }
        OSSL_DISPATCH later[FUNCTIONS_MAX * 2];
        later_functions(maker, later);
        for (OSSL_DISPATCH *at = later; at->function_id != 0; at++) {
            at->function_id = at->function_id == ROWS[i].gone ? NO_FUNCTION : at->function_id;
        }
        struct dispatch_source theirs = {.functions = later};
        assert_null(maker->make(&theirs));
        assert_string_equal(theirs.lacking, ROWS[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_function_knows_a_key_in_octets),
        cmocka_unit_test(test_ec_is_offered_nowhere_else),
        cmocka_unit_test(test_what_is_not_known_is_not_offered),
        cmocka_unit_test(test_what_is_lacking_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
