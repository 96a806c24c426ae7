/* Connections over real sockets, at times of the test's choosing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/engine/connections.h"

static const struct settings_limits limits = {
    .connections = 3,
    .connections_per_address = 2,
    .connections_per_ipv4_24 = 100,
    .connections_per_ipv6_56 = 100,
    .connections_per_ipv6_48 = 100,
    .handshakes_per_second = 1000,
    .handshake_burst = 1000,
    .requests_per_connection = 2,
    .connection_age_ms = 100000,
    .handshake_ms = 5000,
    .request_ms = 10000,
    .idle_ms = 20000,
    .unread_ms = 2000,
    .header_octets = 100,
    .header_plain_octets = 400,
    .concurrent_streams = 2,
    .memory_octets = 100000,
    .memory_per_address_octets = 60000,
};

enum { ENDS = 8 };

struct end {
    struct connection connection; /* first */
    int peer;
    int goodbyes;
};

struct fixture {
    struct connection_totals totals;
    struct connections workers[2];
    struct end ends[ENDS];
    size_t count;
};

static void on_goodbye(struct connection *connection)
{
    ((struct end *)connection)->goodbyes++;
}

static int set_up(void **state)
{
    struct fixture *fixture = memory_zero(1, sizeof(*fixture));
    fixture->totals.addresses = address_book_new();
    for (size_t i = 0; i < 2; i++) {
        connections_init(&fixture->workers[i], &fixture->totals, &limits, on_goodbye);
    }
    *state = fixture;
    return 0;
}

static void leave(struct end *end)
{
    connections_remove(&end->connection);
    close(end->connection.fd);
    end->connection.fd = -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < fixture->count; i++) {
        if (fixture->ends[i].connection.fd >= 0) {
            leave(&fixture->ends[i]);
        }
        close(fixture->ends[i].peer);
    }
    /* Whatever was taken was given back. */
    assert_int_equal(fixture->totals.current, 0);
    assert_int_equal(fixture->totals.held, 0);
    address_book_free(fixture->totals.addresses);
    free(fixture);
    return 0;
}

/* A connection of WORKER, accepted at ACCEPTED_MS and opened then. NULL: it was refused. */
static struct end *connect_at(struct fixture *fixture, size_t worker, int64_t accepted_ms)
{
    int ends[2];
    struct end *end = &fixture->ends[fixture->count];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    *end = (struct end){.connection = {.fd = ends[0], .kind = LISTENER_HTTPS}, .peer = ends[1]};
    end->connection.peer.ss_family = AF_INET;
    if (!connections_add(&fixture->workers[worker], &end->connection, accepted_ms)) {
        close(ends[0]);
        close(ends[1]);
        return NULL;
    }
    fixture->count++;
    connection_opened(&end->connection, false, accepted_ms);
    return end;
}

static bool is_cut(const struct end *end)
{
    char octet = 0;
    return recv(end->peer, &octet, 1, 0) == 0;
}

static uint64_t ended(const struct fixture *fixture, enum connection_end reason)
{
    return fixture->workers[0].counters.ended[reason] + fixture->workers[1].counters.ended[reason];
}

static void who_is_over_time_hears_goodbye_and_is_cut(void **state)
{
    struct fixture *fixture = *state;
    struct end *end = connect_at(fixture, 0, 1000);
    connections_sweep(&fixture->workers[0], 20999);
    assert_int_equal(end->goodbyes, 0);
    connections_sweep(&fixture->workers[0], 21000);
    assert_int_equal(end->goodbyes, 1);
    connections_sweep(&fixture->workers[0], 21000 + CONNECTION_GRACE_MS - 1);
    assert_int_equal(end->goodbyes, 2); /* at each sweep */
    assert_false(is_cut(end));
    connections_sweep(&fixture->workers[0], 21000 + CONNECTION_GRACE_MS);
    assert_true(is_cut(end));
    assert_int_equal(ended(fixture, END_IDLE), 1); /* once */
}

static void tell(struct end *end, int64_t incomplete_ms, int64_t unread_ms, bool owes,
                 int64_t now_ms)
{
    const struct connection_facts facts = {incomplete_ms, unread_ms, owes};
    connection_tell(&end->connection, &facts, now_ms);
}

static void it_is_idle_since_the_last_of_its_facts_ended(void **state)
{
    struct fixture *fixture = *state;
    struct end *end = connect_at(fixture, 0, 1000);
    const struct connection_times *times = &end->connection.times;
    assert_int_equal(times->idle_ms, 1000);
    tell(end, 0, 0, false, 2000);
    assert_int_equal(times->idle_ms, 1000);
    tell(end, 3000, 0, false, 3000);
    connection_request_began(&end->connection);
    tell(end, 0, 0, true, 4000);
    tell(end, 0, 5000, false, 5000);
    tell(end, 0, 0, false, 6000);
    assert_int_equal(times->idle_ms, 6000);
    tell(end, 0, 0, false, 7000);
    assert_int_equal(times->idle_ms, 6000);
    tell(end, 0, 8000, false, 8000); /* the answer to a PING is written */
    tell(end, 0, 0, false, 9000);
    assert_int_equal(times->idle_ms, 6000);
    connection_request_ended(&end->connection);
}

static void who_leaves_does_not_return(void **state)
{
    struct fixture *fixture = *state;
    struct connection *connection = &connect_at(fixture, 0, 1000)->connection;
    connection_leave(connection, END_IDLE, 8000);
    connection_opened(connection, false, 9000);
    assert_int_equal(connection->times.phase, CONNECTION_LEAVING);
    connection_cut(connection, END_AGE);
    connection_leave(connection, END_IDLE, 9000);
    assert_int_equal(connection->times.phase, CONNECTION_CUT);
    assert_int_equal(ended(fixture, END_AGE), 0); /* the first reason counts */
}

static void the_last_request_is_known(void **state)
{
    struct fixture *fixture = *state;
    struct connection *connection = &connect_at(fixture, 0, 1000)->connection;
    connection_request_began(connection);
    assert_false(connection_is_last(connection, 1000));
    assert_false(connection_is_last(connection, 75999));
    assert_true(connection_is_last(connection, 76000)); /* three quarters of its age */
    connection_request_began(connection);
    assert_true(connection_is_last(connection, 1000));
    connection_request_ended(connection);
    connection_request_ended(connection);
    struct connection *other = &connect_at(fixture, 0, 1000)->connection;
    fixture->workers[0].draining = true;
    assert_true(connection_is_last(other, 1000));
}

static void octets_are_accounted_for_by_requests(void **state)
{
    struct fixture *fixture = *state;
    struct end *end = connect_at(fixture, 0, 1000);
    int64_t allowed = CONNECTION_SLACK_OCTETS + limits.header_octets;
    assert_true(connection_received(&end->connection, allowed));
    connection_request_began(&end->connection);
    assert_true(connection_received(&end->connection, limits.header_octets));
    connection_expects(&end->connection, 5);
    assert_true(connection_received(&end->connection, 5));
    assert_false(connection_received(&end->connection, 1));
    assert_true(is_cut(end));
    assert_int_equal(ended(fixture, END_FLOOD), 1);
    connection_request_ended(&end->connection);
}

static void an_address_has_its_share_of_connections(void **state)
{
    struct fixture *fixture = *state;
    assert_non_null(connect_at(fixture, 0, 1000));
    assert_non_null(connect_at(fixture, 1, 1000));
    assert_null(connect_at(fixture, 0, 1000));
    assert_int_equal(ended(fixture, END_ADDRESS_FULL), 1);
    leave(&fixture->ends[0]);
    assert_non_null(connect_at(fixture, 0, 1000));
}

static void an_address_has_its_share_of_memory(void **state)
{
    struct fixture *fixture = *state;
    struct end *first = connect_at(fixture, 0, 1000);
    struct end *second = connect_at(fixture, 1, 1000);
    assert_true(connection_hold(&first->connection, 40000));
    assert_true(connection_hold(&second->connection, 20000));
    assert_false(connection_hold(&second->connection, 1));
    assert_true(is_cut(second));
    assert_false(is_cut(first));
    assert_int_equal(ended(fixture, END_MEMORY), 1);
}

static void past_the_sum_an_honest_share_may_grow(void **state)
{
    struct fixture *fixture = *state;
    struct end *large = connect_at(fixture, 0, 1000);
    struct end *small = connect_at(fixture, 1, 1000);
    fixture->workers[0].limits.memory_per_address_octets = INT64_MAX;
    fixture->workers[1].limits.memory_per_address_octets = INT64_MAX;
    fixture->totals.held = limits.memory_octets; /* what others have */
    assert_true(connection_hold(&small->connection, CONNECTION_SHARE_OCTETS));
    assert_false(is_cut(small));
    assert_false(connection_hold(&large->connection, CONNECTION_SHARE_OCTETS + 1));
    assert_true(is_cut(large));
    fixture->totals.held -= limits.memory_octets;
}

/* Not those that hold nothing, whatever their age. */
static void past_the_sum_who_holds_the_most_goes(void **state)
{
    struct fixture *fixture = *state;
    struct end *idle = connect_at(fixture, 0, 1000);
    leave(connect_at(fixture, 0, 1000));
    struct end *holder = connect_at(fixture, 0, 5000);
    assert_true(connection_hold(&holder->connection, 10000));
    fixture->totals.held += limits.memory_octets;
    connections_sweep(&fixture->workers[0], 5001);
    assert_true(is_cut(holder));
    assert_false(is_cut(idle));
    assert_int_equal(ended(fixture, END_MEMORY), 1);
    fixture->totals.held -= limits.memory_octets;
}

static void nobody_makes_room_where_nobody_waits(void **state)
{
    struct fixture *fixture = *state;
    struct end *end = connect_at(fixture, 0, 1000);
    connections_sweep(&fixture->workers[0], 5000);
    assert_false(is_cut(end));
}

static void where_somebody_waits_the_oldest_idle_one_goes(void **state)
{
    struct fixture *fixture = *state;
    struct end *busy = connect_at(fixture, 0, 1000);
    tell(busy, 0, 0, true, 1000);
    struct end *idle = connect_at(fixture, 0, 1500);
    fixture->totals.paused = 1;
    connections_sweep(&fixture->workers[0], 2499);
    assert_false(is_cut(idle)); /* too young */
    connections_sweep(&fixture->workers[0], 2500);
    assert_true(is_cut(idle));
    assert_false(is_cut(busy));
}

static void who_does_not_read_goes_first_on_every_worker(void **state)
{
    struct fixture *fixture = *state;
    struct end *idle = connect_at(fixture, 0, 1000);
    struct end *greedy = connect_at(fixture, 1, 1500);
    tell(greedy, 0, 1500, true, 1500);
    connections_sweep(&fixture->workers[1], 3600);
    assert_false(is_cut(greedy));
    fixture->totals.paused = 1; /* on worker 0 */
    connections_sweep(&fixture->workers[0], 3700);
    assert_false(is_cut(idle)); /* since another worker has one who does not read */
    connections_sweep(&fixture->workers[1], 3800);
    assert_true(is_cut(greedy));
    assert_int_equal(ended(fixture, END_ROOM), 1);
    /* With it gone, the idle ones are next. */
    connections_sweep(&fixture->workers[1], 4050);
    connections_sweep(&fixture->workers[0], 4100);
    assert_true(is_cut(idle));
}

static void where_nobody_is_idle_the_oldest_goes(void **state)
{
    struct fixture *fixture = *state;
    struct end *first = connect_at(fixture, 0, 1000);
    struct end *second = connect_at(fixture, 0, 1500);
    tell(first, 0, 2900, true, 2900); /* always about to be answered */
    tell(second, 0, 2900, true, 2900);
    fixture->totals.paused = 1;
    connections_sweep(&fixture->workers[0], 2999);
    assert_false(is_cut(first));
    connections_sweep(&fixture->workers[0], 3000);
    assert_true(is_cut(first));
    assert_false(is_cut(second));
}

static void the_name_of_the_handshake_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct connection *connection = &connect_at(fixture, 0, 1000)->connection;
    connection_named(connection, BYTES("mta-sts.example.org"));
    assert_string_equal(connection->name.text, "mta-sts.example.org");
    connection_named(connection, BYTES("a.b"));
    assert_string_equal(connection->name.text, "a.b");
    assert_int_equal(connection->name.n, 3);
    char longer[DNS_NAME_MAX + 1];
    memset(longer, 'a', sizeof(longer));
    connection_named(connection, (struct bytes){longer, sizeof(longer)});
    assert_int_equal(connection->name.n, 0);
}

static void a_proxys_heads_may_be_longer(void **state)
{
    struct fixture *fixture = *state;
    struct connection *connection = &connect_at(fixture, 0, 1000)->connection;
    assert_int_equal(connection_header_octets(connection), limits.header_octets);
    connection->kind = LISTENER_HTTP;
    assert_int_equal(connection_header_octets(connection), limits.header_octets);
    connection->kind = LISTENER_PLAIN;
    assert_int_equal(connection_header_octets(connection), limits.header_plain_octets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(who_is_over_time_hears_goodbye_and_is_cut),
        TEST(it_is_idle_since_the_last_of_its_facts_ended),
        TEST(who_leaves_does_not_return),
        TEST(the_last_request_is_known),
        TEST(octets_are_accounted_for_by_requests),
        TEST(an_address_has_its_share_of_connections),
        TEST(an_address_has_its_share_of_memory),
        TEST(past_the_sum_an_honest_share_may_grow),
        TEST(past_the_sum_who_holds_the_most_goes),
        TEST(nobody_makes_room_where_nobody_waits),
        TEST(where_somebody_waits_the_oldest_idle_one_goes),
        TEST(who_does_not_read_goes_first_on_every_worker),
        TEST(where_nobody_is_idle_the_oldest_goes),
        TEST(the_name_of_the_handshake_is_kept),
        TEST(a_proxys_heads_may_be_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
