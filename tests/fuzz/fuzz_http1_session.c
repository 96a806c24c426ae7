/* A connection of HTTP/1.1 (tests/unit/server/engine/wire.h). Octets that are cut anywhere are
 * answered as in one piece; each request has one answer, of the length that it says; and nothing
 * follows an answer that closes. The first octet seeds the cuts, the second is the limit on
 * requests.
 */
#include "../unit/server/engine/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS_MAX = 4096 };

/* Which of the requests that were answered by their heads were HEAD. */
struct record {
    struct wire wire;
    size_t count;
    bool is_head[REQUESTS_MAX];
};

static void answer(const void *context, const struct http_request *request,
                   struct http_answer *ret_answer)
{
    struct record *record = (void *)(uintptr_t)context;
    if (record->count < REQUESTS_MAX) {
        record->is_head[record->count++] = bytes_equal(request->method, BYTES("HEAD"));
    }
    wire_answer_head(&record->wire, request, ret_answer);
}

static void open_record(struct record *record, unsigned requests)
{
    record->count = 0;
    wire_open_quick(&record->wire, WIRE_HTTP1);
    record->wire.exchange.answers[LISTENER_PLAIN] = (struct http_answers){answer, record};
    record->wire.connections.limits.requests_per_connection = requests + 1;
    wire_start(&record->wire);
}

/* Until SEED's next cut; 0 means in one piece. */
static void feed(struct wire *wire, struct bytes octets, uint32_t seed)
{
    bool whole = seed == 0;
    while (octets.n != 0) {
        seed = seed * 1664525 + 1013904223;
        size_t n = whole ? octets.n : 1 + (seed >> 16) % ((seed >> 8 & 3) != 0 ? 8 : 300);
        n = n < octets.n ? n : octets.n;
        wire_feed(wire, (struct bytes){octets.p, n});
        wire_deliver(wire);
        octets = bytes_skip(octets, n);
    }
    for (size_t wakes = SIZE_MAX; wakes != wire->wakes;) { /* an answer lets the next body in */
        wakes = wire->wakes;
        wire_deliver(wire);
        wire_run(wire);
    }
}

/* Takes off what goes by the clock, or by how much of a body is there when it is asked for. */
static void strip(struct bytes sent, struct buffer *ret_text)
{
    const struct bytes hundred = BYTES("HTTP/1.1 100 Continue\r\n\r\n");
    while (sent.n != 0) {
        if (bytes_starts_with(sent, hundred)) {
            sent = bytes_skip(sent, hundred.n);
        }
        const char *end = sent.n != 0 ? memchr(sent.p, '\n', sent.n) : NULL;
        struct bytes line = {sent.p, end != NULL ? (size_t)(end - sent.p) + 1 : sent.n};
        if (!bytes_starts_with(line, BYTES("Date: "))) {
            buffer_add(ret_text, line);
        }
        sent = bytes_skip(sent, line.n);
    }
    WIRE_REQUIRE(!ret_text->overflow);
}

/* One answer off *TEXT. */
static void take_answer(struct bytes *text, const bool *is_head, bool *ret_closes)
{
    const char *end = memmem(text->p, text->n, "\r\n\r\n", 4);
    WIRE_REQUIRE(bytes_starts_with(*text, BYTES("HTTP/1.1 ")) && end != NULL);
    struct bytes head = {text->p, (size_t)(end - text->p) + 2};
    const char *length = memmem(head.p, head.n, "\r\nContent-Length: ", 18);
    size_t n = length != NULL ? strtoul(length + 18, NULL, 10) : 0;
    *ret_closes = memmem(head.p, head.n, "\r\nConnection: close\r\n", 21) != NULL;
    *text = bytes_skip(*text, head.n + 2);
    if (is_head == NULL) { /* it was refused: HEAD or not, nothing may be behind it */
        WIRE_REQUIRE(*ret_closes && (text->n == n || text->n == 0));
        *text = (struct bytes){"", 0};
    } else if (!*is_head) {
        WIRE_REQUIRE(text->n >= n);
        *text = bytes_skip(*text, n);
    }
}

static void look_at_answers(const struct record *record, struct bytes text)
{
    bool closes = false;
    size_t answers = 0;
    while (text.n != 0) {
        WIRE_REQUIRE(!closes);
        take_answer(&text, answers < record->count ? &record->is_head[answers] : NULL, &closes);
        answers++;
    }
    const struct wire *wire = &record->wire;
    WIRE_REQUIRE(answers + wire->connection.under_way == (size_t)wire->connection.requests);
    WIRE_REQUIRE(wire->connection.under_way <= 1);
    WIRE_REQUIRE(!closes || (wire->next != PROTOCOL_GOES_ON && wire->input.n == 0));
    WIRE_REQUIRE(wire->connection.requests <= wire->connections.limits.requests_per_connection);
}

static void run(struct bytes octets, uint32_t seed, unsigned requests, struct buffer *ret_text)
{
    static struct record record;
    open_record(&record, requests);
    feed(&record.wire, octets, seed);
    strip(buffer_bytes(&record.wire.sent), ret_text);
    look_at_answers(&record, buffer_bytes(ret_text));
    wire_close(&record.wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Whether an early answer finds the body whole goes by the pieces, and is to. */
    if (size < 2 || memmem(data, size, "/early", 6) != NULL) {
        return 0;
    }
    struct bytes octets = {(const char *)data + 2, size - 2};
    CLEANUP(buffer_clear) struct buffer whole = BUFFER(1 << 24);
    CLEANUP(buffer_clear) struct buffer cut = BUFFER(1 << 24);
    run(octets, 0, data[1], &whole);
    run(octets, data[0] + 1U, data[1], &cut);
    WIRE_REQUIRE(bytes_equal(buffer_bytes(&whole), buffer_bytes(&cut)));
    return 0;
}
