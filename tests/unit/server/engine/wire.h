/* A connection without a socket, for tests and fuzz targets of the two protocols: limits, a clock
 * and answers of its own, and a stand-in for the channel that runs the protocol as channel.c does.
 *
 *     struct wire wire;
 *     wire_open(&wire, WIRE_HTTP1);
 *     wire_feed(&wire, BYTES("GET / HTTP/1.1\r\n…"));    … wire.sent, wire.next
 *     wire_close(&wire);                                  … all that was held was given back
 *
 * What it answers goes by the path's beginning:
 *
 *     /400    400, and no more
 *     /304    304, without content
 *     /large  200 with WIRE_LARGE octets
 *     /take   takes the body, at most WIRE_BODY_MAX octets, and answers when wire_answer is called
 *     /now    the same, and answers as soon as it is whole
 *     /early  the same, and answers when it begins
 *     else    200 with the path and a line end */
#ifndef TESTS_ENGINE_WIRE_H
#define TESTS_ENGINE_WIRE_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/engine/connections.h"
#include "server/engine/http1.h"
#include "server/engine/http2.h"

enum {
    WIRE_LARGE = 100000,
    WIRE_BODY_MAX = 2000,
    WIRE_TAKINGS = 64, /* bodies of one connection that are looked at */
    WIRE_START_MS = 1000,
};

enum wire_speaks { WIRE_HTTP1, WIRE_HTTP2 };

/* A body as its taker sees it. */
struct wire_taking {
    struct http_reply reply;
    struct buffer body;
    size_t pieces;
    bool is_open; /* neither of the next two */
    bool is_complete;
    bool is_abandoned;
    bool is_answered;
    bool at_once;
};

struct wire {
    struct connection_totals totals;
    struct connections connections;
    struct connection connection;
    struct http_date date;
    struct exchange exchange;
    struct http2_library *library;
    struct protocol *protocol; /* NULL: freed */
    struct buffer input;       /* came in, not yet taken */
    struct buffer sent;        /* all that was put out */
    enum protocol_next next;   /* what the last run said */
    size_t most_out;           /* of one go */
    unsigned most_under_way;   /* after a run */
    /* Instead of wire_run where the protocol is to be run again; NULL: that. */
    void (*on_woken)(struct wire *wire);
    int log;         /* the access log's file */
    size_t wakes;    /* of the desk, by any thread */
    size_t goodbyes; /* of connections_sweep */
    struct wire_taking takings[WIRE_TAKINGS];
    size_t taken;
};

static inline void wire_require(bool holds, const char *what, int line)
{
    if (!holds) {
        (void)fprintf(stderr, "wire.h:%d: not so: %s\n", line, what);
        abort();
    }
}
#define WIRE_REQUIRE(condition) wire_require((condition), #condition, __LINE__)

/* The exchange's clock has no context: a process has one wire at a time. */
static inline int64_t *wire_clock(void)
{
    static int64_t now_ms = WIRE_START_MS;
    return &now_ms;
}

static inline int64_t wire_now_ms(void)
{
    return *wire_clock();
}

/* --- Bodies --- */

static inline void wire_answer(struct wire_taking *taking, int status)
{
    struct http_answer answer;
    char *text = memory_printf("took %.*s\n", BYTES_ARG(buffer_bytes(&taking->body)));
    http_answer_owned_text(&answer, status, text, strlen(text));
    taking->is_answered = true;
    http_reply_send(taking->reply, &answer);
}

static inline struct wire_taking *wire_next_taking(struct wire *wire, struct http_reply reply)
{
    struct wire_taking *taking = &wire->takings[wire->taken++ % WIRE_TAKINGS];
    while (taking->is_open) { /* more than there are streams: one is free */
        taking = &wire->takings[wire->taken++ % WIRE_TAKINGS];
    }
    buffer_clear(&taking->body);
    *taking = (struct wire_taking){.reply = reply, .is_open = true, .body = BUFFER(WIRE_BODY_MAX)};
    return taking;
}

static inline void *wire_open_taking(void *context, struct http_reply reply)
{
    return wire_next_taking(context, reply);
}

static inline void *wire_open_taking_now(void *context, struct http_reply reply)
{
    struct wire_taking *taking = wire_next_taking(context, reply);
    taking->at_once = true;
    return taking;
}

static inline void *wire_open_taking_early(void *context, struct http_reply reply)
{
    struct wire_taking *taking = wire_next_taking(context, reply);
    wire_answer(taking, 202);
    return taking;
}

static inline void wire_piece(void *context, struct bytes octets)
{
    struct wire_taking *taking = context;
    WIRE_REQUIRE(!taking->is_complete && !taking->is_abandoned);
    buffer_add(&taking->body, octets);
    taking->pieces++;
}

static inline void wire_complete(void *context)
{
    struct wire_taking *taking = context;
    WIRE_REQUIRE(!taking->is_complete && !taking->is_abandoned && !taking->body.overflow);
    taking->is_complete = true;
    taking->is_open = false;
    if (taking->at_once) {
        wire_answer(taking, 202);
    }
}

static inline void wire_abandon(void *context)
{
    struct wire_taking *taking = context;
    WIRE_REQUIRE(!taking->is_complete && !taking->is_abandoned);
    taking->is_abandoned = true;
    taking->is_open = false;
}

/* --- Answers --- */

static inline void wire_answer_head(const void *context, const struct http_request *request,
                                    struct http_answer *ret_answer)
{
    static const struct http_body_taker takers[] = {
        {WIRE_BODY_MAX, wire_open_taking, wire_piece, wire_complete, wire_abandon},
        {WIRE_BODY_MAX, wire_open_taking_now, wire_piece, wire_complete, wire_abandon},
        {WIRE_BODY_MAX, wire_open_taking_early, wire_piece, wire_complete, wire_abandon},
    };
    static const struct bytes takes[] = {{"/take", 5}, {"/now", 4}, {"/early", 6}};
    void *wire = (void *)(uintptr_t)context;
    struct bytes path = request->target;
    for (size_t i = 0; i < ARRAY_LENGTH(takes); i++) {
        if (bytes_starts_with(path, takes[i])) {
            *ret_answer = (struct http_answer){.taker = &takers[i], .taker_context = wire};
            return;
        }
    }
    if (bytes_starts_with(path, BYTES("/400"))) {
        http_answer_text(ret_answer, 400, BYTES("No.\n"));
    } else if (bytes_starts_with(path, BYTES("/304"))) {
        *ret_answer = (struct http_answer){.status = 304};
        http_answer_field(ret_answer, BYTES("etag"), BYTES("\"x\""));
    } else if (bytes_starts_with(path, BYTES("/large"))) {
        char *body = memory_alloc(WIRE_LARGE);
        memset(body, 'x', WIRE_LARGE);
        http_answer_owned_text(ret_answer, 200, body, WIRE_LARGE);
    } else {
        char *body = memory_alloc(path.n + 1);
        memcpy(body, path.n != 0 ? path.p : "", path.n);
        body[path.n] = '\n';
        http_answer_owned_text(ret_answer, 200, body, path.n + 1);
    }
}

/* --- The channel's stand-in --- */

static inline void wire_on_goodbye(struct connection *connection)
{
    struct wire *wire =
        (struct wire *)(void *)((char *)connection - offsetof(struct wire, connection));
    wire->goodbyes++;
}

static inline void wire_on_wake(void *context)
{
    ((struct wire *)context)->wakes++;
}

/* One go, as run_protocol of channel.c: until the protocol wants more input or has put out enough.
 * How much it put out. */
static inline size_t wire_go(struct wire *wire)
{
    CLEANUP(buffer_clear) struct buffer out = BUFFER(PROTOCOL_OUT_CAP);
    struct bytes input = buffer_bytes(&wire->input);
    size_t taken = 0;
    do {
        wire->next = wire->protocol->kind->run(wire->protocol, input, &taken, &out);
        WIRE_REQUIRE(taken <= input.n);
        input = bytes_skip(input, taken);
        if (wire->connection.under_way > wire->most_under_way) {
            wire->most_under_way = wire->connection.under_way;
        }
    } while (wire->next == PROTOCOL_GOES_ON && taken != 0 && out.n < PROTOCOL_OUT_MAX);
    if (wire->input.n != 0) {
        memmove(wire->input.p, input.p, input.n);
        wire->input.n = input.n;
    }
    WIRE_REQUIRE(!out.overflow);
    WIRE_REQUIRE(wire->connection.held >= 0);
    WIRE_REQUIRE(wire->connection.under_way <= wire->connection.requests);
    wire->most_out = out.n > wire->most_out ? out.n : wire->most_out;
    buffer_add(&wire->sent, buffer_bytes(&out));
    return out.n;
}

/* Runs until nothing more comes of it, each write being done at once. */
static inline void wire_run(struct wire *wire)
{
    while (wire_go(wire) != 0 && wire->next == PROTOCOL_GOES_ON) {
    }
}

static inline void wire_feed(struct wire *wire, struct bytes octets)
{
    buffer_add(&wire->input, octets);
    wire_run(wire);
}

static inline void wire_on_woken(void *context)
{
    struct wire *wire = context;
    (wire->on_woken != NULL ? wire->on_woken : wire_run)(wire);
}

/* What the worker does in its next turn. */
static inline void wire_deliver(struct wire *wire)
{
    desk_deliver(wire->exchange.desk);
}

/* --- The beginning and the end --- */

static const struct settings_limits WIRE_LIMITS = {
    .connections = 10,
    .connections_per_address = 10,
    .connections_per_ipv4_24 = 10,
    .connections_per_ipv6_56 = 10,
    .connections_per_ipv6_48 = 10,
    .handshakes_per_second = 1000,
    .handshake_burst = 1000,
    .requests_per_connection = 1000,
    .connection_age_ms = 600000,
    .handshake_ms = 5000,
    .request_ms = 10000,
    .idle_ms = 20000,
    .unread_ms = 2000,
    .header_octets = 2048,
    .header_plain_octets = 2048,
    .concurrent_streams = 16,
    .memory_octets = 1 << 24,
    .memory_per_address_octets = 1 << 22,
};

static inline void wire_open_connection(struct wire *wire, enum wire_speaks speaks, bool quick)
{
    struct connection *connection = &wire->connection;
    *wire_clock() = WIRE_START_MS;
    wire->totals.addresses = quick ? NULL : address_book_new();
    connections_init(&wire->connections, &wire->totals, &WIRE_LIMITS, wire_on_goodbye);
    connection->fd = -1;
    connection->kind = speaks == WIRE_HTTP2 ? LISTENER_HTTPS : LISTENER_PLAIN;
    connection->peer.ss_family = quick ? AF_UNSPEC : AF_INET;
    WIRE_REQUIRE(connections_add(&wire->connections, connection, wire_now_ms()));
    connection_named(connection, BYTES("a.example"));
    connection_opened(connection, speaks == WIRE_HTTP2, wire_now_ms());
}

/* The log's file needs a thread and a descriptor; fuzz targets do without. */
static inline void wire_open_log(struct wire *wire)
{
    struct error e;
    char path[32];
    wire->log = memfd_create("access.log", MFD_CLOEXEC);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", wire->log);
    WIRE_REQUIRE(
        access_log_open(ACCESS_LOG_COMBINED, path, 1, NULL, &wire->exchange.access_log, &e));
}

static inline void wire_open_as(struct wire *wire, enum wire_speaks speaks, bool quick)
{
    *wire = (struct wire){.log = -1, .input = BUFFER(1 << 20), .sent = BUFFER(1 << 24)};
    wire_open_connection(wire, speaks, quick);
    const struct http_answers answers = {wire_answer_head, wire};
    wire->exchange = (struct exchange){
        .answers = {answers, answers, answers},
        .desk = desk_new(wire_on_wake, wire),
        .date = &wire->date,
        .now_ms = wire_now_ms,
    };
    wire->library = speaks == WIRE_HTTP2 ? http2_library_new() : NULL;
}

static inline void wire_open(struct wire *wire, enum wire_speaks speaks)
{
    wire_open_as(wire, speaks, false);
}

/* For fuzz targets: of a client without an address, since the book of them takes megabytes. */
static inline void wire_open_quick(struct wire *wire, enum wire_speaks speaks)
{
    wire_open_as(wire, speaks, true);
}

/* Separate, so that limits can be set before. */
static inline void wire_start(struct wire *wire)
{
    wire->protocol =
        wire->library != NULL
            ? http2_new(wire->library, &wire->exchange, &wire->connection, wire_on_woken, wire)
            : http1_new(&wire->exchange, &wire->connection, wire_on_woken, wire);
}

/* Frees the protocol: the client has gone. Nothing is under way or held afterwards. */
static inline void wire_hang_up(struct wire *wire)
{
    if (wire->protocol != NULL) {
        wire->protocol->kind->free(wire->protocol);
        wire->protocol = NULL;
        WIRE_REQUIRE(wire->connection.under_way == 0);
        WIRE_REQUIRE(wire->connection.held == 0);
        WIRE_REQUIRE(wire->totals.held == 0);
    }
}

/* Every body that was begun was completed or abandoned, and answers that nobody waits for are
 * cleared. */
static inline void wire_close(struct wire *wire)
{
    wire_hang_up(wire);
    for (size_t i = 0; i < WIRE_TAKINGS; i++) {
        struct wire_taking *taking = &wire->takings[i];
        WIRE_REQUIRE(!taking->is_open);
        if (taking->reply.send != NULL && !taking->is_answered) {
            wire_answer(taking, 202);
        }
        buffer_clear(&taking->body);
    }
    desk_free(wire->exchange.desk);
    http2_library_free(wire->library);
    connections_remove(&wire->connection);
    WIRE_REQUIRE(wire->totals.current == 0);
    address_book_free(wire->totals.addresses);
    access_log_close(wire->exchange.access_log);
    if (wire->log >= 0) {
        close(wire->log);
    }
    buffer_clear(&wire->input);
    buffer_clear(&wire->sent);
}

#endif
