/* A connection of HTTP/2 (tests/unit/server/engine/wire.h) under a client, a kernel, a clock and an
 * operator that do what they like: octets come in pieces and not in frames, writes are done late or
 * never, answers come later or not at all, goodbyes are said, limits change, and the end may come
 * at any moment. The protocol is run as channel.c runs it: not while a write is under way.
 *
 * The input is a program: one octet says what is done next (ACTIONS), those that follow say how.
 * Half of the programs begin with a good preface, and most actions build whole frames, so that the
 * deep parts are reached.
 *
 * Never more than the cap is put out, never more requests are under way than were granted, no
 * memory is held of less than nothing (wire_go looks); and when it is freed nothing is under way or
 * held, and every body that was begun was completed or abandoned (wire_close). */
#include <nghttp2/nghttp2.h>

#include "../unit/server/engine/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_LATE = 1 << 21, STEPS_MAX = 2000 };

struct game {
    struct wire wire;
    struct bytes program;
    bool writes;    /* a write is under way */
    bool is_over;   /* it breaks, or was cut */
    bool lingers;   /* nothing more is read */
    bool goes;      /* the protocol is being run */
    int32_t stream; /* the next one that is opened */
    int64_t granted;
};

/* Of the program, 0 where it has ended. */
static unsigned take(struct game *game)
{
    unsigned octet = game->program.n != 0 ? (unsigned char)*game->program.p : 0;
    game->program = bytes_skip(game->program, 1);
    return octet;
}

static struct bytes take_octets(struct game *game, size_t n)
{
    struct bytes taken = {game->program.p, n < game->program.n ? n : game->program.n};
    game->program = bytes_skip(game->program, n);
    return taken;
}

/* --- The channel --- */

/* As proceed() of channel.c. */
static void proceed(struct game *game)
{
    struct wire *wire = &game->wire;
    if (game->writes || game->is_over) {
        return;
    }
    WIRE_REQUIRE(!game->goes); /* nothing in it runs it again */
    game->goes = true;
    game->writes = wire_go(wire) != 0;
    game->goes = false;
    WIRE_REQUIRE(wire->connection.under_way <= game->granted);
    WIRE_REQUIRE(wire->protocol->facts.unread_ms >= 0 &&
                 wire->protocol->facts.unread_ms <= wire_now_ms());
    WIRE_REQUIRE(wire->most_out < PROTOCOL_OUT_MAX + 20000);
    game->lingers |= wire->next == PROTOCOL_LINGERS;
    if (wire->next == PROTOCOL_BREAKS || wire->connection.times.phase == CONNECTION_CUT) {
        game->is_over = true;
        wire_hang_up(wire); /* wherever this was called from */
    }
    if (wire->sent.n > OUT_LATE) {
        buffer_reset(&wire->sent);
    }
}

static void on_woken(struct wire *wire)
{
    proceed((struct game *)wire);
}

static void receive(struct game *game, struct bytes octets)
{
    struct wire *wire = &game->wire;
    if (wire->input.n + octets.n < wire->input.max && !game->lingers) {
        buffer_add(&wire->input, octets);
    }
}

/* --- Frames --- */

static void add_frame(struct game *game, unsigned type, unsigned flags, uint32_t stream,
                      struct bytes payload)
{
    const unsigned char header[9] = {
        (unsigned char)(payload.n >> 16),
        (unsigned char)(payload.n >> 8),
        (unsigned char)payload.n,
        (unsigned char)type,
        (unsigned char)flags,
        (unsigned char)(stream >> 24),
        (unsigned char)(stream >> 16),
        (unsigned char)(stream >> 8),
        (unsigned char)stream,
    };
    receive(game, (struct bytes){(const char *)header, sizeof(header)});
    receive(game, payload);
}

/* One that was opened, or nearly so. */
static uint32_t some_stream(struct game *game)
{
    unsigned back = take(game);
    int32_t stream = game->stream - 2 * (int32_t)(back & 31);
    return (uint32_t)((back & 0x80) != 0 ? stream + 1 : stream) & 0x7fffffff;
}

/* RFC 7541 §6.2.2: literal, not indexed, without Huffman. */
static void add_field(struct buffer *block, struct bytes name, struct bytes value)
{
    char lengths[2] = {(char)(name.n & 0x7f), (char)(value.n < 127 ? value.n : 127)};
    buffer_add(block, (struct bytes){"", 1}); /* the literal's NUL */
    buffer_add(block, (struct bytes){lengths, 1});
    buffer_add(block, name);
    buffer_add(block, (struct bytes){lengths + 1, 1});
    if (value.n >= 127) { /* RFC 7541 §5.1 */
        size_t rest = value.n - 127;
        while (rest >= 128) {
            char octet = (char)(0x80 | (rest & 0x7f));
            buffer_add(block, (struct bytes){&octet, 1});
            rest >>= 7;
        }
        char octet = (char)rest;
        buffer_add(block, (struct bytes){&octet, 1});
    }
    buffer_add(block, value);
}

static void add_some_field(struct game *game, struct buffer *block)
{
    static const char *const names[] = {
        "host",   "user-agent", "referer", "if-none-match",     "te",    "content-length",
        "x",      ":scheme",    "cookie",  "transfer-encoding", ":path", "connection",
        "expect", "X",          "",        ":authority"};
    static const char *const values[] = {"a.example", "b.example", "*", "\"x\"",   "0",
                                         "7",         "trailers",  "",  "chunked", "A.example:443"};
    char longer[3000];
    unsigned how = take(game);
    struct bytes value = bytes_of(values[(how >> 4) % ARRAY_LENGTH(values)]);
    if (how >= 0xf0) {
        memset(longer, 'x', sizeof(longer));
        value = (struct bytes){longer, (size_t)take(game) * 11};
    }
    add_field(block, bytes_of(names[how & 15]), value);
}

static void add_request(struct game *game, struct buffer *block)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "CONNECT"};
    static const char *const paths[] = {"/a",   "/large", "/take", "/now",
                                        "/400", "/early", "/304",  "http://b.example/"};
    unsigned how = take(game);
    add_field(block, BYTES(":method"), bytes_of(methods[how & 3]));
    add_field(block, BYTES(":scheme"), BYTES("https"));
    add_field(block, BYTES(":path"), bytes_of(paths[how >> 2 & 7]));
    if ((how & 0x80) == 0) {
        add_field(block, BYTES(":authority"), BYTES("a.example"));
    }
    for (unsigned i = how >> 5 & 3; i != 0; i--) {
        add_some_field(game, block);
    }
}

/* Perhaps in more frames than one. */
static void send_block(struct game *game, uint32_t stream, unsigned flags, struct bytes block)
{
    unsigned split = flags >> 6;
    struct bytes first = {block.p, split != 0 ? block.n / (split + 1) : block.n};
    flags &= NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS;
    add_frame(game, NGHTTP2_HEADERS, split != 0 ? flags & NGHTTP2_FLAG_END_STREAM : flags, stream,
              first);
    for (unsigned i = 1; i <= split; i++) {
        struct bytes rest = bytes_skip(block, first.n * i);
        bool is_last = i == split;
        add_frame(game, NGHTTP2_CONTINUATION, is_last ? NGHTTP2_FLAG_END_HEADERS : 0, stream,
                  is_last ? rest : (struct bytes){rest.p, first.n});
    }
}

static void ask(struct game *game)
{
    CLEANUP(buffer_clear) struct buffer block = BUFFER(1 << 16);
    unsigned flags = take(game) | NGHTTP2_FLAG_END_HEADERS;
    add_request(game, &block);
    send_block(game, (uint32_t)game->stream, flags, buffer_bytes(&block));
    game->stream += 2;
}

/* Whole, answered by its head, the most usual. */
static void ask_simply(struct game *game)
{
    CLEANUP(buffer_clear) struct buffer block = BUFFER(1 << 16);
    add_request(game, &block);
    send_block(game, (uint32_t)game->stream, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM,
               buffer_bytes(&block));
    game->stream += 2;
}

static void ask_many(struct game *game)
{
    CLEANUP(buffer_clear) struct buffer block = BUFFER(1 << 16);
    unsigned count = take(game) & 31;
    unsigned flags = take(game) & NGHTTP2_FLAG_END_STREAM;
    add_request(game, &block);
    for (; count != 0; count--) {
        send_block(game, (uint32_t)game->stream, flags | NGHTTP2_FLAG_END_HEADERS,
                   buffer_bytes(&block));
        game->stream += 2;
    }
}

/* HPACK that is the program's, where a request is open, or was, or not yet. */
static void send_any_block(struct game *game)
{
    uint32_t stream = some_stream(game);
    unsigned flags = take(game);
    send_block(game, stream, flags, take_octets(game, take(game)));
}

static void send_trailer(struct game *game)
{
    CLEANUP(buffer_clear) struct buffer block = BUFFER(1 << 16);
    uint32_t stream = some_stream(game);
    add_some_field(game, &block);
    send_block(game, stream, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM,
               buffer_bytes(&block));
}

static void send_data(struct game *game)
{
    static const char octets[16384];
    uint32_t stream = some_stream(game);
    unsigned flags = take(game);
    size_t n = (size_t)take(game) * ((flags & 0x80) != 0 ? 64 : 1);
    add_frame(game, NGHTTP2_DATA, flags & (NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_PADDED), stream,
              (struct bytes){octets, n});
}

static void send_number(struct game *game, unsigned type, uint32_t stream, uint32_t number)
{
    const char payload[4] = {(char)(number >> 24), (char)(number >> 16), (char)(number >> 8),
                             (char)number};
    add_frame(game, type, 0, stream, (struct bytes){payload, sizeof(payload)});
}

static void open_window(struct game *game)
{
    unsigned how = take(game);
    uint32_t stream = (how & 0x80) != 0 ? 0 : some_stream(game);
    send_number(game, NGHTTP2_WINDOW_UPDATE, stream, 1U << (how & 31));
}

static void reset(struct game *game)
{
    send_number(game, NGHTTP2_RST_STREAM, some_stream(game), take(game) & 15);
}

static void send_settings(struct game *game)
{
    char payload[6 * 32];
    unsigned how = take(game);
    size_t entries = (how & 0x80) != 0 ? how & 31 : 1;
    for (size_t i = 0; i < entries; i++) {
        uint32_t value = (1U << (take(game) & 31)) - (how >> 5 & 1);
        memcpy(payload + 6 * i,
               (char[]){0, (char)(1 + (how + i) % 9), (char)(value >> 24), (char)(value >> 16),
                        (char)(value >> 8), (char)value},
               6);
    }
    add_frame(game, NGHTTP2_SETTINGS, 0, 0, (struct bytes){payload, 6 * entries});
}

static void close_windows(struct game *game)
{
    const char payload[6] = {
        0, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0, 0, 0, (char)(take(game) & 3)};
    add_frame(game, NGHTTP2_SETTINGS, 0, 0, (struct bytes){payload, 6});
}

static void acknowledge(struct game *game)
{
    add_frame(game, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, (struct bytes){"", 0});
}

static void ping(struct game *game)
{
    unsigned how = take(game);
    for (unsigned i = how & 127; i != 0; i--) {
        add_frame(game, NGHTTP2_PING, how >> 7, 0, BYTES("12345678"));
    }
}

static void send_any_frame(struct game *game)
{
    unsigned type = take(game) % 14;
    unsigned flags = take(game);
    uint32_t stream = (flags & 0x40) != 0 ? 0 : some_stream(game);
    add_frame(game, type, flags, stream, take_octets(game, take(game)));
}

static void send_octets(struct game *game)
{
    receive(game, take_octets(game, take(game)));
}

/* Only part of what was to come. */
static void lose_octets(struct game *game)
{
    size_t n = take(game);
    struct buffer *input = &game->wire.input;
    input->n -= n < input->n ? n : input->n;
}

static void say_goodbye_as_client(struct game *game)
{
    add_frame(game, NGHTTP2_GOAWAY, 0, 0, BYTES("\0\0\0\0\0\0\0\0"));
}

/* --- What else happens --- */

static void finish_write(struct game *game)
{
    game->writes = false;
    proceed(game);
}

/* As channel_say_goodbye. */
static void say_goodbye(struct game *game)
{
    struct wire *wire = &game->wire;
    if (!game->lingers) {
        WIRE_REQUIRE(wire->protocol->kind->goodbye(wire->protocol));
        proceed(game);
    }
}

static void leave(struct game *game)
{
    connection_leave(&game->wire.connection, END_IDLE, wire_now_ms());
    say_goodbye(game);
}

static void drain(struct game *game)
{
    game->wire.connections.draining = true;
}

static void let_time_pass(struct game *game)
{
    *wire_clock() += (int64_t)take(game) * 100;
}

static void change_limits(struct game *game)
{
    struct settings_limits *limits = &game->wire.connections.limits;
    unsigned how = take(game);
    limits->requests_per_connection = 1 + (how & 0x7f);
    limits->header_octets = (how & 0x80) != 0 ? 64 + (int64_t)take(game) * 64 : 2048;
    limits->memory_octets = (int64_t)take(game) << 14;
    limits->concurrent_streams = 1 + (how & 7); /* for others: this one was told */
}

static void answer_later(struct game *game)
{
    struct wire *wire = &game->wire;
    size_t kept = wire->taken < WIRE_TAKINGS ? wire->taken : WIRE_TAKINGS;
    if (kept != 0) {
        struct wire_taking *taking = &wire->takings[take(game) % kept];
        if (taking->reply.send != NULL && !taking->is_answered) {
            wire_answer(taking, 202);
        }
    }
}

static void deliver(struct game *game)
{
    wire_deliver(&game->wire);
}

static void hang_up(struct game *game)
{
    game->is_over = true;
}

/* The more often a thing is to be done the more often it is here. */
static void (*const ACTIONS[])(struct game *game) = {
    ask,
    ask_simply,
    ask_many,
    ask,
    send_data,
    send_data,
    finish_write,
    finish_write,
    finish_write,
    proceed,
    proceed,
    deliver,
    answer_later,
    open_window,
    open_window,
    close_windows,
    reset,
    send_settings,
    acknowledge,
    send_trailer,
    ping,
    send_octets,
    say_goodbye,
    let_time_pass,
    leave,
    change_limits,
    drain,
    send_any_block,
    send_any_frame,
    lose_octets,
    hang_up,
    say_goodbye_as_client,
};

static void open_game(struct game *game, struct bytes program)
{
    *game = (struct game){.program = program, .stream = 1};
    wire_open_quick(&game->wire, WIRE_HTTP2);
    game->wire.on_woken = on_woken;
    unsigned how = take(game);
    game->granted = 1 + (how >> 1 & 31);
    game->wire.connections.limits.concurrent_streams = game->granted;
    game->wire.connections.limits.connection_age_ms = 100000;
    wire_start(&game->wire);
    proceed(game);
    if ((how & 1) != 0) {
        receive(game, BYTES(NGHTTP2_CLIENT_MAGIC));
        add_frame(game, NGHTTP2_SETTINGS, 0, 0, (struct bytes){"", 0});
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct game game;
    open_game(&game, (struct bytes){(const char *)data, size});
    for (int step = 0; step < STEPS_MAX && game.program.n != 0 && !game.is_over; step++) {
        ACTIONS[take(&game) % ARRAY_LENGTH(ACTIONS)](&game);
    }
    wire_close(&game.wire);
    return 0;
}
