#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/certificates/chain.h"

static void equal_octets_are_one_chain(void **state)
{
    (void)state;
    struct chain_pool *pool = chain_pool_new();
    char first[] = "one certificate";
    char second[] = "one certificate";
    assert_null(chain_pool_find(pool, bytes_of(first)));
    struct certificate_chain *a = chain_pool_add(pool, bytes_of(first));
    struct certificate_chain *b = chain_pool_add(pool, bytes_of(second));
    struct certificate_chain *c = chain_pool_find(pool, bytes_of(second));
    assert_ptr_equal(a, b);
    assert_ptr_equal(a, c);
    assert_true(bytes_equal(certificate_chain_der(a), bytes_of(first)));
    assert_ptr_not_equal(certificate_chain_der(a).p, first);
    assert_int_equal(chain_pool_count(pool), 1);
    certificate_chain_unref(a);
    certificate_chain_unref(b);
    certificate_chain_unref(c);
    chain_pool_unref(pool);
}

static void others_have_their_own(void **state)
{
    (void)state;
    struct chain_pool *pool = chain_pool_new();
    static const struct bytes OCTETS[] = {{"", 0}, BYTES("a"), BYTES("b"), BYTES("ab")};
    struct certificate_chain *chains[ARRAY_LENGTH(OCTETS)];
    for (size_t i = 0; i < ARRAY_LENGTH(OCTETS); i++) {
        chains[i] = chain_pool_add(pool, OCTETS[i]);
        assert_int_not_equal(certificate_chain_serial(chains[i]), 0);
        for (size_t k = 0; k < i; k++) {
            assert_ptr_not_equal(chains[i], chains[k]);
            assert_int_not_equal(certificate_chain_serial(chains[i]),
                                 certificate_chain_serial(chains[k]));
        }
    }
    assert_int_equal(chain_pool_count(pool), ARRAY_LENGTH(OCTETS));
    for (size_t i = 0; i < ARRAY_LENGTH(OCTETS); i++) {
        certificate_chain_unref(chains[i]);
    }
    assert_int_equal(chain_pool_count(pool), 0);
    chain_pool_unref(pool);
}

static void what_nobody_uses_leaves(void **state)
{
    (void)state;
    struct chain_pool *pool = chain_pool_new();
    struct certificate_chain *chain = chain_pool_add(pool, BYTES("octets"));
    uint64_t serial = certificate_chain_serial(chain);
    certificate_chain_unref(certificate_chain_ref(chain));
    assert_int_equal(chain_pool_count(pool), 1);
    certificate_chain_unref(chain);
    assert_int_equal(chain_pool_count(pool), 0);
    assert_null(chain_pool_find(pool, BYTES("octets")));
    chain = chain_pool_add(pool, BYTES("octets"));
    assert_int_not_equal(certificate_chain_serial(chain), serial);
    chain_pool_unref(pool); /* before its chain */
    assert_true(bytes_equal(certificate_chain_der(chain), BYTES("octets")));
    certificate_chain_unref(chain);
}

/* Two threads that find, make and drop the same few chains: ThreadSanitizer and AddressSanitizer
 * see what goes wrong. */
enum { ROUNDS = 20000, KINDS = 3 };

static void *churn(void *context)
{
    struct chain_pool *pool = context;
    for (unsigned i = 0; i < ROUNDS; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "chain %u", i % KINDS);
        struct certificate_chain *chain = chain_pool_find(pool, bytes_of(text));
        if (chain == NULL) {
            chain = chain_pool_add(pool, bytes_of(text));
        }
        if (!bytes_equal(certificate_chain_der(chain), bytes_of(text))) {
            return context;
        }
        certificate_chain_unref(chain);
    }
    return NULL;
}

static void several_threads_share_a_pool(void **state)
{
    (void)state;
    struct chain_pool *pool = chain_pool_new();
    pthread_t threads[3];
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, churn, pool), 0);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(chain_pool_count(pool), 0);
    chain_pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_octets_are_one_chain),
        cmocka_unit_test(others_have_their_own),
        cmocka_unit_test(what_nobody_uses_leaves),
        cmocka_unit_test(several_threads_share_a_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
