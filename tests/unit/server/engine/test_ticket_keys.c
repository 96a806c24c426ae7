#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/engine/ticket_keys.h"

enum { PERIOD_MS = TICKET_KEYS_PERIOD_S * 1000, BEGIN_MS = 5000 };

/* Each key is of one octet, the next in the alphabet. */
static char next;
static bool dry;

static bool letters(void *p, size_t n)
{
    if (!dry) {
        memset(p, next++, n);
    }
    return !dry;
}

static void begin(struct ticket_keys *keys)
{
    struct error e;
    next = 'a';
    dry = false;
    assert_true(ticket_keys_begin(keys, BEGIN_MS, letters, &e));
}

static void expect(const char *name, const struct ticket_keys *keys, const char *want)
{
    for (size_t i = 0; i < TICKET_KEY_ROLES; i++) {
        const struct ticket_key *key = &keys->keys[i];
        unsigned char octet = (unsigned char)want[i];
        if (key->name[0] != octet || key->cipher[TICKET_KEY_SECRET - 1] != octet ||
            key->mac[TICKET_KEY_SECRET - 1] != octet) {
            fail_msg("%s: key %zu is %c", name, i, key->name[0]);
        }
    }
}

static const struct {
    const char *name;
    int64_t now_ms;
    bool changed;
    const char *want; /* to come, current, former */
    int64_t due_ms;
} ROWS[] = {
    {"at once", BEGIN_MS, false, "abc", BEGIN_MS + PERIOD_MS},
    {"just before", BEGIN_MS + PERIOD_MS - 1, false, "abc", BEGIN_MS + PERIOD_MS},
    {"on time", BEGIN_MS + PERIOD_MS, true, "dab", BEGIN_MS + 2 * (int64_t)PERIOD_MS},
    {"late", BEGIN_MS + 2 * (int64_t)PERIOD_MS - 1, true, "dab", BEGIN_MS + 2 * (int64_t)PERIOD_MS},
    {"one missed", BEGIN_MS + 2 * (int64_t)PERIOD_MS, true, "eda",
     BEGIN_MS + 3 * (int64_t)PERIOD_MS},
    {"all missed: none of them is left", BEGIN_MS + 3 * (int64_t)PERIOD_MS, true, "fed",
     BEGIN_MS + 4 * (int64_t)PERIOD_MS},
    {"a year later", BEGIN_MS + 4380 * (int64_t)PERIOD_MS, true, "fed",
     BEGIN_MS + 4381 * (int64_t)PERIOD_MS},
};

static void keys_change_by_the_clock(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct ticket_keys keys;
        begin(&keys);
        bool changed = ticket_keys_tend(&keys, ROWS[i].now_ms, letters);
        expect(ROWS[i].name, &keys, ROWS[i].want);
        if (changed != ROWS[i].changed || keys.due_ms != ROWS[i].due_ms ||
            ticket_keys_tend(&keys, ROWS[i].now_ms, letters)) {
            fail_msg("%s: %d, due in %lld", ROWS[i].name, changed, (long long)keys.due_ms);
        }
    }
}

static void a_key_is_found_by_its_name_as_long_as_it_is_good(void **state)
{
    (void)state;
    struct ticket_keys keys;
    enum ticket_key_role role = TICKET_KEY_ROLES;
    unsigned char name[TICKET_KEY_NAME];
    begin(&keys);
    memcpy(name, keys.keys[TICKET_KEY_TO_COME].name, sizeof(name));
    static const enum ticket_key_role LIFE[] = {TICKET_KEY_TO_COME, TICKET_KEY_CURRENT,
                                                TICKET_KEY_FORMER};
    for (size_t i = 0; i < sizeof(LIFE) / sizeof(LIFE[0]); i++) {
        assert_ptr_equal(ticket_keys_find(&keys, name, &role), &keys.keys[LIFE[i]]);
        assert_int_equal(role, LIFE[i]);
        assert_true(ticket_keys_tend(&keys, keys.due_ms, letters));
    }
    assert_null(ticket_keys_find(&keys, name, &role));
}

static void without_random_octets_the_keys_stay(void **state)
{
    (void)state;
    struct ticket_keys keys;
    begin(&keys);
    dry = true;
    int64_t now_ms = keys.due_ms;
    assert_false(ticket_keys_tend(&keys, now_ms, letters));
    expect("dry", &keys, "abc");
    assert_true(keys.due_ms > now_ms && keys.due_ms <= now_ms + 1000);
    dry = false;
    assert_true(ticket_keys_tend(&keys, keys.due_ms, letters));
    expect("again", &keys, "dab");
}

static void the_kernels_octets_differ(void **state)
{
    (void)state;
    struct error e;
    struct ticket_keys keys;
    assert_true(ticket_keys_begin(&keys, 0, ticket_keys_random_octets, &e));
    assert_memory_not_equal(&keys.keys[0], &keys.keys[1], sizeof(keys.keys[0]));
    assert_memory_not_equal(keys.keys[0].cipher, keys.keys[0].mac, TICKET_KEY_SECRET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_change_by_the_clock),
        cmocka_unit_test(a_key_is_found_by_its_name_as_long_as_it_is_good),
        cmocka_unit_test(without_random_octets_the_keys_stay),
        cmocka_unit_test(the_kernels_octets_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
