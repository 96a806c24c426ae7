#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/engine/address_book.h"

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&storage;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        storage.ss_family = AF_INET;
    } else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        storage.ss_family = AF_INET6;
    } else {
        storage.ss_family = AF_UNIX;
    }
    return storage;
}

/* So large that nothing is refused. */
static struct settings_limits wide(void)
{
    return (struct settings_limits){
        .connections_per_address = 1000,
        .connections_per_ipv4_24 = 1000,
        .connections_per_ipv6_56 = 1000,
        .connections_per_ipv6_48 = 1000,
        .handshakes_per_second = 1,
        .handshake_burst = 1000,
    };
}

static enum address_verdict enter(struct address_book *book, const char *peer,
                                  const struct settings_limits *limits, bool handshake,
                                  struct address_place *ret_place)
{
    struct sockaddr_storage address = address_of(peer);
    memset(ret_place, 0x77, sizeof(*ret_place));
    enum address_verdict verdict =
        address_book_enter(book, (struct sockaddr *)&address, limits, handshake, 1000, ret_place);
    if (verdict != ADDRESS_ADMITTED && ret_place->count != 0) {
        fail_msg("%s is refused, but holds something", peer);
    }
    return verdict;
}

static void leave(struct address_book *book, struct address_place *place)
{
    address_book_leave(book, place);
    place->count = 0;
}

/* ---- who is let in ---- */

static const struct {
    const char *name;
    const char *network;
    const char *peer;
    bool want;
} FROM[] = {
    {"loopback", "192.0.2.0/24", "127.0.0.1", true},
    {"all of loopback", "192.0.2.0/24", "127.9.9.9", true},
    {"loopback as a dual socket has it", "192.0.2.0/24", "::ffff:127.0.0.1", true},
    {"IPv6's loopback", "192.0.2.0/24", "::1", true},
    {"beside it", "192.0.2.0/24", "::2", false},
    {"a Unix socket", "192.0.2.0/24", "a Unix socket", true},
    {"in the network", "192.0.2.0/24", "192.0.2.255", true},
    {"in it as a dual socket has it", "192.0.2.0/24", "::ffff:192.0.2.1", true},
    {"outside", "192.0.2.0/24", "192.0.3.0", false},
    {"outside, in IPv6", "192.0.2.0/24", "2001:db8::1", false},
    {"in an IPv6 network", "2001:db8::/32", "2001:db8::1", true},
    {"next to loopback", "192.0.2.0/24", "128.0.0.1", false},
};

static void who_is_let_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(FROM); i++) {
        struct error e;
        struct settings_networks networks = {.count = 1};
        struct sockaddr_storage peer = address_of(FROM[i].peer);
        assert_true(network_parse(bytes_of(FROM[i].network), &networks.items[0], &e));
        if (address_is_from(&networks, (struct sockaddr *)&peer) != FROM[i].want) {
            fail_msg("%s", FROM[i].name);
        }
    }
}

/* ---- whom a client counts for ---- */

static const struct {
    const char *peer;
    const char *want;
} NETWORKS[] = {
    {"192.0.2.1", "192.0.2.1 192.0.2.0/24"},
    {"192.0.2.255", "192.0.2.255 192.0.2.0/24"},
    {"::ffff:192.0.2.1", "192.0.2.1 192.0.2.0/24"},
    {"2001:db8:1:2a3::9", "2001:db8:1:2a3::/64 2001:db8:1:200::/56 2001:db8:1::/48"},
    {"2001:db8:1:2a3:ffff::", "2001:db8:1:2a3::/64 2001:db8:1:200::/56 2001:db8:1::/48"},
    {"2001:db8:1::1", "2001:db8:1::/64 2001:db8:1::/56 2001:db8:1::/48"},
    {"::1", "::/64 ::/56 ::/48"},
    {"64:ff9b::192.0.2.1", "64:ff9b::/64 64:ff9b::/56 64:ff9b::/48"},
    {"a Unix socket", ""},
};

static void a_client_has_an_address_and_networks(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(NETWORKS); i++) {
        struct sockaddr_storage peer = address_of(NETWORKS[i].peer);
        struct network networks[ADDRESS_LEVELS];
        size_t count = address_networks((struct sockaddr *)&peer, networks);
        char got[256] = "";
        for (size_t j = 0; j < count; j++) {
            size_t n = strlen(got);
            (void)snprintf(got + n, sizeof(got) - n, "%s%s", j != 0 ? " " : "",
                           network_format(&networks[j]).text);
        }
        assert_string_equal(got, NETWORKS[i].want);
    }
}

/* ---- who is admitted ---- */

enum { STEPS_MAX = 10 };

struct step {
    const char *peer;
    enum { PLAIN, TLS } over;
    enum address_verdict want;
};

/* A client and the counters that it has in a book. */
struct counted {
    struct network networks[ADDRESS_LEVELS];
    struct address_place place;
};

static struct counted count_in(struct address_book *book, const char *peer)
{
    struct settings_limits limits = wide();
    struct sockaddr_storage address = address_of(peer);
    struct counted counted;
    (void)address_networks((struct sockaddr *)&address, counted.networks);
    assert_int_equal(enter(book, peer, &limits, false, &counted.place), ADDRESS_ADMITTED);
    address_book_leave(book, &counted.place);
    return counted;
}

static bool share_by_chance(const struct counted *a, const struct counted *b)
{
    for (size_t i = 0; i < a->place.count && i < b->place.count; i++) {
        bool same = memcmp(&a->networks[i], &b->networks[i], sizeof(a->networks[i])) == 0;
        if (!same && a->place.slots[i] == b->place.slots[i]) {
            return true;
        }
    }
    return false;
}

/* Whether no two networks of the row share a counter by the book's random seed, so that what is
 * wanted is sure. */
static bool are_apart(struct address_book *book, const struct step *steps)
{
    struct counted counted[STEPS_MAX];
    for (size_t i = 0; i < STEPS_MAX && steps[i].peer != NULL; i++) {
        counted[i] = count_in(book, steps[i].peer);
        for (size_t j = 0; j < i; j++) {
            if (share_by_chance(&counted[i], &counted[j])) {
                return false;
            }
        }
    }
    return true;
}

static struct address_book *book_for(const struct step *steps)
{
    for (int i = 0; i < 100; i++) {
        struct address_book *book = address_book_new();
        if (are_apart(book, steps)) {
            return book;
        }
        address_book_free(book);
    }
    fail_msg("networks share counters that must not");
    return NULL;
}

#define A ADDRESS_ADMITTED
#define F ADDRESS_FULL
#define N ADDRESS_NETWORK_FULL
#define H ADDRESS_HANDSHAKES

/* Limits are those of `wide` where they are 0; all who are admitted stay. */
static const struct {
    const char *name;
    struct settings_limits limits;
    struct step steps[STEPS_MAX];
} ROWS[] = {
    {"an IPv4 address",
     {.connections_per_address = 2},
     {{"192.0.2.1", PLAIN, A},
      {"192.0.2.1", PLAIN, A},
      {"192.0.2.1", PLAIN, F},
      {"::ffff:192.0.2.1", PLAIN, F},
      {"192.0.2.2", PLAIN, A},
      {"192.0.2.1", PLAIN, F}}},
    {"a /24",
     {.connections_per_ipv4_24 = 3},
     {{"192.0.2.1", PLAIN, A},
      {"192.0.2.1", PLAIN, A},
      {"192.0.2.2", PLAIN, A},
      {"192.0.2.3", PLAIN, N},
      {"192.0.2.1", PLAIN, N},
      {"192.0.3.1", PLAIN, A},
      {"::ffff:192.0.2.4", PLAIN, N}}},
    {"a full address in a full /24",
     {.connections_per_address = 1, .connections_per_ipv4_24 = 1},
     {{"192.0.2.1", PLAIN, A}, {"192.0.2.1", PLAIN, F}, {"192.0.2.2", PLAIN, N}}},
    {"an IPv6 /64",
     {.connections_per_address = 2},
     {{"2001:db8::1", PLAIN, A},
      {"2001:db8::ffff:0:0:2", PLAIN, A},
      {"2001:db8::3", PLAIN, F},
      {"2001:db8:0:1::1", PLAIN, A}}},
    {"a /56",
     {.connections_per_ipv6_56 = 2},
     {{"2001:db8::1", PLAIN, A},
      {"2001:db8:0:ff::1", PLAIN, A},
      {"2001:db8:0:2::1", PLAIN, N},
      {"2001:db8:0:100::1", PLAIN, A}}},
    {"a /48",
     {.connections_per_ipv6_48 = 2},
     {{"2001:db8::1", PLAIN, A},
      {"2001:db8:0:ffff::1", PLAIN, A},
      {"2001:db8:0:100::1", PLAIN, N},
      {"2001:db8:1::1", PLAIN, A}}},
    {"limits of IPv6 do not hold for IPv4",
     {.connections_per_ipv6_56 = 1, .connections_per_ipv6_48 = 1},
     {{"192.0.2.1", PLAIN, A}, {"192.0.2.2", PLAIN, A}, {"::ffff:192.0.2.2", PLAIN, A}}},
    {"limits of IPv4 do not hold for IPv6",
     {.connections_per_ipv4_24 = 1},
     {{"2001:db8::1", PLAIN, A}, {"2001:db8::2", PLAIN, A}}},
    {"handshakes of a /24",
     {.handshake_burst = 2},
     {{"192.0.2.1", TLS, A},
      {"192.0.2.2", TLS, A},
      {"192.0.2.3", TLS, H},
      {"192.0.2.3", PLAIN, A},
      {"192.0.3.1", TLS, A}}},
    {"handshakes of a /48",
     {.handshake_burst = 2},
     {{"2001:db8::1", TLS, A},
      {"2001:db8:0:ffff::1", TLS, A},
      {"2001:db8:0:8000::1", TLS, H},
      {"2001:db8:1::1", TLS, A}}},
    {"who is refused takes no token",
     {.connections_per_address = 1, .handshake_burst = 2},
     {{"192.0.2.1", TLS, A},
      {"192.0.2.1", TLS, F},
      {"192.0.2.1", TLS, F},
      {"192.0.2.2", TLS, A},
      {"192.0.2.3", TLS, H}}},
    {"who gets no token takes no place",
     {.connections_per_address = 1, .connections_per_ipv4_24 = 2, .handshake_burst = 1},
     {{"192.0.2.1", TLS, A}, {"192.0.2.2", TLS, H}, {"192.0.2.2", PLAIN, A}}},
    {"who finds its network full takes no place in the smaller one",
     {.connections_per_address = 2, .connections_per_ipv6_56 = 2, .connections_per_ipv6_48 = 3},
     {{"2001:db8::1", PLAIN, A},
      {"2001:db8::1", PLAIN, A},
      {"2001:db8:0:1::1", PLAIN, N},
      {"2001:db8:0:100::1", PLAIN, A},
      {"2001:db8:0:100::1", PLAIN, N},
      {"2001:db8:0:200::1", PLAIN, N}}},
    {"who is not counted",
     {.connections_per_address = 1,
      .handshake_burst = 1,
      .uncounted = {{{{0x20, 0x01, 0x0d, 0xb8}, 32}, {{[10] = 0xff, 0xff, 192, 0, 2, 0}, 120}}, 2}},
     {{"2001:db8:1::1", TLS, A},
      {"2001:db8:1::1", TLS, A},
      {"192.0.2.9", TLS, A},
      {"192.0.2.9", TLS, A},
      {"::ffff:192.0.2.9", TLS, A},
      {"192.0.3.9", TLS, A},
      {"192.0.3.9", TLS, F},
      {"192.0.3.8", TLS, H},
      {"192.0.2.9", TLS, A}}},
    {"Unix sockets",
     {.connections_per_address = 1, .handshake_burst = 1},
     {{"local", TLS, A}, {"local", TLS, A}, {"local", PLAIN, A}}},
};

static struct settings_limits limits_of(const struct settings_limits *given)
{
    struct settings_limits limits = *given;
    struct settings_limits normal = wide();
    for (size_t at = 0; at < offsetof(struct settings_limits, uncounted); at += sizeof(int64_t)) {
        int64_t *limit = (int64_t *)(void *)((char *)&limits + at);
        *limit = *limit != 0 ? *limit : *(int64_t *)(void *)((char *)&normal + at);
    }
    return limits;
}

static void run(const char *name, const struct settings_limits *limits, const struct step *steps)
{
    struct address_book *book = book_for(steps);
    struct address_place places[STEPS_MAX];
    size_t count = 0;
    for (; count < STEPS_MAX && steps[count].peer != NULL; count++) {
        const struct step *step = &steps[count];
        enum address_verdict got =
            enter(book, step->peer, limits, step->over == TLS, &places[count]);
        if (got != step->want) {
            fail_msg("%s: step %zu, %s: got %d", name, count + 1, step->peer, got);
        }
    }
    while (count > 0) {
        leave(book, &places[--count]);
    }
    /* All is given back: but for the tokens it goes the same way again. */
    for (; count < STEPS_MAX && steps[count].peer != NULL && steps[count].want == A; count++) {
        if (enter(book, steps[count].peer, limits, false, &places[count]) != A) {
            fail_msg("%s: again, step %zu, %s is refused", name, count + 1, steps[count].peer);
        }
    }
    address_book_free(book);
}

static void limits_are_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct settings_limits limits = limits_of(&ROWS[i].limits);
        run(ROWS[i].name, &limits, ROWS[i].steps);
    }
}

static void who_is_refused_leaves_nothing_behind(void **state)
{
    (void)state;
    static const char *const PEERS[] = {"192.0.2.1", "2001:db8::1"};
    struct settings_limits one = limits_of(&(struct settings_limits){
        .connections_per_address = 1,
        .connections_per_ipv4_24 = 1,
        .connections_per_ipv6_56 = 1,
        .connections_per_ipv6_48 = 1,
    });
    struct settings_limits network_full = wide();
    network_full.connections_per_ipv4_24 = network_full.connections_per_ipv6_48 = 1;
    struct settings_limits no_token = wide();
    no_token.handshake_burst = 1;
    for (size_t i = 0; i < ARRAY_LENGTH(PEERS); i++) {
        struct address_book *book = address_book_new();
        struct address_place place;
        struct address_place other;
        assert_int_equal(enter(book, PEERS[i], &no_token, true, &place), A);
        for (int j = 0; j < 3; j++) {
            assert_int_equal(enter(book, PEERS[i], &one, false, &other), F);
            assert_int_equal(enter(book, PEERS[i], &network_full, false, &other), N);
            assert_int_equal(enter(book, PEERS[i], &no_token, true, &other), H);
        }
        leave(book, &place);
        assert_int_equal(enter(book, PEERS[i], &one, false, &place), A);
        address_book_free(book);
    }
}

static void tokens_come_back_in_time(void **state)
{
    (void)state;
    struct settings_limits limits = wide();
    limits.handshake_burst = 1;
    struct sockaddr_storage peer = address_of("192.0.2.1");
    static const struct {
        int64_t now_ms;
        enum address_verdict want;
    } STEPS[] = {{5000, A}, {5000, H}, {5999, H}, {6000, A}, {6500, H}, {7000, A}};
    struct address_book *book = address_book_new();
    for (size_t i = 0; i < ARRAY_LENGTH(STEPS); i++) {
        struct address_place place;
        assert_int_equal(address_book_enter(book, (struct sockaddr *)&peer, &limits, true,
                                            STEPS[i].now_ms, &place),
                         STEPS[i].want);
    }
    address_book_free(book);
}

/* ---- memory ---- */

static void octets_are_held_by_address(void **state)
{
    (void)state;
    static const struct step PEERS[] = {
        {"192.0.2.1", PLAIN, A},   {"::ffff:192.0.2.1", PLAIN, A},
        {"192.0.2.2", PLAIN, A},   {"2001:db8::1", PLAIN, A},
        {"2001:db8::2", PLAIN, A}, {"2001:db8:0:1::1", PLAIN, A},
        {"local", PLAIN, A},       {NULL, PLAIN, A},
    };
    static const struct {
        size_t peer;
        int64_t delta;
        int64_t want;
    } STEPS[] = {
        {0, 1000, 1000},
        {0, 0, 1000},
        {1, 500, 1500}, /* the same client */
        {2, 7, 7},      /* of the same /24 */
        {3, 100, 100},
        {4, 100, 200}, /* of the same /64 */
        {5, 1, 1},     /* of the same /56 */
        {6, 4096, 0},  /* a Unix socket */
        {0, -1000, 500},
        {1, -500, 0},
        {3, INT64_C(1) << 40, (INT64_C(1) << 40) + 200},
        {4, -(INT64_C(1) << 40), 200},
    };
    struct address_book *book = book_for(PEERS);
    struct settings_limits limits = wide();
    struct address_place places[ARRAY_LENGTH(PEERS)];
    for (size_t i = 0; PEERS[i].peer != NULL; i++) {
        assert_int_equal(enter(book, PEERS[i].peer, &limits, false, &places[i]), A);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(STEPS); i++) {
        int64_t got = address_book_hold(book, &places[STEPS[i].peer], STEPS[i].delta);
        if (got != STEPS[i].want) {
            fail_msg("step %zu: got %lld", i + 1, (long long)got);
        }
    }
    address_book_free(book);
}

/* ---- threads ---- */

struct crowd {
    struct address_book *book;
    struct settings_limits limits;
    atomic_int inside;
    atomic_int most;
    atomic_int handshakes;
};

enum { CROWD_ROUNDS = 5000, CROWD_PLACES = 2, CROWD_TOKENS = 1000 };

static void stay_a_while(struct crowd *crowd, struct address_place *place)
{
    int inside = atomic_fetch_add(&crowd->inside, 1) + 1;
    int most = atomic_load(&crowd->most);
    while (inside > most && !atomic_compare_exchange_weak(&crowd->most, &most, inside)) {
    }
    (void)address_book_hold(crowd->book, place, 100);
    (void)address_book_hold(crowd->book, place, -100);
    atomic_fetch_sub(&crowd->inside, 1);
    leave(crowd->book, place);
}

static void *come_and_go(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; i < CROWD_ROUNDS; i++) {
        struct address_place place;
        if (enter(crowd->book, "2001:db8::1", &crowd->limits, false, &place) == A) {
            stay_a_while(crowd, &place);
        }
        if (enter(crowd->book, "192.0.2.1", &crowd->limits, true, &place) == A) {
            atomic_fetch_add(&crowd->handshakes, 1);
            leave(crowd->book, &place);
        }
    }
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    struct crowd crowd = {.book = address_book_new(), .limits = wide()};
    crowd.limits.connections_per_ipv6_56 = CROWD_PLACES;
    crowd.limits.handshake_burst = CROWD_TOKENS;
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &crowd), 0);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    assert_in_range(atomic_load(&crowd.most), 1, CROWD_PLACES);
    assert_int_equal(atomic_load(&crowd.handshakes), CROWD_TOKENS);
    crowd.limits.connections_per_address = 1;
    struct address_place place;
    assert_int_equal(enter(crowd.book, "2001:db8::2", &crowd.limits, false, &place), A);
    assert_int_equal(address_book_hold(crowd.book, &place, 0), 0);
    assert_int_equal(enter(crowd.book, "2001:db8::2", &crowd.limits, false, &place), F);
    assert_int_equal(enter(crowd.book, "192.0.2.1", &crowd.limits, false, &place), A);
    address_book_free(crowd.book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_let_in),
        cmocka_unit_test(a_client_has_an_address_and_networks),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(who_is_refused_leaves_nothing_behind),
        cmocka_unit_test(tokens_come_back_in_time),
        cmocka_unit_test(octets_are_held_by_address),
        cmocka_unit_test(threads_lose_no_count),
    };
    return cmocka_run_group_tests_name("server/address_book", tests, NULL, NULL);
}
