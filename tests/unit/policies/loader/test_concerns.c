/* What time makes a concern: names that stay without a certificate, certificates that nobody
 * renews.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"
#include "lib/base/rcu_table.h"
#include "lib/certificates/chain.h"
#include "lib/certificates/lifetime.h"
#include "policies/loader/concerns.h"

enum { DAY_S = 86400, BEGIN_MS = 5000000, GRACE_MS = CONCERNS_GRACE_S * 1000 };

static void test_when_an_end_is_soon(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t days;
        int64_t want_left_s;
    } rows[] = {
        {"90 days", 90, 14 * DAY_S},
        {"47 days", 47, 14 * DAY_S},
        {"42 days", 42, 14 * DAY_S},
        {"six days", 6, 2 * DAY_S},
        {"a day", 1, 8 * 3600},
        {"ten years", 3650, 14 * DAY_S},
        {"it ends before it begins", -30, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t end_s = 1700000000 + rows[i].days * DAY_S;
        if (end_s - certificate_ends_soon_s(1700000000, end_s) != rows[i].want_left_s) {
            fail_msg("%s", rows[i].name);
        }
    }
}

/* --- names --- */

static struct policy_domain *serve(struct policy_index *index, const char *name)
{
    static struct policy_slot *shared;
    shared = shared != NULL ? shared : policy_slot_new();
    struct policy_domain *domain = policy_index_claim(index, bytes_of(name));
    policy_index_set_shared(index, domain, shared);
    return domain;
}

/* One look at NOW; the caller clears it. */
static struct concerns look_without(struct policy_domain *const *domains, size_t count,
                                    int64_t now_ms)
{
    struct concerns concerns;
    concerns_begin(&concerns);
    for (size_t i = 0; i < count; i++) {
        concerns_note_without(&concerns, domains[i], i == 0 ? "mta-sts.a.test" : "mta-sts.b.test",
                              now_ms);
    }
    return concerns;
}

static void test_each_name_has_a_grace_of_its_own(void **state)
{
    (void)state;
    struct policy_index *index = policy_index_new();
    struct policy_domain *domains[] = {serve(index, "a.test"), serve(index, "b.test")};
    struct concerns first = look_without(domains, 1, BEGIN_MS);
    assert_int_equal(first.without.count, 0);
    assert_int_equal(first.stale_ms, BEGIN_MS + GRACE_MS);
    assert_false(concerns_are_stale(&first, 0, BEGIN_MS + GRACE_MS - 1));
    assert_true(concerns_are_stale(&first, 0, BEGIN_MS + GRACE_MS));

    /* b.test comes half an hour later. */
    int64_t half_ms = BEGIN_MS + GRACE_MS / 2;
    struct concerns second = look_without(domains, 2, half_ms);
    assert_int_equal(second.without.count, 0);
    struct concerns third = look_without(domains, 2, BEGIN_MS + GRACE_MS);
    assert_int_equal(third.without.count, 1);
    assert_string_equal(third.without.name, "mta-sts.a.test");
    assert_int_equal(third.stale_ms, half_ms + GRACE_MS);

    /* Who has had one in between begins anew. */
    concerns_note_with(domains[0]);
    struct concerns fourth = look_without(domains, 2, half_ms + GRACE_MS);
    assert_int_equal(fourth.without.count, 1);
    assert_string_equal(fourth.without.name, "mta-sts.b.test");
    struct concerns copy;
    concerns_copy(&fourth, &copy);
    concerns_clear(&fourth);
    assert_string_equal(copy.without.name, "mta-sts.b.test");
    concerns_clear(&copy);
    concerns_clear(&third);
    policy_index_free(index);
}

/* --- certificates --- */

struct row {
    const char *name;
    const char *names[3]; /* of the certificate */
    int64_t lifetime_s;
    int64_t left_s;
    bool by_acme;
};

/* Nothing here opens it, so that it has no key and no octets to speak of. */
static struct certificate_pair *make(const struct row *row, int64_t now_s)
{
    static const struct file_identity file;
    CLEANUP(buffer_clear) struct buffer names = BUFFER(4096);
    size_t count = 0;
    for (; count < ARRAY_LENGTH(row->names) && row->names[count] != NULL; count++) {
        buffer_add(&names, (struct bytes){row->names[count], strlen(row->names[count]) + 1});
    }
    struct chain_pool *pool = chain_pool_new();
    struct certificate_chain *chain = chain_pool_add(pool, BYTES(""));
    struct certificate_pair *pair = certificate_pair_new(&(struct pair_parts){
        .leaf = BYTES("leaf"),
        .chain = chain,
        .key = BYTES("key"),
        .path = row->name,
        .names = buffer_bytes(&names),
        .name_count = count,
        .not_before = now_s + row->left_s - row->lifetime_s,
        .not_after = now_s + row->left_s,
        .files = &file,
        .file_count = row->by_acme ? 0 : 1,
    });
    certificate_chain_unref(chain);
    chain_pool_unref(pool);
    return pair;
}

/* All stand in one table; served are a.test, b.test, c.test and d.test. */
static const struct {
    struct row pair;
    bool want;
} pairs[] = {
    {{"good.pem", {"mta-sts.a.test"}, 90 * DAY_S, 14 * DAY_S + 1, false}, false},
    {{"ends.pem", {"www.b.test", "mta-sts.b.test"}, 90 * DAY_S, 14 * DAY_S, false}, true},
    {{"short.pem", {"mta-sts.e.c.test", "*.c.test"}, 6 * DAY_S, DAY_S, false}, true},
    {{"over.pem", {"mta-sts.d.test"}, 90 * DAY_S, -DAY_S, false}, true},
    {{"replaced.pem", {"mta-sts.a.test"}, 90 * DAY_S, DAY_S, false}, false},
    {{"nobody.pem", {"mta-sts.nobody.test", "*.nobody.test"}, 90 * DAY_S, DAY_S, false}, false},
    {{"other.pem", {"a.test", "mail.a.test"}, 90 * DAY_S, DAY_S, false}, false},
    {{"acme", {"mta-sts.c.test"}, 90 * DAY_S, DAY_S / 2, true}, false},
};

static void test_a_certificate_that_nobody_renews(void **state)
{
    (void)state;
    const int64_t now_s = 1700000000;
    struct certificate_pair *made[ARRAY_LENGTH(pairs)];
    struct policy_index *index = policy_index_new();
    struct certificate_table *table = certificate_table_new();
    (void)serve(index, "a.test");
    (void)serve(index, "b.test");
    (void)serve(index, "c.test");
    (void)serve(index, "d.test");
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        made[i] = make(&pairs[i].pair, now_s);
        if (!pairs[i].pair.by_acme) { /* it would take the place of short.pem */
            certificate_table_add(table, made[i]);
        }
    }
    struct concerns all;
    concerns_begin(&all);
    size_t want = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        struct concerns one;
        concerns_begin(&one);
        concerns_note_pair(&one, made[i], index, table, now_s);
        concerns_note_pair(&all, made[i], index, table, now_s);
        want += pairs[i].want;
        if ((one.ending.count != 0) != pairs[i].want) {
            fail_msg("%s", pairs[i].pair.name);
        }
        concerns_clear(&one);
    }
    assert_int_equal(all.ending.count, want);
    assert_string_equal(all.ending.path, "over.pem"); /* the one that ends first */
    assert_string_equal(all.ending.name, "mta-sts.d.test");
    assert_int_equal(all.ending.not_after_s, now_s - DAY_S);
    assert_int_equal(all.stale_s, now_s + 1); /* then good.pem is one of them */
    assert_true(concerns_are_stale(&all, now_s + 1, 0));
    assert_false(concerns_are_stale(&all, now_s, 0));
    concerns_clear(&all);
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        certificate_pair_unref(made[i]);
    }
    certificate_table_free(table);
    policy_index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when_an_end_is_soon),
        cmocka_unit_test(test_each_name_has_a_grace_of_its_own),
        cmocka_unit_test(test_a_certificate_that_nobody_renews),
    };
    rcu_reader_register();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_reader_unregister();
    return failed;
}
