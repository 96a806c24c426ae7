#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "lib/base/parallel.h"
#include "lib/base/secret_memory.h"

/* Whether the mapping that P lies in is left out of core dumps, by smaps of proc(5). */
static bool is_undumped(const void *p)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[512];
    bool here = false;
    bool undumped = false;
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from = 0;
        unsigned long to = 0;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            here = (uintptr_t)p >= from && (uintptr_t)p < to;
        } else if (here && strncmp(line, "VmFlags:", 8) == 0) {
            undumped = strstr(line, " dd") != NULL;
        }
    }
    fclose(maps);
    return undumped;
}

static const struct {
    const char *name;
    size_t size;
} ROWS[] = {
    {"nothing", 0},           {"an octet", 1},
    {"a scalar", 32},         {"a scalar on P-521", 66},
    {"RSA, 4096 bits", 2349}, {"the largest that is cut", 8192},
    {"by itself", 8193},      {"a megabyte", 1 << 20},
};

static void pieces_are_zero_undumped_and_wiped(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        char *first = secret_memory_new(ROWS[i].size);
        bool good = is_undumped(first) && (uintptr_t)first % 16 == 0;
        for (size_t j = 0; j < ROWS[i].size; j++) {
            good &= first[j] == 0;
        }
        memset(first, 0xa5, ROWS[i].size);
        secret_memory_free(first, ROWS[i].size);
        /* The same piece comes again, with nothing of what it held. */
        char *second = secret_memory_new(ROWS[i].size);
        good &= ROWS[i].size > 8192 || second == first;
        for (size_t j = 0; j < ROWS[i].size; j++) {
            good &= second[j] == 0;
        }
        secret_memory_free(second, ROWS[i].size);
        if (!good) {
            fail_msg("%s", ROWS[i].name);
        }
    }
    secret_memory_free(NULL, 32);
}

/* Looks where nobody has any business. */
__attribute__((no_sanitize("address"))) static bool is_zero(const volatile char *p, size_t n)
{
    bool zero = true;
    for (size_t i = 0; i < n; i++) {
        zero &= p[i] == 0;
    }
    return zero;
}

static void what_was_given_back_is_gone_while_nobody_has_it(void **state)
{
    (void)state;
    char secret[] = "a secret of thirty-two octets..";
    char *copy = secret_memory_copy((struct bytes){secret, sizeof(secret)});
    assert_memory_equal(copy, secret, sizeof(secret));
    secret_memory_free(copy, sizeof(secret));
    /* Mapped still. The first octets have the way to the next spare piece. */
    assert_true(is_zero(copy + 8, sizeof(secret) - 8));
}

#ifdef __SANITIZE_ADDRESS__
int __asan_address_is_poisoned(const volatile void *p);

static void the_sanitizer_sees_what_is_used_beyond_its_time_or_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        size_t size = ROWS[i].size;
        char *piece = secret_memory_new(size);
        bool good = size == 0 || (!__asan_address_is_poisoned(piece) &&
                                  !__asan_address_is_poisoned(piece + size - 1));
        good &= size != 0 && size % 16 == 0 ? true : __asan_address_is_poisoned(piece + size) != 0;
        secret_memory_free(piece, size);
        good &= size > 8192 || __asan_address_is_poisoned(piece) != 0;
        if (!good) {
            fail_msg("%s", ROWS[i].name);
        }
    }
}
#endif

static void many_small_pieces_take_little(void **state)
{
    (void)state;
    enum { MANY = 50000 };
    static char *pieces[MANY];
    uintptr_t lowest = UINTPTR_MAX;
    uintptr_t highest = 0;
    for (size_t i = 0; i < MANY; i++) {
        pieces[i] = secret_memory_new(32);
        pieces[i][0] = 1;
        lowest = (uintptr_t)pieces[i] < lowest ? (uintptr_t)pieces[i] : lowest;
        highest = (uintptr_t)pieces[i] > highest ? (uintptr_t)pieces[i] : highest;
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(pieces[i][0], 1);
        secret_memory_free(pieces[i], 32);
    }
    assert_true(is_undumped(pieces[0]) && is_undumped(pieces[MANY - 1]));
}

static void churn(size_t number, void *own, void *context)
{
    (void)own;
    (void)context;
    for (size_t i = 0; i < 2000; i++) {
        size_t size = 16 + (number * 7 + i * 13) % 300;
        unsigned char *piece = secret_memory_new(size);
        for (size_t j = 0; j < size; j++) {
            if (piece[j] != 0) {
                abort();
            }
        }
        memset(piece, (int)number + 1, size);
        secret_memory_free(piece, size);
    }
}

static void threads_share_it(void **state)
{
    (void)state;
    assert_true(parallel_run(&(struct parallel_jobs){.count = 64, .work = churn, .threads = 8}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zero_undumped_and_wiped),
        cmocka_unit_test(what_was_given_back_is_gone_while_nobody_has_it),
#ifdef __SANITIZE_ADDRESS__
        cmocka_unit_test(the_sanitizer_sees_what_is_used_beyond_its_time_or_size),
#endif
        cmocka_unit_test(many_small_pieces_take_little),
        cmocka_unit_test(threads_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
