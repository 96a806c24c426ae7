/* Sweeps over real sockets, at times of the test's choosing. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/connection.h"

static const struct settings_limits limits = {
    .connections = 3,
    .connections_per_address = 2,
    .requests_per_connection = 2,
    .connection_age_ms = 100000,
    .handshake_ms = 5000,
    .request_ms = 10000,
    .idle_ms = 20000,
    .header_octets = 100,
    .concurrent_streams = 2,
};

struct fixture {
    h2o_loop_t *loop;
    struct connection_totals totals;
    struct connections connections;
    int rooms;
};

static void count_room(void *context)
{
    ((struct fixture *)context)->rooms++;
}

static int set_up(void **state)
{
    struct fixture *fixture = memory_zero(1, sizeof(*fixture));
    fixture->loop = h2o_evloop_create();
    fixture->totals.addresses = address_count_new();
    connections_init(&fixture->connections, &fixture->totals, &limits);
    fixture->connections.room = count_room;
    fixture->connections.room_context = fixture;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    while (!h2o_linklist_is_empty(&fixture->connections.list)) {
        struct connection *connection =
            H2O_STRUCT_FROM_MEMBER(struct connection, link, fixture->connections.list.next);
        h2o_socket_close(connection->socket);
    }
    (void)h2o_evloop_run(fixture->loop, 0);
    h2o_evloop_destroy(fixture->loop);
    address_count_free(fixture->totals.addresses);
    free(fixture);
    return 0;
}

/* A connection accepted at ACCEPTED_MS; its other end is *RET_PEER. */
static struct connection *connect_at(struct fixture *fixture, int64_t accepted_ms, int *ret_peer)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    h2o_socket_t *socket = h2o_evloop_socket_create(fixture->loop, ends[0], 0);
    *ret_peer = ends[1];
    struct connection *connection =
        connection_add(&fixture->connections, socket, LISTENER_PLAIN, accepted_ms);
    assert_non_null(connection);
    return connection;
}

enum ending { OPEN, READING_SHUT, CUT };

/* What the peer sees. */
static enum ending ending_of(int peer)
{
    char octet = 0;
    if (recv(peer, &octet, 1, 0) == 0) {
        return CUT;
    }
    return send(peer, "", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE ? READING_SHUT : OPEN;
}

enum phase { HANDSHAKE, IDLE, RECEIVING, UNDER_WAY, ANSWERED, HTTP2_QUIET, HTTP2_UNDER_WAY };

static const struct {
    const char *name;
    enum phase phase;
    int64_t now_ms; /* accepted at 1,000,000, opened a second later */
    bool draining;
    enum ending want;
} rows[] = {
    {"handshake in time", HANDSHAKE, 1004999, false, OPEN},
    {"handshake over time", HANDSHAKE, 1005000, false, CUT},
    {"idle in time", IDLE, 1020999, false, OPEN},
    {"idle over time", IDLE, 1021000, false, READING_SHUT},
    {"request in time", RECEIVING, 1010999, false, OPEN},
    {"request over time", RECEIVING, 1011000, false, READING_SHUT},
    {"waiting for an answer", UNDER_WAY, 1099999, false, OPEN},
    {"however busy, too old", UNDER_WAY, 1100000, false, READING_SHUT},
    {"HTTP/2 quiet in time", HTTP2_QUIET, 1020999, false, OPEN},
    {"HTTP/2 quiet over time", HTTP2_QUIET, 1021000, false, READING_SHUT},
    {"HTTP/2 under way", HTTP2_UNDER_WAY, 1099999, false, OPEN},
    {"draining, handshake in time", HANDSHAKE, 1000999, true, OPEN},
    {"draining, handshake over time", HANDSHAKE, 1001000, true, CUT},
    {"draining, no request yet", IDLE, 1001999, true, OPEN},
    {"draining, still no request", IDLE, 1002000, true, READING_SHUT},
    {"draining, answered", ANSWERED, 1001001, true, READING_SHUT},
    {"draining, under way", UNDER_WAY, 1050000, true, OPEN},
};

/* Brings CONNECTION into PHASE a second after it was accepted. */
static void enter(struct connection *connection, enum phase phase)
{
    h2o_req_t req = {.http1_is_persistent = 1};
    if (phase == HANDSHAKE) {
        return;
    }
    connection_opened(connection, phase == HTTP2_QUIET || phase == HTTP2_UNDER_WAY, 1001000);
    if (phase == RECEIVING) {
        h2o_buffer_reserve(&connection->socket->input, 10);
        connection->socket->input->size = 10;
        connections_sweep(connection->owner, 1001000);
    } else if (phase == UNDER_WAY || phase == HTTP2_UNDER_WAY || phase == ANSWERED) {
        connection_request_began(connection, &req, 1001000);
    }
    if (phase == ANSWERED) {
        connection_request_ended(connection, 1001000);
    }
}

static void each_phase_has_its_time(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int peer = -1;
        struct connection *connection = connect_at(fixture, 1000000, &peer);
        enter(connection, rows[i].phase);
        fixture->connections.draining = rows[i].draining;
        connections_sweep(&fixture->connections, rows[i].now_ms);
        enum ending got = ending_of(peer);
        fixture->connections.draining = false;
        h2o_socket_close(connection->socket);
        close(peer);
        if (got != rows[i].want) {
            fail_msg("%s: %d instead of %d", rows[i].name, got, rows[i].want);
        }
    }
}

static void who_does_not_leave_is_cut(void **state)
{
    struct fixture *fixture = *state;
    int peer = -1;
    struct connection *connection = connect_at(fixture, 1000, &peer);
    connection_opened(connection, false, 1000);
    connections_sweep(&fixture->connections, 21000);
    assert_int_equal(ending_of(peer), READING_SHUT);
    connections_sweep(&fixture->connections, 21000 + CONNECTION_GRACE_MS - 1);
    assert_int_equal(ending_of(peer), READING_SHUT);
    connections_sweep(&fixture->connections, 21000 + CONNECTION_GRACE_MS);
    assert_int_equal(ending_of(peer), CUT);
    close(peer);
}

static void a_header_without_end_is_cut(void **state)
{
    struct fixture *fixture = *state;
    int peer = -1;
    struct connection *connection = connect_at(fixture, 1000, &peer);
    connection_opened(connection, false, 1000);
    h2o_buffer_reserve(&connection->socket->input, 101);
    connection->socket->input->size = 100;
    connections_sweep(&fixture->connections, 1000);
    assert_int_equal(ending_of(peer), OPEN);
    connection->socket->input->size = 101;
    connections_sweep(&fixture->connections, 1000);
    assert_int_equal(ending_of(peer), CUT);
    close(peer);
}

static void the_last_request_says_close(void **state)
{
    struct fixture *fixture = *state;
    int peer = -1;
    h2o_req_t req = {.http1_is_persistent = 1};
    struct connection *connection = connect_at(fixture, 1000, &peer);
    connection_opened(connection, false, 1000);
    connection_request_began(connection, &req, 1000);
    connection_request_ended(connection, 1000);
    assert_int_equal(req.http1_is_persistent, 1);
    connection_request_began(connection, &req, 1000);
    assert_int_equal(req.http1_is_persistent, 0);
    close(peer);

    req.http1_is_persistent = 1;
    connection = connect_at(fixture, 1000, &peer);
    connection_opened(connection, false, 1000);
    connection_request_began(connection, &req, 76000); /* three quarters of its age */
    assert_int_equal(req.http1_is_persistent, 0);
    close(peer);
}

static void an_http2_connection_has_its_requests_and_a_set_of_streams(void **state)
{
    struct fixture *fixture = *state;
    int peer = -1;
    h2o_req_t req = {.version = 0x200};
    struct connection *connection = connect_at(fixture, 1000, &peer);
    connection_opened(connection, true, 1000);
    connection_request_began(connection, &req, 1000);
    assert_int_equal(ending_of(peer), OPEN);
    for (int i = 2; i <= 4; i++) {
        connection_request_began(connection, &req, 1000);
        assert_int_equal(ending_of(peer), READING_SHUT);
    }
    connection_request_began(connection, &req, 1000);
    assert_int_equal(ending_of(peer), CUT);
    close(peer);
}

static void at_the_limit_the_oldest_make_room(void **state)
{
    struct fixture *fixture = *state;
    int peers[3];
    h2o_req_t req = {.http1_is_persistent = 1};
    struct connection *first = connect_at(fixture, 1000, &peers[0]);
    connection_opened(first, false, 1000);
    connection_request_began(first, &req, 1000);
    assert_true(connections_have_room(&fixture->connections));
    connect_at(fixture, 1500, &peers[1]);
    struct connection *third = connect_at(fixture, 2000, &peers[2]);
    assert_false(connections_have_room(&fixture->connections));

    connections_evict(&fixture->connections, 2499);
    assert_int_equal(ending_of(peers[1]), OPEN); /* too young */
    connections_evict(&fixture->connections, 3000);
    assert_int_equal(ending_of(peers[0]), OPEN); /* is being answered */
    assert_int_equal(ending_of(peers[1]), CUT);
    assert_int_equal(ending_of(peers[2]), OPEN); /* one is enough */

    h2o_socket_close(third->socket);
    assert_int_equal(fixture->rooms, 1);
    assert_true(connections_have_room(&fixture->connections));
    assert_int_equal(fixture->connections.count, 2);
    for (size_t i = 0; i < 3; i++) {
        close(peers[i]);
    }
}

static void the_name_of_the_handshake_is_kept(void **state)
{
    struct fixture *fixture = *state;
    int peer = -1;
    struct connection *connection = connect_at(fixture, 1000, &peer);
    connection_named(connection->socket, BYTES("mta-sts.example.org"), NULL);
    assert_string_equal(connection->name.text, "mta-sts.example.org");
    connection_named(connection->socket, BYTES("a.b"), NULL);
    assert_string_equal(connection->name.text, "a.b");
    assert_int_equal(connection->name.n, 3);
    char longer[DNS_NAME_MAX + 1];
    memset(longer, 'a', sizeof(longer));
    connection_named(connection->socket, (struct bytes){longer, sizeof(longer)}, NULL);
    assert_int_equal(connection->name.n, 0);
    close(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_phase_has_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_does_not_leave_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_header_without_end_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_request_says_close, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_http2_connection_has_its_requests_and_a_set_of_streams,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(at_the_limit_the_oldest_make_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_name_of_the_handshake_is_kept, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
