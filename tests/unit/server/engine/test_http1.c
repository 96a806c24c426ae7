/* HTTP/1.1 without a socket: what is put out for what comes in, in one piece and octet by octet;
 * bodies that are taken, and answers that come later. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire.h"

#define HOST          "Host: a.example\r\n"
#define END           "\r\n"
#define GET(path)     "GET " path " HTTP/1.1\r\n" HOST
#define POST(path, n) "POST " path " HTTP/1.1\r\n" HOST "Content-Length: " n "\r\n"
#define CLOSE         "Connection: close\r\n"

/* What is answered; the date is written DATE. */
#define HEAD(status, conn)  "HTTP/1.1 " status "\r\nDate: DATE\r\nConnection: " conn "\r\n"
#define LENGTH(n)           "Content-Length: " n "\r\n"
#define TEXT                "cache-control: no-cache\r\ncontent-type: text/plain\r\n\r\n"
#define OK(conn, n, body)   HEAD("200 OK", conn) LENGTH(n) TEXT body
#define KEPT(body)          OK("keep-alive", "3", body)
#define LAST(body)          OK("close", "3", body)
#define REFUSED(n, body)    HEAD("400 Bad Request", "close") LENGTH(n) TEXT body
#define CONTINUE            "HTTP/1.1 100 Continue\r\n\r\n"
#define TOOK(conn, n, body) HEAD("202 Accepted", conn) LENGTH(n) TEXT "took " body "\n"
#define TOO_LONG                                                                                   \
    HEAD("413 Content Too Large", "close") LENGTH("32") TEXT "The request's body is too long.\n"

#define X100                                                                                       \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                                           \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X1000 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100

static const struct {
    const char *name;
    const char *input;
    const char *want;
    enum protocol_next next;
    const char *log; /* the answers' statuses as the log has them */
} rows[] = {
    {"nothing", "", "", PROTOCOL_GOES_ON, ""},
    {"half a head", "GET / HT", "", PROTOCOL_GOES_ON, ""},
    {"request", GET("/a") END, KEPT("/a\n"), PROTOCOL_GOES_ON, "200 3 "},
    {"pipeline", GET("/a") END GET("/b") END GET("/c") END, KEPT("/a\n") KEPT("/b\n") KEPT("/c\n"),
     PROTOCOL_GOES_ON, "200 3 200 3 200 3 "},
    {"pipeline whose last is not whole", GET("/a") END GET("/b"), KEPT("/a\n"), PROTOCOL_GOES_ON,
     "200 3 "},
    {"empty lines between", END GET("/a") END END GET("/b") END, KEPT("/a\n") KEPT("/b\n"),
     PROTOCOL_GOES_ON, "200 3 200 3 "},
    {"close", GET("/a") CLOSE END, LAST("/a\n"), PROTOCOL_ENDS, "200 3 "},
    {"nothing after close", GET("/a") CLOSE END GET("/b") END, LAST("/a\n"), PROTOCOL_LINGERS,
     "200 3 "},
    {"HTTP/1.0", "GET /a HTTP/1.0\r\n" END, LAST("/a\n"), PROTOCOL_ENDS, "200 3 "},
    {"HTTP/1.0 that stays", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n" END, KEPT("/a\n"),
     PROTOCOL_GOES_ON, "200 3 "},
    {"HEAD", "HEAD /a HTTP/1.1\r\n" HOST END GET("/b") END,
     HEAD("200 OK", "keep-alive") LENGTH("3") TEXT KEPT("/b\n"), PROTOCOL_GOES_ON, "200 0 200 3 "},
    {"without content", GET("/304") END GET("/b") END,
     HEAD("304 Not Modified", "keep-alive") "etag: \"x\"\r\n\r\n" KEPT("/b\n"), PROTOCOL_GOES_ON,
     "304 0 200 3 "},
    {"400 is the last", GET("/400") END GET("/b") END,
     HEAD("400 Bad Request", "close") LENGTH("4") TEXT "No.\n", PROTOCOL_LINGERS, "400 4 "},
    {"malformed is the last", GET("/a") END "GET /b\r\n" END GET("/c") END,
     KEPT("/a\n") REFUSED("39", "The request's first line is malformed.\n"), PROTOCOL_LINGERS,
     "200 3 400 39 "},
    {"malformed HEAD", "HEAD /a HTTP/1.1\r\nHost: @\r\n" END,
     HEAD("400 Bad Request", "close") LENGTH("34") TEXT, PROTOCOL_LINGERS, "400 0 "},
    {"octets that are no HTTP", "\x16\x03\x01\n",
     REFUSED("39", "A line of the request ends without CR.\n"), PROTOCOL_LINGERS, "400 39 "},
    {"head over the limit", GET("/a") "X: " X1000 X1000,
     REFUSED("32", "The request's head is too long.\n"), PROTOCOL_LINGERS, "400 32 "},
    {"body that nobody takes", POST("/a", "39") END GET("/b") END, LAST("/a\n"), PROTOCOL_LINGERS,
     "200 3 "},
    {"body that nobody takes is not there yet", POST("/a", "39") END, LAST("/a\n"),
     PROTOCOL_LINGERS, "200 3 "},
    {"nobody asks for a body that nobody takes", POST("/a", "9") "Expect: 100-continue\r\n" END,
     LAST("/a\n"), PROTOCOL_LINGERS, "200 3 "},
    {"empty body", POST("/a", "0") END GET("/b") END, KEPT("/a\n") KEPT("/b\n"), PROTOCOL_GOES_ON,
     "200 3 200 3 "},

    {"body", POST("/now", "3") END "abc", TOOK("keep-alive", "9", "abc"), PROTOCOL_GOES_ON,
     "202 9 "},
    {"body and a request", POST("/now", "3") END "abc" GET("/b") END,
     TOOK("keep-alive", "9", "abc") KEPT("/b\n"), PROTOCOL_GOES_ON, "202 9 200 3 "},
    {"a request as a body", POST("/now", "5") END GET("/b") END,
     TOOK("keep-alive", "11", "GET /") REFUSED("39", "The request's first line is malformed.\n"),
     PROTOCOL_LINGERS, "202 11 400 39 "},
    {"body of no octets", POST("/now", "0") END GET("/b") END,
     TOOK("keep-alive", "6", "") KEPT("/b\n"), PROTOCOL_GOES_ON, "202 6 200 3 "},
    {"body without a length", "POST /now HTTP/1.1\r\n" HOST END, TOOK("keep-alive", "6", ""),
     PROTOCOL_GOES_ON, "202 6 "},
    {"body and close", POST("/now", "3") CLOSE END "abc", TOOK("close", "9", "abc"), PROTOCOL_ENDS,
     "202 9 "},
    {"body, close and more", POST("/now", "3") CLOSE END "abc" GET("/b") END,
     TOOK("close", "9", "abc"), PROTOCOL_LINGERS, "202 9 "},
    {"body that is not whole", POST("/now", "4") END "abc", "", PROTOCOL_GOES_ON, ""},
    {"100 where the body is awaited", POST("/now", "3") "Expect: 100-continue\r\n" END, CONTINUE,
     PROTOCOL_GOES_ON, ""},
    {"no 100 for HTTP/1.0",
     "POST /now HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n" END, "",
     PROTOCOL_GOES_ON, ""},
    {"no 100 for a body of no octets", POST("/now", "0") "Expect: 100-continue\r\n" END,
     TOOK("keep-alive", "6", ""), PROTOCOL_GOES_ON, "202 6 "},
    {"body that is too long", POST("/now", "3000") END X1000 X1000 X1000 GET("/b") END, TOO_LONG,
     PROTOCOL_LINGERS, "413 32 "},
    {"body that is going to be too long", POST("/now", "2001") END X1000 X1000, "",
     PROTOCOL_GOES_ON, ""},
    {"body whose last octet is too much", POST("/now", "2001") END X1000 X1000 "x", TOO_LONG,
     PROTOCOL_LINGERS, "413 32 "},
    {"an answer before the body", POST("/early", "3") END, TOOK("close", "6", ""), PROTOCOL_LINGERS,
     "202 6 "},
};

static struct wire *new_wire(void)
{
    struct wire *wire = memory_zero(1, sizeof(*wire));
    wire_open(wire, WIRE_HTTP1);
    wire_open_log(wire);
    return wire;
}

static int set_up(void **state)
{
    struct wire *wire = new_wire();
    wire_start(wire);
    *state = wire;
    return 0;
}

static int tear_down(void **state)
{
    wire_close(*state);
    free(*state);
    return 0;
}

/* What was sent, its dates written DATE. The caller frees. */
static char *said(const struct wire *wire)
{
    static const size_t date_octets = HTTP_DATE_LENGTH;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1 << 20);
    struct bytes rest = buffer_bytes(&wire->sent);
    while (rest.n != 0) {
        bool is_date = bytes_starts_with(rest, BYTES("Date: "));
        if (is_date) {
            assert_true(rest.n >= 6 + date_octets);
            assert_memory_equal(rest.p + 6 + date_octets - 4, " GMT", 4);
            buffer_add_string(&text, "Date: DATE");
        } else {
            buffer_add(&text, (struct bytes){rest.p, 1});
        }
        rest = bytes_skip(rest, is_date ? 6 + date_octets : 1);
    }
    return buffer_take(&text);
}

static void expect(const char *name, const struct wire *wire, const char *want)
{
    CLEANUP_FREE char *got = said(wire);
    if (strcmp(got, want) != 0) {
        fail_msg("%s: put out %s", name, got);
    }
}

/* Status and octets of each record. */
static char *logged(struct wire *wire)
{
    char text[8192];
    CLEANUP(buffer_clear) struct buffer list = BUFFER(8192);
    access_log_close(wire->exchange.access_log);
    wire->exchange.access_log = NULL;
    ssize_t n = pread(wire->log, text, sizeof(text) - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    for (const char *at = text; (at = strstr(at, " HTTP/1.")) != NULL; at++) {
        buffer_printf(&list, "%.*s ", (int)strcspn(at + 11, "\""), at + 11);
    }
    while (list.n != 0 && strstr(buffer_bytes(&list).p, "  ") != NULL) {
        char *blanks = strstr(list.p, "  ");
        memmove(blanks, blanks + 1, strlen(blanks));
        list.n--;
    }
    return buffer_take(&list);
}

/* A piece at a time, and what bodies are answered between. */
static void feed_in_pieces(struct wire *wire, struct bytes input, size_t piece)
{
    for (; input.n != 0; input = bytes_skip(input, piece)) {
        wire_feed(wire, (struct bytes){input.p, input.n < piece ? input.n : piece});
        wire_deliver(wire);
    }
}

static void requests_are_answered_in_turn(void **state)
{
    (void)state;
    static const size_t pieces[] = {SIZE_MAX, 1, 7};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(pieces); k++) {
            void *wire = NULL;
            (void)set_up(&wire);
            feed_in_pieces(wire, bytes_of(rows[i].input), pieces[k]);
            wire_run(wire);
            expect(rows[i].name, wire, rows[i].want);
            /* Where nothing comes after the last answer there is nothing to read away. */
            bool same = ((struct wire *)wire)->next == rows[i].next;
            if (k == 0 && !same && rows[i].next != PROTOCOL_ENDS) {
                fail_msg("%s: then %d", rows[i].name, (int)((struct wire *)wire)->next);
            }
            wire_hang_up(wire);
            CLEANUP_FREE char *log = logged(wire);
            if (strcmp(log, rows[i].log) != 0) {
                fail_msg("%s: logged %s", rows[i].name, log);
            }
            (void)tear_down(&wire);
        }
    }
}

static void a_closing_answer_ends_or_lingers(void **state)
{
    struct wire *wire = *state;
    CLEANUP(buffer_clear) struct buffer out = BUFFER(PROTOCOL_OUT_CAP);
    size_t taken = 0;
    struct bytes request = BYTES(GET("/a") CLOSE END);
    assert_int_equal(wire->protocol->kind->run(wire->protocol, request, &taken, &out),
                     PROTOCOL_ENDS);
    assert_int_equal(taken, request.n);
    /* What comes all the same is read away. */
    buffer_reset(&out);
    assert_int_equal(wire->protocol->kind->run(wire->protocol, BYTES("x"), &taken, &out),
                     PROTOCOL_LINGERS);
    assert_int_equal(taken, 1);
    assert_int_equal(out.n, 0);
}

static void the_last_request_is_known_by_its_number(void **state)
{
    struct wire *wire = *state;
    wire->connections.limits.requests_per_connection = 2;
    wire_feed(wire, BYTES(GET("/a") END GET("/b") END GET("/c") END));
    expect("limit", wire, KEPT("/a\n") LAST("/b\n"));
    assert_int_equal(wire->next, PROTOCOL_LINGERS);
    assert_int_equal(wire->connection.requests, 2);
}

static void the_last_request_may_have_a_body(void **state)
{
    struct wire *wire = *state;
    wire->connections.limits.requests_per_connection = 1;
    wire_feed(wire, BYTES(POST("/now", "1") END "x"));
    wire_deliver(wire);
    expect("limit", wire, TOOK("close", "7", "x"));
}

static void who_leaves_is_told_with_the_answer(void **state)
{
    struct wire *wire = *state;
    assert_false(wire->protocol->kind->goodbye(wire->protocol)); /* nothing to be said before */
    wire->connections.draining = true;
    wire_feed(wire, BYTES(GET("/a") END));
    expect("draining", wire, LAST("/a\n"));
}

static void facts_follow_what_comes(void **state)
{
    struct wire *wire = *state;
    const struct connection_facts *facts = &wire->protocol->facts;
    wire_feed(wire, BYTES("GET"));
    assert_int_equal(facts->incomplete_ms, WIRE_START_MS);
    *wire_clock() += 1000;
    wire_feed(wire, BYTES(" /a HTTP/1.1\r\n"));
    assert_int_equal(facts->incomplete_ms, WIRE_START_MS); /* the first octet counts */
    wire_feed(wire, BYTES(HOST END));
    assert_true(connection_is_idle(facts));
    wire_feed(wire, BYTES(POST("/take", "2") END));
    assert_int_equal(facts->incomplete_ms, WIRE_START_MS + 1000); /* the body's own time */
    assert_false(facts->owes);
    wire_feed(wire, BYTES("ab"));
    assert_int_equal(facts->incomplete_ms, 0);
    assert_true(facts->owes);
    wire_answer(&wire->takings[0], 202);
    wire_deliver(wire);
    assert_true(connection_is_idle(facts));
    assert_int_equal(wire->connection.under_way, 0);
}

static void one_go_puts_out_no_more_than_is_left_to_the_kernel(void **state)
{
    struct wire *wire = *state;
    CLEANUP(buffer_clear) struct buffer many = BUFFER(1 << 16);
    for (int i = 0; i < 20; i++) {
        buffer_add_string(&many, GET("/large") END);
    }
    buffer_add(&wire->input, buffer_bytes(&many));
    assert_true(wire_go(wire) < PROTOCOL_OUT_MAX + WIRE_LARGE + 1000);
    assert_true(wire->input.n != 0); /* the rest waits until it is written */
    wire_run(wire);
    assert_true(wire->sent.n > 20 * WIRE_LARGE);
    assert_int_equal(wire->connection.requests, 20);
}

/* --- Bodies --- */

static void a_body_comes_in_pieces(void **state)
{
    struct wire *wire = *state;
    struct wire_taking *taking = &wire->takings[0];
    wire_feed(wire, BYTES(POST("/take", "6") END "ab"));
    assert_int_equal(taking->pieces, 1);
    wire_feed(wire, BYTES("cd"));
    assert_int_equal(taking->pieces, 2);
    assert_false(taking->is_complete);
    wire_feed(wire, BYTES("ef" GET("/b") END)); /* and more, which waits */
    assert_true(taking->is_complete);
    assert_true(bytes_equal(buffer_bytes(&taking->body), BYTES("abcdef")));
    expect("not answered yet", wire, "");
    wire_feed(wire, BYTES(GET("/c") END));
    expect("nor is anything before", wire, "");
    wire_answer(taking, 202);
    expect("nor before the worker's turn", wire, "");
    wire_deliver(wire);
    expect("in turn", wire, TOOK("keep-alive", "12", "abcdef") KEPT("/b\n") KEPT("/c\n"));
}

static void who_expects_100_hears_it_before_the_body(void **state)
{
    struct wire *wire = *state;
    wire_feed(wire, BYTES(POST("/now", "2") "Expect: 100-continue\r\n" END));
    expect("100", wire, CONTINUE);
    wire_feed(wire, BYTES("ab"));
    wire_deliver(wire);
    expect("answer", wire, CONTINUE TOOK("keep-alive", "8", "ab"));
}

static void who_sends_the_body_at_once_needs_no_100(void **state)
{
    struct wire *wire = *state;
    wire_feed(wire, BYTES(POST("/now", "2") "Expect: 100-continue\r\n" END "ab"));
    wire_deliver(wire);
    expect("no 100", wire, TOOK("keep-alive", "8", "ab"));
}

static void *answer_thread(void *taking)
{
    wire_answer(taking, 202);
    return NULL;
}

static void an_answer_may_come_from_another_thread(void **state)
{
    struct wire *wire = *state;
    pthread_t thread;
    wire_feed(wire, BYTES(POST("/take", "1") END "x"));
    assert_int_equal(pthread_create(&thread, NULL, answer_thread, &wire->takings[0]), 0);
    pthread_join(thread, NULL);
    assert_int_equal(wire->wakes, 1);
    expect("not before the worker's turn", wire, "");
    wire_deliver(wire);
    expect("then", wire, TOOK("keep-alive", "7", "x"));
}

static void who_leaves_in_the_middle_abandons(void **state)
{
    struct wire *wire = *state;
    wire_feed(wire, BYTES(POST("/take", "3") END "ab"));
    wire_hang_up(wire);
    assert_true(wire->takings[0].is_abandoned);
    wire_answer(&wire->takings[0], 202); /* too late, and nobody's */
    wire_deliver(wire);
    assert_int_equal(wire->connections.counters.requests, 1);
}

static void who_leaves_before_the_answer_abandons_nothing(void **state)
{
    struct wire *wire = *state;
    wire_feed(wire, BYTES(POST("/take", "2") END "ab"));
    wire_hang_up(wire);
    assert_true(wire->takings[0].is_complete);
    assert_false(wire->takings[0].is_abandoned);
    wire_answer(&wire->takings[0], 202);
    wire_deliver(wire);
}

/* One turn of the loop may bring in more of it than CONNECTION_SLACK_OCTETS. */
static void a_body_is_expected_from_its_head_on(void **state)
{
    struct wire *wire = *state;
    int64_t allowed = wire->connection.allowed;
    wire_feed(wire, BYTES(POST("/now", "2000") END));
    assert_true(wire->connection.allowed >= allowed + WIRE_BODY_MAX);
    allowed = wire->connection.allowed;
    wire_feed(wire, BYTES(X1000 X1000));
    assert_int_equal(wire->connection.allowed, allowed);
    wire_deliver(wire);
}

/* The taker hears of it once, and what it still answers is nobody's. */
static void a_body_that_is_too_long_is_abandoned(void **state)
{
    struct wire *wire = *state;
    wire_feed(wire, BYTES(POST("/take", "3000") END X1000 X1000));
    expect("so far", wire, "");
    wire_feed(wire, BYTES("x"));
    expect("too long", wire, TOO_LONG);
    assert_true(wire->takings[0].is_abandoned);
    wire_answer(&wire->takings[0], 202);
    wire_deliver(wire);
    expect("too long", wire, TOO_LONG);
}

/* No answer can be sent before: it belongs to this body, which is not whole. */
static void an_early_answer_gives_the_body_up(void **state)
{
    struct wire *wire = *state;
    wire_feed(wire, BYTES(POST("/early", "3") END "a"));
    wire_deliver(wire);
    expect("early", wire, TOOK("close", "6", ""));
    assert_true(wire->takings[0].is_abandoned);
    assert_int_equal(wire->next, PROTOCOL_LINGERS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_in_turn),
        TEST(a_closing_answer_ends_or_lingers),
        TEST(the_last_request_is_known_by_its_number),
        TEST(the_last_request_may_have_a_body),
        TEST(who_leaves_is_told_with_the_answer),
        TEST(facts_follow_what_comes),
        TEST(one_go_puts_out_no_more_than_is_left_to_the_kernel),
        TEST(a_body_comes_in_pieces),
        TEST(who_expects_100_hears_it_before_the_body),
        TEST(who_sends_the_body_at_once_needs_no_100),
        TEST(an_answer_may_come_from_another_thread),
        TEST(who_leaves_in_the_middle_abandons),
        TEST(who_leaves_before_the_answer_abandons_nothing),
        TEST(a_body_is_expected_from_its_head_on),
        TEST(a_body_that_is_too_long_is_abandoned),
        TEST(an_early_answer_gives_the_body_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
