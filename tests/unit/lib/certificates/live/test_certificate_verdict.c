#include "../make.h"
#include "lib/certificates/live/certificate_verdict.h"

/* Days from now that are before, within and after the certificates below. */
enum { NONE = 0, UNTIL_10, UNTIL_20, FROM_15, ENDED, ENDED_LATER, FROM_40, PAIRS };

static struct certificate_pair *pairs[PAIRS];

static int make_all(void **state)
{
    static const int days[PAIRS][2] = {
        [UNTIL_10] = {-10, 10}, [UNTIL_20] = {-10, 20},    [FROM_15] = {15, 90},
        [ENDED] = {-20, -5},    [ENDED_LATER] = {-20, -2}, [FROM_40] = {40, 80},
    };
    (void)state;
    EVP_PKEY *key = make_key("P-256", 0);
    for (size_t i = 1; i < PAIRS; i++) {
        pairs[i] =
            make_pair_from(key, "DNS:a.test", days[i][0] * (int64_t)DAY, days[i][1] * (int64_t)DAY);
    }
    EVP_PKEY_free(key);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (size_t i = 1; i < PAIRS; i++) {
        certificate_pair_unref(pairs[i]);
    }
    return 0;
}

static const struct row {
    const char *name;
    int served;
    int coming;
    int day; /* today */
    enum certificate_verdict want;
    int again; /* day; 0: not again */
    const char *words;
} ROWS[] = {
    {"the first, valid", NONE, UNTIL_10, 0, CERTIFICATE_TAKEN, 0, NULL},
    {"the first, expired", NONE, ENDED, 0, CERTIFICATE_TAKEN, 0, NULL},
    {"the first, to come", NONE, FROM_15, 0, CERTIFICATE_TAKEN, 0, NULL},
    {"a renewal", UNTIL_10, UNTIL_20, 0, CERTIFICATE_TAKEN, 0, NULL},
    {"the same", UNTIL_10, UNTIL_10, 0, CERTIFICATE_TAKEN, 0, NULL},
    {"one that ends sooner", UNTIL_20, UNTIL_10, 0, CERTIFICATE_TAKEN_ENDS_SOONER, 0, NULL},
    {"expired for valid", UNTIL_10, ENDED, 0, CERTIFICATE_REFUSED, 10, "has expired on"},
    {"to come for valid", UNTIL_20, FROM_15, 0, CERTIFICATE_REFUSED, 15, "not valid before"},
    {"to come, after the end of what is served", UNTIL_10, FROM_15, 0, CERTIFICATE_REFUSED, 10,
     "not valid before"},
    {"its time has come", UNTIL_20, FROM_15, 16, CERTIFICATE_TAKEN, 0, NULL},
    {"valid for expired", ENDED, UNTIL_10, 0, CERTIFICATE_TAKEN, 0, NULL},
    {"to come for expired", ENDED, FROM_15, 0, CERTIFICATE_TAKEN, 0, NULL},
    {"expired for expired", ENDED_LATER, ENDED, 0, CERTIFICATE_TAKEN, 0, NULL},
    {"expired meanwhile for expired", UNTIL_10, ENDED, 11, CERTIFICATE_TAKEN, 0, NULL},
    {"valid for what is to come", FROM_15, UNTIL_10, 0, CERTIFICATE_TAKEN, 0, NULL},
    {"expired for what is to come", FROM_15, ENDED, 0, CERTIFICATE_TAKEN, 0, NULL},
    {"to come for what is to come", FROM_15, FROM_40, 0, CERTIFICATE_TAKEN, 0, NULL},
};

static void check(const struct row *row, int64_t now_s)
{
    const struct certificate_pair *served = pairs[row->served];
    const struct certificate_pair *coming = pairs[row->coming];
    int64_t again_s = 0;
    struct error e = {0};
    enum certificate_verdict verdict = certificate_verdict_find(served, coming, now_s, &again_s);
    if (verdict == CERTIFICATE_REFUSED) {
        certificate_verdict_explain(served, coming, now_s, &e);
    }
    int64_t want_s = now_s + (row->again - row->day) * (int64_t)DAY;
    int64_t off_s = again_s - want_s; /* the second of the making, and the one after an end */
    if (verdict != row->want || (row->again == 0) != (again_s == 0) ||
        (row->again != 0 && (off_s < -60 || off_s > 60 || again_s <= now_s))) {
        fail_msg("%s: %d, again in %lld s", row->name, (int)verdict, (long long)(again_s - now_s));
    }
    if (row->words != NULL && (strstr(e.text, row->words) == NULL || strchr(e.text, ';') == NULL)) {
        fail_msg("%s: %s", row->name, e.text);
    }
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        check(&ROWS[i], (int64_t)time(NULL) + ROWS[i].day * (int64_t)DAY);
    }
}

/* When the time has come that was named, the verdict is another. */
static void test_again_is_when_it_changes(void **state)
{
    (void)state;
    int64_t now_s = (int64_t)time(NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const struct row *row = &ROWS[i];
        int64_t again_s = 0;
        int64_t ignored_s = 0;
        if (row->day == 0 && certificate_verdict_find(pairs[row->served], pairs[row->coming], now_s,
                                                      &again_s) == CERTIFICATE_REFUSED) {
            assert_int_equal(certificate_verdict_find(pairs[row->served], pairs[row->coming],
                                                      again_s - 1, &ignored_s),
                             CERTIFICATE_REFUSED);
            assert_int_not_equal(certificate_verdict_find(pairs[row->served], pairs[row->coming],
                                                          again_s, &ignored_s),
                                 CERTIFICATE_REFUSED);
        }
    }
}

static void test_a_note_names_both_ends(void **state)
{
    (void)state;
    CLEANUP_FREE char *note = certificate_verdict_note(pairs[UNTIL_20], pairs[UNTIL_10]);
    const char *first = strstr(note, " UTC");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, " UTC"));
    assert_non_null(strstr(note, "sooner"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_again_is_when_it_changes),
        cmocka_unit_test(test_a_note_names_both_ends),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
