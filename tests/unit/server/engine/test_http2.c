/* HTTP/2 without a socket: nghttp2's client at the other end, whose octets come in pieces, and
 * whose windows open as it likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http2_client.h"

enum { USUAL_WINDOW = 65535 };

struct fixture {
    struct wire wire;
    struct http2_client client;
};

static struct fixture *open_fixture(uint32_t window)
{
    struct fixture *fixture = memory_zero(1, sizeof(*fixture));
    wire_open(&fixture->wire, WIRE_HTTP2);
    wire_open_log(&fixture->wire);
    wire_start(&fixture->wire);
    http2_client_open(&fixture->client, &fixture->wire, window);
    return fixture;
}

static int set_up(void **state)
{
    *state = open_fixture(USUAL_WINDOW);
    return 0;
}

static int set_up_closed_window(void **state)
{
    *state = open_fixture(0);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    http2_client_close(&fixture->client);
    wire_close(&fixture->wire);
    free(fixture);
    return 0;
}

static uint64_t ended(const struct fixture *fixture, enum connection_end reason)
{
    return fixture->wire.connections.counters.ended[reason];
}

static void expect_answer(struct fixture *fixture, int32_t id, int status, const char *body)
{
    struct http2_reply *reply = http2_client_reply(&fixture->client, id);
    struct bytes got = buffer_bytes(&reply->body);
    if (reply->status != status || !reply->is_closed || reply->error != NGHTTP2_NO_ERROR ||
        !bytes_equal(got, bytes_of(body)) || reply->length != (long long)strlen(body) ||
        !reply->has_date) {
        fail_msg("stream %d: status %d, length %lld, closed %d, error %u, body %.*s", id,
                 reply->status, reply->length, reply->is_closed, reply->error, BYTES_ARG(got));
    }
}

static void expect_reset(struct fixture *fixture, int32_t id, uint32_t error)
{
    struct http2_reply *reply = http2_client_reply(&fixture->client, id);
    if (!reply->is_closed || reply->error != error || reply->status != 0) {
        fail_msg("stream %d: status %d, closed %d, error %u", id, reply->status, reply->is_closed,
                 reply->error);
    }
}

/* The log's lines. */
static size_t logged(struct fixture *fixture, const char *with)
{
    static char text[1 << 16];
    size_t count = 0;
    access_log_close(fixture->wire.exchange.access_log);
    fixture->wire.exchange.access_log = NULL;
    ssize_t n = pread(fixture->wire.log, text, sizeof(text) - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    for (const char *at = text; (at = strstr(at, with)) != NULL; at++) {
        count++;
    }
    return count;
}

/* --- Answers --- */

static void ask_for_everything(struct fixture *fixture)
{
    struct http2_client *client = &fixture->client;
    int32_t small = http2_client_ask(client, "GET", "/a");
    int32_t large = http2_client_ask(client, "GET", "/large");
    int32_t head = http2_client_ask(client, "HEAD", "/large");
    int32_t unchanged = http2_client_ask(client, "GET", "/304");
    int32_t refused = http2_client_ask(client, "GET", "/400");
    http2_client_talk(client);
    expect_answer(fixture, small, 200, "/a\n");
    expect_answer(fixture, refused, 400, "No.\n");
    assert_int_equal(http2_client_reply(client, large)->body.n, WIRE_LARGE);
    assert_true(http2_client_reply(client, large)->is_closed);
    assert_int_equal(http2_client_reply(client, head)->length, WIRE_LARGE);
    assert_int_equal(http2_client_reply(client, head)->body.n, 0);
    assert_int_equal(http2_client_reply(client, unchanged)->status, 304);
    assert_int_equal(http2_client_reply(client, unchanged)->length, -1);
    assert_true(http2_client_reply(client, unchanged)->is_closed);
    assert_int_equal(fixture->wire.next, PROTOCOL_GOES_ON);
    assert_int_equal(fixture->wire.protocol->facts.unread_ms, 0);
    assert_int_equal(fixture->wire.connection.under_way, 0);
    assert_true(fixture->wire.most_out < PROTOCOL_OUT_MAX + 20000);
    assert_int_equal(logged(fixture, "HTTP/2\" "), 5);
}

static void answers_are_right_whatever_the_pieces(void **state)
{
    (void)state;
    static const struct {
        size_t up;
        size_t down;
        uint32_t window;
    } rows[] = {
        {SIZE_MAX, SIZE_MAX, USUAL_WINDOW},
        {1, SIZE_MAX, USUAL_WINDOW},
        {7, 5, USUAL_WINDOW},
        {SIZE_MAX, 1, 1000},
        {257, 100, 100},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        void *fixture = open_fixture(rows[i].window);
        ((struct fixture *)fixture)->client.up = rows[i].up;
        ((struct fixture *)fixture)->client.down = rows[i].down;
        ask_for_everything(fixture);
        (void)tear_down(&fixture);
    }
}

static void a_window_of_one_octet_is_enough(void **state)
{
    (void)state;
    void *fixture = open_fixture(1);
    struct http2_client *client = &((struct fixture *)fixture)->client;
    int32_t id = http2_client_ask(client, "GET", "/0123456789");
    http2_client_talk(client);
    expect_answer(fixture, id, 200, "/0123456789\n");
    (void)tear_down(&fixture);
}

static void limits_are_announced(void **state)
{
    struct fixture *fixture = *state;
    http2_client_talk(&fixture->client);
    nghttp2_session *session = fixture->client.session;
    assert_int_equal(
        nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
        WIRE_LIMITS.concurrent_streams);
    assert_int_equal(
        nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE),
        WIRE_LIMITS.header_octets);
}

static void settings_come_unasked(void **state)
{
    struct fixture *fixture = *state;
    wire_run(&fixture->wire);
    assert_true(fixture->wire.sent.n > 9);
    assert_int_equal(fixture->wire.sent.p[3], NGHTTP2_SETTINGS);
    assert_int_equal(fixture->wire.connection.held, 0); /* idle */
}

static void what_is_no_http2_breaks(void **state)
{
    struct fixture *fixture = *state;
    wire_feed(&fixture->wire, BYTES("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"));
    assert_int_equal(fixture->wire.next, PROTOCOL_BREAKS);
}

/* Before the client knows how many it may open. */
static void a_burst_is_answered_to_the_last(void **state)
{
    struct fixture *fixture = *state;
    int32_t ids[60];
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        ids[i] = http2_client_ask(&fixture->client, "GET", "/a");
    }
    (void)http2_client_say(&fixture->client); /* all at once */
    http2_client_talk(&fixture->client);
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        expect_answer(fixture, ids[i], 200, "/a\n");
    }
    assert_true(fixture->wire.most_under_way <= (unsigned)WIRE_LIMITS.concurrent_streams);
}

static void streams_past_those_granted_are_refused(void **state)
{
    struct fixture *fixture = *state;
    int32_t ids[20];
    fixture->wire.connections.limits.requests_per_connection = 10000;
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        ids[i] = http2_client_begin(&fixture->client, "/take");
    }
    (void)http2_client_say(&fixture->client);
    http2_client_hear(&fixture->client);
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        struct http2_reply *reply = http2_client_reply(&fixture->client, ids[i]);
        assert_int_equal(reply->is_closed, i >= (size_t)WIRE_LIMITS.concurrent_streams);
        assert_int_equal(reply->error,
                         reply->is_closed ? NGHTTP2_REFUSED_STREAM : NGHTTP2_NO_ERROR);
    }
    assert_int_equal(fixture->wire.connection.under_way, WIRE_LIMITS.concurrent_streams);
    assert_int_equal(ended(fixture, END_FAULTS), 0); /* no fault of a client's */
}

/* --- Answers that wait --- */

static void open_window(struct fixture *fixture, int32_t id, int32_t octets)
{
    nghttp2_session *client = fixture->client.session;
    assert_int_equal(nghttp2_submit_window_update(client, NGHTTP2_FLAG_NONE, id, octets), 0);
    assert_int_equal(nghttp2_submit_window_update(client, NGHTTP2_FLAG_NONE, 0, octets), 0);
    http2_client_talk(&fixture->client);
}

static void an_answer_that_waits_is_known_and_held(void **state)
{
    struct fixture *fixture = *state;
    *wire_clock() = 5000;
    int32_t id = http2_client_ask(&fixture->client, "GET", "/large");
    http2_client_talk(&fixture->client);
    assert_int_equal(http2_client_reply(&fixture->client, id)->status, 200);
    assert_int_equal(fixture->wire.protocol->facts.unread_ms, 5000);
    assert_true(fixture->wire.connection.held > WIRE_LARGE);
    *wire_clock() = 6000;
    open_window(fixture, id, WIRE_LARGE - 1);
    assert_int_equal(fixture->wire.protocol->facts.unread_ms, 5000); /* since it was there */
    open_window(fixture, id, 1);
    assert_true(http2_client_reply(&fixture->client, id)->is_closed);
    assert_int_equal(fixture->wire.protocol->facts.unread_ms, 0);
    assert_true(fixture->wire.connection.held < 8192);
    assert_true(connection_is_idle(&fixture->wire.protocol->facts));
}

static void of_answers_that_wait_the_first_counts(void **state)
{
    struct fixture *fixture = *state;
    int32_t first = http2_client_begin(&fixture->client, "/a");
    int32_t second = http2_client_ask(&fixture->client, "GET", "/b");
    *wire_clock() = 5000;
    http2_client_talk(&fixture->client);
    assert_int_equal(fixture->wire.protocol->facts.unread_ms, 5000);
    *wire_clock() = 9000; /* the older request is answered later */
    http2_client_send(&fixture->client, first, 1, true);
    http2_client_talk(&fixture->client);
    assert_int_equal(fixture->wire.protocol->facts.unread_ms, 5000);
    open_window(fixture, second, 100);
    assert_int_equal(fixture->wire.protocol->facts.unread_ms, 9000);
    open_window(fixture, first, 100);
    assert_int_equal(fixture->wire.protocol->facts.unread_ms, 0);
}

static void answers_without_content_wait_for_nothing(void **state)
{
    struct fixture *fixture = *state;
    int32_t id = http2_client_ask(&fixture->client, "HEAD", "/large");
    http2_client_talk(&fixture->client);
    assert_true(http2_client_reply(&fixture->client, id)->is_closed);
    assert_int_equal(fixture->wire.protocol->facts.unread_ms, 0);
}

static void who_lets_too_much_wait_is_cut(void **state)
{
    struct fixture *fixture = *state;
    fixture->wire.connections.limits.memory_per_address_octets = 3 * WIRE_LARGE;
    for (int i = 0; i < 3; i++) {
        (void)http2_client_ask(&fixture->client, "GET", "/large");
    }
    http2_client_talk(&fixture->client);
    assert_int_equal(fixture->wire.connection.times.phase, CONNECTION_CUT);
    assert_int_equal(ended(fixture, END_MEMORY), 1);
}

/* An answer is found at the end of the head, and waits for the body that nobody takes. */
static void an_answer_that_waits_for_a_body_is_held(void **state)
{
    struct fixture *fixture = *state;
    int32_t id = http2_client_begin(&fixture->client, "/large");
    http2_client_talk(&fixture->client);
    assert_true(fixture->wire.connection.held > WIRE_LARGE);
    (void)nghttp2_submit_rst_stream(fixture->client.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    http2_client_talk(&fixture->client);
    assert_true(fixture->wire.connection.held < 8192);
}

static void lose_interest(struct fixture *fixture, int32_t id, uint32_t code)
{
    (void)nghttp2_submit_rst_stream(fixture->client.session, NGHTTP2_FLAG_NONE, id, code);
    http2_client_talk(&fixture->client);
    assert_int_equal(fixture->wire.protocol->facts.unread_ms, 0);
    assert_int_equal(fixture->wire.connection.under_way, 0);
    assert_true(fixture->wire.connection.held < 8192);
}

/* But who gives up and asks again, over and over, has not taken its answer, whatever it calls that
 * and whatever answers without a body it takes between. */
static void a_client_may_lose_interest(void **state)
{
    static const uint32_t codes[] = {NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_CANCEL};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        int32_t id = http2_client_ask(&fixture->client, "GET", "/large");
        http2_client_talk(&fixture->client);
        assert_int_equal(fixture->wire.protocol->facts.unread_ms, WIRE_START_MS);
        *wire_clock() += 1000;
        lose_interest(fixture, id, codes[i]);
        (void)http2_client_ask(&fixture->client, "HEAD", "/a");
        http2_client_talk(&fixture->client);
    }
    int32_t next = http2_client_ask(&fixture->client, "GET", "/a");
    http2_client_talk(&fixture->client);
    assert_int_equal(fixture->wire.protocol->facts.unread_ms, WIRE_START_MS);
    open_window(fixture, next, 100);
    expect_answer(fixture, next, 200, "/a\n");
    (void)http2_client_ask(&fixture->client, "GET", "/large");
    http2_client_talk(&fixture->client);
    assert_int_equal(fixture->wire.protocol->facts.unread_ms, wire_now_ms());
}

static void what_waits_is_given_back_where_the_client_goes(void **state)
{
    struct fixture *fixture = *state;
    (void)http2_client_ask(&fixture->client, "GET", "/large");
    http2_client_talk(&fixture->client);
    wire_hang_up(&fixture->wire); /* looks itself */
    assert_int_equal(fixture->wire.totals.held, 0);
}

/* --- The end --- */

static void the_last_request_is_known_by_its_number(void **state)
{
    struct fixture *fixture = *state;
    fixture->wire.connections.limits.requests_per_connection = 2;
    int32_t first = http2_client_ask(&fixture->client, "GET", "/a");
    int32_t second = http2_client_ask(&fixture->client, "GET", "/b");
    int32_t third = http2_client_begin(&fixture->client, "/take");
    http2_client_send(&fixture->client, third, 1, true);
    http2_client_talk(&fixture->client);
    expect_answer(fixture, first, 200, "/a\n");
    expect_answer(fixture, second, 200, "/b\n");
    expect_reset(fixture, third, NGHTTP2_REFUSED_STREAM);
    assert_int_equal(fixture->client.goaway_error, NGHTTP2_NO_ERROR);
    assert_int_equal(fixture->client.last_stream, second);
    assert_int_equal(fixture->wire.next, PROTOCOL_LINGERS);
    /* What GOAWAY calls not processed was not: it may be sent again. */
    assert_int_equal(fixture->wire.taken, 0);
    assert_int_equal(fixture->wire.connection.requests, 2);
    assert_int_equal(logged(fixture, "HTTP/2\" "), 2);
}

static void say_goodbye(struct fixture *fixture)
{
    assert_true(fixture->wire.protocol->kind->goodbye(fixture->wire.protocol));
    http2_client_talk(&fixture->client);
}

static void goodbye_is_said_twice(void **state)
{
    struct fixture *fixture = *state;
    int32_t first = http2_client_ask(&fixture->client, "GET", "/a");
    http2_client_talk(&fixture->client);
    say_goodbye(fixture);
    assert_int_equal(fixture->client.goaways, 1);
    assert_int_equal(fixture->client.last_stream, INT32_MAX);
    assert_int_equal(fixture->wire.next, PROTOCOL_GOES_ON);
    /* The last word is for clients that still listen, which nghttp2's does not. */
    static const struct bytes last_word = {"\0\0\x08\x07\0\0\0\0\0"
                                           "\0\0\0\x01"
                                           "\0\0\0\0",
                                           17};
    say_goodbye(fixture);
    assert_int_equal(first, 1);
    assert_true(bytes_ends_with(buffer_bytes(&fixture->wire.sent), last_word));
    assert_int_equal(fixture->wire.next, PROTOCOL_LINGERS);
    size_t sent = fixture->wire.sent.n;
    say_goodbye(fixture); /* a sweep later */
    assert_int_equal(fixture->wire.sent.n, sent);
}

/* RFC 9113 §6.8: what was on its way when the notice was given. */
static void requests_between_two_goodbyes_are_answered(void **state)
{
    struct fixture *fixture = *state;
    http2_client_talk(&fixture->client);
    assert_true(fixture->wire.protocol->kind->goodbye(fixture->wire.protocol));
    int32_t id = http2_client_ask(&fixture->client, "GET", "/a");
    (void)http2_client_say(&fixture->client);
    http2_client_talk(&fixture->client);
    expect_answer(fixture, id, 200, "/a\n");
}

static void a_goodbye_lets_answers_be_read(void **state)
{
    struct fixture *fixture = *state;
    int32_t id = http2_client_ask(&fixture->client, "GET", "/large");
    http2_client_talk(&fixture->client);
    say_goodbye(fixture);
    say_goodbye(fixture);
    assert_int_equal(fixture->wire.next, PROTOCOL_GOES_ON);
    open_window(fixture, id, WIRE_LARGE);
    assert_int_equal(http2_client_reply(&fixture->client, id)->body.n, WIRE_LARGE);
    assert_int_equal(fixture->wire.next, PROTOCOL_LINGERS);
}

/* --- Faults --- */

static const struct {
    const char *name;
    const char *host;
    bool good;
} hosts[] = {
    {"same", "a.example", true},
    {"upper case", "A.EXAMPLE", true},
    {"with a port", "a.example:443", true},
    {"another", "b.example", false},
    {"no host", "@", false},
    {"longer", "a.example.org", false},
};

static void host_and_authority_name_one_host(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(hosts); i++) {
        int32_t id = http2_client_ask_beside(&fixture->client, "GET", "/a", hosts[i].host, false);
        http2_client_talk(&fixture->client);
        struct http2_reply *reply = http2_client_reply(&fixture->client, id);
        bool reset = reply->is_closed && reply->error == NGHTTP2_PROTOCOL_ERROR;
        if ((reply->status == 200) != hosts[i].good || reset == hosts[i].good) {
            fail_msg("%s: status %d, error %u", hosts[i].name, reply->status, reply->error);
        }
    }
}

static void host_counts_where_there_is_no_authority(void **state)
{
    struct fixture *fixture = *state;
    const nghttp2_nv fields[] = {
        http2_client_field(":method", "GET"),
        http2_client_field(":scheme", "https"),
        http2_client_field(":path", "/a"),
        http2_client_field("host", "a.example"),
    };
    int32_t id = http2_client_submit(&fixture->client, fields, ARRAY_LENGTH(fields), false);
    http2_client_talk(&fixture->client);
    expect_answer(fixture, id, 200, "/a\n");
}

static void sixteen_faults_are_the_end(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 1; i <= HTTP2_FAULTS_MAX; i++) {
        assert_int_equal(fixture->client.goaways, 0);
        assert_int_equal(fixture->wire.next, PROTOCOL_GOES_ON);
        (void)http2_client_ask_beside(&fixture->client, "GET", "/a", "b.example", false);
        http2_client_talk(&fixture->client);
    }
    assert_int_equal(fixture->client.goaways, 1);
    assert_int_equal(fixture->client.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_int_equal(fixture->wire.next, PROTOCOL_LINGERS);
    assert_int_equal(ended(fixture, END_FAULTS), 1);
    assert_int_equal(fixture->wire.connection.requests, 0);
}

/* :method GET, :scheme https, :authority a.example, :path /, x with N octets. */
static int32_t ask_with_field(struct fixture *fixture, size_t octets)
{
    CLEANUP_FREE char *value = memory_zero(octets + 1, 1);
    memset(value, 'x', octets);
    const nghttp2_nv fields[] = {
        http2_client_field(":method", "GET"),
        http2_client_field(":scheme", "https"),
        http2_client_field(":authority", "a.example"),
        http2_client_field(":path", "/"),
        http2_client_field("x", value),
    };
    int32_t id = http2_client_submit(&fixture->client, fields, ARRAY_LENGTH(fields), false);
    http2_client_talk(&fixture->client);
    return id;
}

enum { OTHER_FIELDS = (7 + 3 + 32) + (7 + 5 + 32) + (10 + 9 + 32) + (5 + 1 + 32) + (1 + 32) };

static void a_head_may_be_as_long_as_was_announced(void **state)
{
    struct fixture *fixture = *state;
    size_t room = (size_t)WIRE_LIMITS.header_octets - OTHER_FIELDS;
    expect_answer(fixture, ask_with_field(fixture, room), 200, "/\n");
    assert_int_equal(fixture->client.goaways, 0);
    (void)ask_with_field(fixture, room + 1);
    assert_int_equal(fixture->client.goaways, 1);
    assert_int_equal(fixture->client.goaway_error, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_int_equal(ended(fixture, END_HEADER), 1);
    assert_int_equal(fixture->wire.next, PROTOCOL_LINGERS);
    assert_int_equal(fixture->wire.connection.requests, 1);
}

/* --- Bodies --- */

static void a_body_that_nobody_takes_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    int32_t id = http2_client_begin(&fixture->client, "/a");
    http2_client_send(&fixture->client, id, 1000, false);
    http2_client_talk(&fixture->client);
    assert_int_equal(http2_client_reply(&fixture->client, id)->status, 0);
    http2_client_send(&fixture->client, id, 1, true);
    http2_client_talk(&fixture->client);
    expect_answer(fixture, id, 200, "/a\n");
}

/* RFC 9113 §8.1: it is answered before, and after 64 KiB RST_STREAM(NO_ERROR) follows. */
static void but_not_for_ever(void **state)
{
    struct fixture *fixture = *state;
    int32_t id = http2_client_begin(&fixture->client, "/a");
    http2_client_send(&fixture->client, id, 100000, true);
    http2_client_talk(&fixture->client);
    expect_answer(fixture, id, 200, "/a\n");
    assert_in_range(http2_client_upload(&fixture->client, id)->sent, 64 * 1024, 66 * 1024);
    assert_int_equal(ended(fixture, END_FAULTS), 0);
}

static void bodies_are_taken_several_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct wire *wire = &fixture->wire;
    int32_t ids[3];
    for (size_t i = 0; i < 3; i++) {
        ids[i] = http2_client_begin(&fixture->client, "/take");
        http2_client_send(&fixture->client, ids[i], 2 + i, false);
    }
    http2_client_talk(&fixture->client);
    assert_int_equal(wire->taken, 3);
    for (size_t i = 0; i < 3; i++) {
        http2_client_send(&fixture->client, ids[i], 1, true);
    }
    http2_client_talk(&fixture->client);
    for (size_t i = 3; i-- > 0;) { /* the last first, and another request between */
        assert_true(wire->takings[i].is_complete);
        wire_answer(&wire->takings[i], 202);
        int32_t other = http2_client_ask(&fixture->client, "GET", "/a");
        http2_client_talk(&fixture->client);
        expect_answer(fixture, other, 200, "/a\n");
        assert_int_equal(http2_client_reply(&fixture->client, ids[i])->status, 0);
        wire_deliver(wire);
        http2_client_talk(&fixture->client);
    }
    expect_answer(fixture, ids[0], 202, "took bbb\n");
    expect_answer(fixture, ids[1], 202, "took bbbb\n");
    expect_answer(fixture, ids[2], 202, "took bbbbb\n");
    assert_int_equal(logged(fixture, "\"POST /take HTTP/2\" 202 "), 3);
}

/* limits.request holds for the request that is awaited longest, whatever is asked and answered
 * beside it. */
static void a_request_that_is_awaited_is_seen(void **state)
{
    struct fixture *fixture = *state;
    const struct connection_facts *facts = &fixture->wire.protocol->facts;
    *wire_clock() = 5000;
    int32_t slow = http2_client_begin(&fixture->client, "/take");
    http2_client_talk(&fixture->client);
    assert_int_equal(facts->incomplete_ms, 5000);
    assert_false(facts->owes);
    *wire_clock() = 6000;
    int32_t younger = http2_client_begin(&fixture->client, "/a");
    int32_t other = http2_client_ask(&fixture->client, "GET", "/a");
    http2_client_send(&fixture->client, slow, 1, false);
    http2_client_talk(&fixture->client);
    expect_answer(fixture, other, 200, "/a\n");
    assert_int_equal(facts->incomplete_ms, 5000);
    http2_client_send(&fixture->client, slow, 1, true);
    http2_client_talk(&fixture->client);
    assert_int_equal(facts->incomplete_ms, 6000); /* the younger one's */
    assert_true(facts->owes);
    (void)nghttp2_submit_rst_stream(fixture->client.session, NGHTTP2_FLAG_NONE, younger,
                                    NGHTTP2_CANCEL);
    http2_client_talk(&fixture->client);
    assert_int_equal(facts->incomplete_ms, 0);
    wire_answer(&fixture->wire.takings[0], 202);
    wire_deliver(&fixture->wire);
    http2_client_talk(&fixture->client);
    assert_true(connection_is_idle(facts));
}

/* Once it is answered, a body that nobody wants is awaited anew: for limits.request at most. */
static void what_is_answered_is_to_end(void **state)
{
    struct fixture *fixture = *state;
    const struct connection_facts *facts = &fixture->wire.protocol->facts;
    int32_t id = http2_client_begin(&fixture->client, "/a");
    *wire_clock() = 7000;
    http2_client_send(&fixture->client, id, 2000, false);
    http2_client_talk(&fixture->client);
    assert_int_equal(http2_client_reply(&fixture->client, id)->status, 200);
    assert_int_equal(facts->incomplete_ms, 0);
    assert_int_equal(facts->unread_ms, 7000);
    open_window(fixture, id, 100);
    assert_int_equal(facts->incomplete_ms, 7000);
    assert_int_equal(facts->unread_ms, 0);
    http2_client_send(&fixture->client, id, 1, true);
    http2_client_talk(&fixture->client);
    assert_true(connection_is_idle(facts));
    assert_int_equal(fixture->wire.connection.under_way, 0);
}

/* The window of a body that is wanted is opened as it is taken. */
static void a_wanted_body_is_let_in_whole(void **state)
{
    struct fixture *fixture = *state;
    int32_t id = http2_client_begin(&fixture->client, "/now");
    http2_client_send(&fixture->client, id, WIRE_BODY_MAX, true);
    http2_client_talk(&fixture->client);
    wire_deliver(&fixture->wire);
    http2_client_talk(&fixture->client);
    assert_int_equal(http2_client_reply(&fixture->client, id)->status, 202);
    assert_int_equal(fixture->wire.takings[0].body.n, WIRE_BODY_MAX);
}

static void a_body_that_is_too_long_is_refused(void **state)
{
    struct fixture *fixture = *state;
    int32_t id = http2_client_begin(&fixture->client, "/now");
    http2_client_send(&fixture->client, id, 100000, true);
    http2_client_talk(&fixture->client);
    expect_answer(fixture, id, 413, "The request's body is too long.\n");
    assert_true(fixture->wire.takings[0].is_abandoned);
    int32_t next = http2_client_ask(&fixture->client, "GET", "/a");
    http2_client_talk(&fixture->client);
    expect_answer(fixture, next, 200, "/a\n"); /* the connection stays */
}

static void an_early_answer_gives_the_body_up(void **state)
{
    struct fixture *fixture = *state;
    int32_t id = http2_client_begin(&fixture->client, "/early");
    http2_client_send(&fixture->client, id, 10, false);
    http2_client_talk(&fixture->client);
    wire_deliver(&fixture->wire);
    http2_client_talk(&fixture->client);
    assert_true(fixture->wire.takings[0].is_abandoned);
    assert_int_equal(http2_client_reply(&fixture->client, id)->status, 202);
    http2_client_send(&fixture->client, id, 10, true);
    http2_client_talk(&fixture->client);
    expect_answer(fixture, id, 202, "took \n");
    assert_int_equal(fixture->wire.connection.under_way, 0);
}

static void who_resets_in_the_middle_abandons(void **state)
{
    struct fixture *fixture = *state;
    int32_t id = http2_client_begin(&fixture->client, "/take");
    http2_client_send(&fixture->client, id, 10, false);
    http2_client_talk(&fixture->client);
    (void)nghttp2_submit_rst_stream(fixture->client.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    http2_client_talk(&fixture->client);
    assert_true(fixture->wire.takings[0].is_abandoned);
    wire_answer(&fixture->wire.takings[0], 202); /* too late */
    wire_deliver(&fixture->wire);
    assert_int_equal(fixture->wire.connection.under_way, 0);
}

static void who_goes_before_the_answer_abandons_nothing(void **state)
{
    struct fixture *fixture = *state;
    int32_t id = http2_client_begin(&fixture->client, "/take");
    http2_client_send(&fixture->client, id, 10, true);
    http2_client_talk(&fixture->client);
    wire_hang_up(&fixture->wire);
    assert_true(fixture->wire.takings[0].is_complete);
    assert_false(fixture->wire.takings[0].is_abandoned);
}

static void trailers_end_a_body(void **state)
{
    struct fixture *fixture = *state;
    int32_t id = http2_client_begin(&fixture->client, "/now");
    http2_client_send(&fixture->client, id, 3, false);
    http2_client_talk(&fixture->client);
    const nghttp2_nv trailer = http2_client_field("x", "y");
    assert_int_equal(nghttp2_submit_trailer(fixture->client.session, id, &trailer, 1), 0);
    http2_client_upload(&fixture->client, id)->is_whole = true;
    (void)nghttp2_session_resume_data(fixture->client.session, id);
    http2_client_talk(&fixture->client);
    wire_deliver(&fixture->wire);
    http2_client_talk(&fixture->client);
    expect_answer(fixture, id, 202, "took bbb\n");
}

int main(void)
{
#define TEST(name)   cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define CLOSED(name) cmocka_unit_test_setup_teardown(name, set_up_closed_window, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_right_whatever_the_pieces),
        cmocka_unit_test(a_window_of_one_octet_is_enough),
        TEST(limits_are_announced),
        TEST(settings_come_unasked),
        TEST(what_is_no_http2_breaks),
        TEST(a_burst_is_answered_to_the_last),
        TEST(streams_past_those_granted_are_refused),
        CLOSED(an_answer_that_waits_is_known_and_held),
        CLOSED(of_answers_that_wait_the_first_counts),
        CLOSED(answers_without_content_wait_for_nothing),
        CLOSED(who_lets_too_much_wait_is_cut),
        TEST(an_answer_that_waits_for_a_body_is_held),
        CLOSED(a_client_may_lose_interest),
        CLOSED(what_waits_is_given_back_where_the_client_goes),
        TEST(the_last_request_is_known_by_its_number),
        TEST(goodbye_is_said_twice),
        TEST(requests_between_two_goodbyes_are_answered),
        CLOSED(a_goodbye_lets_answers_be_read),
        TEST(host_and_authority_name_one_host),
        TEST(host_counts_where_there_is_no_authority),
        TEST(sixteen_faults_are_the_end),
        TEST(a_head_may_be_as_long_as_was_announced),
        TEST(a_body_that_nobody_takes_is_waited_for),
        TEST(but_not_for_ever),
        TEST(bodies_are_taken_several_at_a_time),
        TEST(a_request_that_is_awaited_is_seen),
        CLOSED(what_is_answered_is_to_end),
        TEST(a_wanted_body_is_let_in_whole),
        TEST(a_body_that_is_too_long_is_refused),
        TEST(an_early_answer_gives_the_body_up),
        TEST(who_resets_in_the_middle_abandons),
        TEST(who_goes_before_the_answer_abandons_nothing),
        TEST(trailers_end_a_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
