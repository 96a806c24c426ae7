#include <pthread.h>
#include <stdatomic.h>

#include "lib/certificates/certificate_table.h"
#include "make.h"

static EVP_PKEY *ec;
static EVP_PKEY *rsa;

static int make_all(void **state)
{
    (void)state;
    rcu_reader_register();
    ec = make_key("P-256", 0);
    rsa = make_key("RSA", 2048);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
    rcu_defer_wait();
    rcu_reader_unregister();
    return 0;
}

/* The certificates of the story below, by number; pairs[0] is none. */
enum { PAIRS = 8 };

static struct certificate_pair *pairs[PAIRS];

static void make_story(void)
{
    pairs[1] = make_pair(ec, "DNS:mta-sts.a.example", 10 * (int64_t)DAY);
    pairs[2] = make_pair(ec, "DNS:mta-sts.a.example,DNS:*.b.example", 20 * (int64_t)DAY);
    pairs[3] = make_pair(rsa, "DNS:mta-sts.a.example", 5 * (int64_t)DAY);
    pairs[4] = make_pair(rsa, "DNS:*.a.example", 90 * (int64_t)DAY);
    pairs[5] = make_pair(ec, "DNS:mta-sts.a.example", 15 * (int64_t)DAY);
    pairs[6] = make_pair(ec, "DNS:mta-sts.b.example", 1 * (int64_t)DAY);
    pairs[7] = make_pair(rsa, "DNS:x.example", -1 * (int64_t)DAY);
}

/* Each step adds or removes (negative) a pair and then looks a name up. */
static const struct step {
    const char *about;
    int change; /* 0: only look */
    const char *name;
    int ecdsa;
    int rsa;
    size_t count;
} STORY[] = {
    {"nothing yet", 0, "mta-sts.a.example", 0, 0, 0},
    {"the first", 1, "mta-sts.a.example", 1, 0, 1},
    {"another that lives longer wins", 2, "mta-sts.a.example", 2, 0, 2},
    {"another that lives shorter changes nothing", 5, "mta-sts.a.example", 2, 0, 2},
    {"RSA stands beside", 3, "mta-sts.a.example", 2, 3, 2},
    {"a wildcard yields to the exact name", 4, "mta-sts.a.example", 2, 3, 3},
    {"the wildcard has the other names", 0, "www.a.example", 0, 4, 3},
    {"one label only", 0, "x.www.a.example", 0, 0, 3},
    {"not the apex", 0, "a.example", 0, 0, 3},
    {"a second name of a pair", 0, "mta-sts.b.example", 2, 0, 3},
    {"an exact name though it ends sooner", 6, "mta-sts.b.example", 6, 0, 4},
    {"back to the wildcard", -6, "mta-sts.b.example", 2, 0, 3},
    {"the second best comes back", -2, "mta-sts.a.example", 5, 3, 2},
    {"its other name is gone", 0, "mta-sts.b.example", 0, 0, 2},
    {"the third", -5, "mta-sts.a.example", 1, 3, 2},
    {"RSA alone", -1, "mta-sts.a.example", 0, 3, 2},
    {"taken away twice", -1, "mta-sts.a.example", 0, 3, 2},
    {"none: the wildcard", -3, "mta-sts.a.example", 0, 4, 1},
    {"expired ones are served", 7, "x.example", 0, 7, 2},
    {"no name", 0, "", 0, 0, 2},
    {"no dot", 0, "localhost", 0, 0, 2},
    {"a dot first", 0, ".a.example", 0, 0, 2},
    {"the wildcard itself cannot be asked for by a client, but is found", 0, "*.a.example", 0, 4,
     2},
};

static int number_of(const struct certificate_pair *pair)
{
    for (int i = 1; i < PAIRS; i++) {
        if (pairs[i] == pair) {
            return i;
        }
    }
    return 0;
}

static void test_story(void **state)
{
    (void)state;
    struct certificate_table *table = certificate_table_new();
    int64_t now_s = (int64_t)time(NULL);
    make_story();
    for (size_t i = 0; i < ARRAY_LENGTH(STORY); i++) {
        const struct step *step = &STORY[i];
        if (step->change > 0) {
            certificate_table_add(table, pairs[step->change]);
        } else if (step->change < 0) {
            certificate_table_remove(table, pairs[-step->change]);
        }
        struct certificate_choice choice = {NULL, NULL};
        rcu_read_begin();
        bool found = certificate_table_find(table, bytes_of(step->name), now_s, &choice);
        rcu_read_end();
        if (found != (step->ecdsa != 0 || step->rsa != 0) ||
            number_of(choice.ecdsa) != step->ecdsa || number_of(choice.rsa) != step->rsa ||
            certificate_table_count(table) != step->count) {
            fail_msg("%s: %d and %d, %zu names", step->about, number_of(choice.ecdsa),
                     number_of(choice.rsa), certificate_table_count(table));
        }
    }
    for (size_t i = 1; i < PAIRS; i++) {
        certificate_pair_unref(pairs[i]);
    }
    certificate_table_free(table);
}

static struct certificate_pair *pair_of(EVP_PKEY *key, const char *sans, int from_day,
                                        int until_day)
{
    return make_pair_from(key, sans, from_day * (int64_t)DAY, until_day * (int64_t)DAY);
}

enum { CLOCK_PAIRS = 5, A = 1, B, R, W };

/* What is looked for on a day, of: A from 0 to 10, B from 20 to 200, R from 0 to 5 (RSA), and W, a
 * wildcard, from 0 to 100. */
static const struct clock_row {
    const char *about;
    int day;
    const char *name;
    int ecdsa;
    int rsa;
} CLOCK[] = {
    {"valid before what is to come, though that ends later", 1, "mta-sts.a.example", A, R},
    {"no RSA that has expired beside what is valid", 6, "mta-sts.a.example", A, 0},
    {"a wildcard before an exact name that has expired or is to come", 11, "mta-sts.a.example", W,
     0},
    {"the exact name again", 21, "mta-sts.a.example", B, 0},
    {"and for long", 150, "mta-sts.a.example", B, 0},
    {"where none is valid, the one that ended last", 201, "mta-sts.a.example", B, R},
    {"another name, by the wildcard", 1, "x.a.example", W, 0},
    {"also where that has expired", 101, "x.a.example", W, 0},
};

static void test_what_is_valid_comes_first(void **state)
{
    (void)state;
    int64_t now_s = (int64_t)time(NULL);
    struct certificate_table *table = certificate_table_new();
    struct certificate_pair *all[CLOCK_PAIRS] = {
        [A] = pair_of(ec, "DNS:mta-sts.a.example", 0, 10),
        [B] = pair_of(ec, "DNS:mta-sts.a.example", 20, 200),
        [R] = pair_of(rsa, "DNS:mta-sts.a.example", 0, 5),
        [W] = pair_of(ec, "DNS:*.a.example", 0, 100),
    };
    for (size_t i = 1; i < CLOCK_PAIRS; i++) {
        certificate_table_add(table, all[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(CLOCK); i++) {
        const struct clock_row *row = &CLOCK[i];
        struct certificate_choice choice = {NULL, NULL};
        rcu_read_begin();
        bool found = certificate_table_find(table, bytes_of(row->name),
                                            now_s + row->day * (int64_t)DAY, &choice);
        rcu_read_end();
        if (!found || choice.ecdsa != all[row->ecdsa] || choice.rsa != all[row->rsa]) {
            fail_msg("%s", row->about);
        }
    }
    for (size_t i = 1; i < CLOCK_PAIRS; i++) {
        certificate_pair_unref(all[i]);
    }
    certificate_table_free(table);
}

static void count_pair(struct certificate_pair *pair, void *context)
{
    assert_non_null(certificate_pair_path(pair));
    ++*(size_t *)context;
}

/* Each once, however many names it has, and however many there are for a name. */
static void test_visits_each_pair_once(void **state)
{
    (void)state;
    struct certificate_table *table = certificate_table_new();
    size_t count = 0;
    make_story();
    certificate_table_walk_begin(table);
    assert_false(certificate_table_walk(table, 10, count_pair, &count));
    for (size_t i = 1; i < PAIRS; i++) {
        certificate_table_add(table, pairs[i]);
    }
    assert_int_equal(count, 0);
    certificate_table_walk_begin(table);
    while (certificate_table_walk(table, 1, count_pair, &count)) {
    }
    assert_int_equal(count, PAIRS - 1);
    for (size_t i = 1; i < PAIRS; i++) {
        certificate_pair_unref(pairs[i]);
    }
    certificate_table_free(table);
}

static void test_over_long_name(void **state)
{
    (void)state;
    struct certificate_table *table = certificate_table_new();
    char name[DNS_NAME_MAX + 3];
    memset(name, 'a', sizeof(name));
    name[0] = '.';
    name[1] = '.';
    struct certificate_choice choice;
    for (size_t n = DNS_NAME_MAX - 1; n <= sizeof(name); n++) {
        assert_false(certificate_table_find(table, (struct bytes){name, n}, 0, &choice));
        assert_false(certificate_table_find(table, (struct bytes){name + 1, n - 1}, 0, &choice));
        memcpy(name, "a.", 2);
        assert_false(certificate_table_find(table, (struct bytes){name, n}, 0, &choice));
    }
    certificate_table_free(table);
}

/* Readers while one certificate takes another's place again and again: there always is one, and it
 * can be used after the read section by its reference. */
struct race {
    struct certificate_table *table;
    atomic_bool stop;
    atomic_size_t looked;
};

static void *read_on(void *context)
{
    struct race *race = context;
    rcu_reader_register();
    while (!atomic_load_explicit(&race->stop, memory_order_relaxed)) {
        struct certificate_choice choice = {NULL, NULL};
        rcu_read_begin();
        bool found = certificate_table_find(race->table, BYTES("mta-sts.a.example"), 0, &choice);
        struct certificate_pair *pair = found ? certificate_pair_ref(choice.ecdsa) : NULL;
        rcu_read_end();
        if (pair == NULL || certificate_pair_name_count(pair) != 1) {
            abort();
        }
        certificate_pair_unref(pair);
        atomic_fetch_add_explicit(&race->looked, 1, memory_order_relaxed);
    }
    rcu_reader_unregister();
    return NULL;
}

static void test_readers_beside_a_writer(void **state)
{
    (void)state;
    enum { READERS = 2, ROUNDS = 300 };
    struct race race = {.table = certificate_table_new()};
    struct certificate_pair *old = make_pair(ec, "DNS:mta-sts.a.example", DAY);
    certificate_table_add(race.table, old);
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &race), 0);
    }
    for (int i = 0; i < ROUNDS || atomic_load(&race.looked) < ROUNDS; i++) {
        struct certificate_pair *new =
            make_pair(ec, "DNS:mta-sts.a.example", (i % 2 + 1) * (int64_t)DAY);
        certificate_table_add(race.table, new);
        certificate_table_remove(race.table, old);
        certificate_pair_unref(old);
        old = new;
    }
    atomic_store(&race.stop, true);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
    }
    certificate_pair_unref(old);
    certificate_table_free(race.table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_story),
        cmocka_unit_test(test_what_is_valid_comes_first),
        cmocka_unit_test(test_visits_each_pair_once),
        cmocka_unit_test(test_over_long_name),
        cmocka_unit_test(test_readers_beside_a_writer),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
