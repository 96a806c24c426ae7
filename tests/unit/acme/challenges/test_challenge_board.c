#include <pthread.h>
#include <stdatomic.h>

#include "../../lib/certificates/make.h"
#include "acme/challenges/challenge_board.h"
#include "lib/base/rcu_table.h"

#define FIRST  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SECOND "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define THIRD  "ccccccccccccccccccccccccccccccccccccccccccc"
#define X64    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const char HOST[] = "mta-sts.example.org";

static struct challenge_board *board;
static struct certificate_pair *pair;

static int make_board(void **state)
{
    (void)state;
    rcu_reader_register();
    EVP_PKEY *key = make_key("P-256", 0);
    pair = make_pair(key, "DNS:mta-sts.example.org", DAY);
    EVP_PKEY_free(key);
    board = challenge_board_new();
    return 0;
}

static int free_board(void **state)
{
    (void)state;
    challenge_board_free(board);
    certificate_pair_unref(pair);
    rcu_reader_unregister();
    return 0;
}

static const struct {
    const char *name;
    const char *token;
    bool good;
} TOKENS[] = {
    {"every kind of character", "AZaz09-_AZaz09-_", true},
    {"Let's Encrypt's", "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0", true},
    {"the longest", X64 X64 X64 X64, true},
    {"too long", X64 X64 X64 X64 "x", false},
    {"too short", "AZaz09-_AZaz09-", false},
    {"empty", "", false},
    {"a dot", "AZaz09-_AZaz09-.", false},
    {"a slash", "AZaz09-_/Zaz09-_", false},
    {"padding", "AZaz09-_AZaz09-=", false},
    {"percent", "AZaz09-_AZaz%2d-", false},
    {"a line end", "AZaz09-_AZaz09-_\n", false},
    {"above ASCII", "AZaz09-_AZaz09-\xe4", false},
};

static void test_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(TOKENS); i++) {
        if (challenge_token_is_good(bytes_of(TOKENS[i].token)) != TOKENS[i].good) {
            fail_msg("%s", TOKENS[i].name);
        }
    }
    assert_false(challenge_token_is_good((struct bytes){"AZaz09-_AZaz09-\0", 16}));
}

static void expect(const char *host, const char *thumbprint)
{
    char text[THUMBPRINT_LENGTH + 1] = "untouched";
    bool found = challenge_board_thumbprint(board, bytes_of(host), text);
    assert_int_equal(found, thumbprint != NULL);
    assert_string_equal(text, thumbprint != NULL ? thumbprint : "untouched");
}

static void test_thumbprints(void **state)
{
    (void)state;
    expect(HOST, NULL);
    challenge_board_post(board, HOST, SECOND, NULL);
    expect(HOST, SECOND);
    expect("mta-sts.example.net", NULL);
    challenge_board_set_thumbprint(board, FIRST);
    expect(HOST, SECOND);
    expect("mta-sts.example.net", FIRST);
    expect("", FIRST);
    challenge_board_set_thumbprint(board, THIRD);
    expect("mta-sts.example.net", THIRD);
    challenge_board_withdraw(board, HOST);
    expect(HOST, THIRD);
}

static void test_notices_come_and_go(void **state)
{
    (void)state;
    assert_false(challenge_board_has(board, bytes_of(HOST)));
    assert_null(challenge_board_pair(board, bytes_of(HOST)));
    challenge_board_withdraw(board, HOST); /* of none */

    challenge_board_post(board, HOST, FIRST, NULL);
    assert_true(challenge_board_has(board, bytes_of(HOST)));
    assert_null(challenge_board_pair(board, bytes_of(HOST)));
    assert_false(challenge_board_has(board, BYTES("mta-sts.example")));

    challenge_board_post(board, HOST, SECOND, pair);
    struct certificate_pair *found = challenge_board_pair(board, bytes_of(HOST));
    assert_ptr_equal(found, pair);
    challenge_board_withdraw(board, HOST);
    assert_false(challenge_board_has(board, bytes_of(HOST)));
    assert_null(challenge_board_pair(board, bytes_of(HOST)));
    rcu_defer_wait();
    assert_int_equal(certificate_pair_name_count(found), 1); /* ours still */
    certificate_pair_unref(found);
}

static atomic_bool stop;
static atomic_size_t torn;

static void *keep_reading(void *argument)
{
    (void)argument;
    rcu_reader_register();
    while (!atomic_load(&stop)) {
        char text[THUMBPRINT_LENGTH + 1];
        bool found = challenge_board_thumbprint(board, bytes_of(HOST), text);
        bool whole = found && (strcmp(text, FIRST) == 0 || strcmp(text, SECOND) == 0);
        struct certificate_pair *seen = challenge_board_pair(board, bytes_of(HOST));
        whole = whole && (seen == NULL || certificate_pair_name_count(seen) == 1);
        certificate_pair_unref(seen);
        atomic_fetch_add(&torn, !whole);
    }
    rcu_reader_unregister();
    return NULL;
}

static void test_readers_see_whole_notices(void **state)
{
    (void)state;
    pthread_t reader;
    atomic_store(&stop, false);
    challenge_board_set_thumbprint(board, FIRST);
    assert_int_equal(pthread_create(&reader, NULL, keep_reading, NULL), 0);
    for (int i = 0; i < 5000; i++) {
        challenge_board_set_thumbprint(board, i % 2 != 0 ? FIRST : SECOND);
        challenge_board_post(board, HOST, i % 2 != 0 ? SECOND : FIRST, i % 3 != 0 ? pair : NULL);
        if (i % 5 == 0) {
            challenge_board_withdraw(board, HOST);
        }
    }
    atomic_store(&stop, true);
    pthread_join(reader, NULL);
    assert_int_equal(atomic_load(&torn), 0);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, make_board, free_board)
    const struct CMUnitTest tests[] = {
        ROW(test_tokens),
        ROW(test_thumbprints),
        ROW(test_notices_come_and_go),
        ROW(test_readers_see_whole_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
