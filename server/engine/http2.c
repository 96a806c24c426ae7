#include "http2.h"

#include "server/engine/http2_parts.h"

enum {
    FEED_OCTETS = 256,           /* less than twenty requests of the shortest kind */
    UNWANTED_BODY_WINDOW = 1024, /* of a body that no answer takes */
    ACKS_MAX = 100,              /* that wait to be sent */
    SETTINGS_MAX = 16,           /* entries of one frame */
    RESETS_BURST = 32,
    RESETS_PER_SECOND = 4,
    CONTINUATIONS_MAX = 16, /* the longest head that limits.header allows, in whole frames */
};

/* Of the times that are not 0, the earlier one; 0 where there is none. */
static int64_t earlier_ms(int64_t a_ms, int64_t b_ms)
{
    return a_ms == 0 || (b_ms != 0 && b_ms < a_ms) ? b_ms : a_ms;
}

/* --- What nghttp2 tells --- */

/* Streams that we have to reset are a client's fault; one that was opened before our SETTINGS
 * arrived is not. */
static void count_fault(struct http2 *self, uint32_t error)
{
    if (error != NGHTTP2_NO_ERROR && error != NGHTTP2_REFUSED_STREAM &&
        ++self->faults == HTTP2_FAULTS_MAX) {
        http2_fail(self, END_FAULTS);
    }
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    uint8_t type = frame->hd.type;
    int32_t id = frame->hd.stream_id;
    if (type == NGHTTP2_RST_STREAM) {
        count_fault(context, frame->rst_stream.error_code);
    }
    struct http2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    bool ends = (type == NGHTTP2_HEADERS || type == NGHTTP2_DATA) &&
                (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (ends && stream != NULL) {
        http2_stream_sent(stream, nghttp2_session_get_stream_remote_close(session, id) == 0);
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *context)
{
    (void)error; /* the client's own word, where it resets */
    (void)context;
    struct http2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (stream != NULL) {
        http2_stream_remove(stream);
    }
    return 0;
}

/* --- The session as a protocol --- */

/* What nghttp2 holds is looked at after each run, not at each of its allocations. False: too much.
 */
static bool charge(struct http2 *self)
{
    int64_t beyond = self->memory.octets > self->base ? self->memory.octets - self->base : 0;
    int64_t delta = beyond - self->charged;
    self->charged = beyond;
    return delta == 0 || connection_hold(self->connection, delta);
}

static bool feed(struct http2 *self, struct bytes input, size_t *ret_taken)
{
    size_t n = input.n < FEED_OCTETS ? input.n : FEED_OCTETS;
    *ret_taken = n;
    return nghttp2_session_mem_recv(self->session, (const uint8_t *)input.p, n) == (ssize_t)n;
}

static bool put_out(struct http2 *self, struct buffer *out)
{
    while (out->n < PROTOCOL_OUT_MAX) {
        const uint8_t *octets = NULL;
        ssize_t n = nghttp2_session_mem_send(self->session, &octets);
        if (n <= 0) {
            return n == 0;
        }
        buffer_add(out, (struct bytes){(const char *)octets, (size_t)n});
    }
    return true;
}

/* Puts all out, and the last word where it has failed: said here, since the session is not to be
 * ended in one of its own callbacks. */
static bool put_all_out(struct http2 *self, struct buffer *out)
{
    bool done = put_out(self, out);
    if (done && self->state == HTTP2_FAILED) {
        self->state = HTTP2_ENDED;
        done = nghttp2_session_terminate_session(self->session, NGHTTP2_ENHANCE_YOUR_CALM) == 0 &&
               put_out(self, out);
    }
    return done;
}

/* Requests do not come one after the other here, so each fact is of all streams: the time of the
 * oldest, which is not that of the first. */
static struct connection_facts look_at_streams(const struct http2 *self)
{
    struct connection_facts facts = {0};
    const struct http2_stream *stream = NULL;
    TAILQ_FOREACH (stream, &self->streams, link) {
        facts.incomplete_ms = earlier_ms(facts.incomplete_ms, stream->incomplete_ms);
        facts.unread_ms = earlier_ms(facts.unread_ms, stream->unread_ms);
        facts.owes |= stream->incomplete_ms == 0;
    }
    return facts;
}

static enum protocol_next run(struct protocol *protocol, struct bytes input, size_t *ret_taken,
                              struct buffer *out)
{
    struct http2 *self = (struct http2 *)protocol;
    *ret_taken = 0;
    if (self->state >= HTTP2_FAILED) {
        *ret_taken = input.n; /* nobody listens any more */
    } else if (input.n != 0 && !feed(self, input, ret_taken)) {
        return PROTOCOL_BREAKS;
    }
    if (!put_all_out(self, out) || !charge(self)) {
        return PROTOCOL_BREAKS;
    }
    protocol->facts = look_at_streams(self);
    if (nghttp2_session_want_read(self->session) != 0 ||
        nghttp2_session_want_write(self->session) != 0) {
        return PROTOCOL_GOES_ON;
    }
    return PROTOCOL_LINGERS;
}

static bool say_goodbye(struct protocol *protocol)
{
    struct http2 *self = (struct http2 *)protocol;
    if (self->state == HTTP2_OPEN) {
        /* RFC 9113 §6.8: requests on their way are still served; the last word comes a sweep
         * later. */
        self->state = HTTP2_NOTICE_GIVEN;
        (void)nghttp2_submit_shutdown_notice(self->session);
    } else {
        http2_close(self);
    }
    return true;
}

static void free_http2(struct protocol *protocol)
{
    struct http2 *self = (struct http2 *)protocol;
    while (!TAILQ_EMPTY(&self->streams)) {
        http2_stream_remove(TAILQ_FIRST(&self->streams));
    }
    nghttp2_session_del(self->session);
    (void)connection_hold(self->connection, -self->charged);
    http2_forget_head(self);
    free(self);
}

static void must_succeed(int result)
{
    if (result != 0) {
        abort(); /* out of memory */
    }
}

static void submit_settings(struct http2 *self)
{
    const struct settings_limits *limits = &self->connection->owner->limits;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)limits->concurrent_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UNWANTED_BODY_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)self->header_octets},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    must_succeed(nghttp2_submit_settings(self->session, NGHTTP2_FLAG_NONE, settings,
                                         ARRAY_LENGTH(settings)));
}

struct protocol *http2_new(struct http2_library *library, const struct exchange *exchange,
                           struct connection *connection, void (*woken)(void *woken_context),
                           void *woken_context)
{
    static const struct protocol_kind kind = {run, say_goodbye, free_http2};
    struct http2 *self = memory_zero(1, sizeof(*self));
    self->protocol.kind = &kind;
    self->library = library;
    self->exchange = exchange;
    self->connection = connection;
    self->woken = woken;
    self->woken_context = woken_context;
    self->header_octets = (size_t)connection_header_octets(connection);
    TAILQ_INIT(&self->streams);
    nghttp2_mem memory = {&self->memory, counted_malloc, counted_free, counted_calloc,
                          counted_realloc};
    must_succeed(nghttp2_session_server_new3(&self->session, library->callbacks, self,
                                             library->option, &memory));
    submit_settings(self);
    self->base = self->memory.octets;
    return &self->protocol;
}

struct http2_library *http2_library_new(void)
{
    struct http2_library *library = memory_zero(1, sizeof(*library));
    must_succeed(nghttp2_session_callbacks_new(&library->callbacks));
    must_succeed(nghttp2_option_new(&library->option));
    nghttp2_session_callbacks *callbacks = library->callbacks;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, http2_on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, http2_on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, http2_on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, http2_on_body);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_option *option = library->option;
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_reserved_remote_streams(option, 0);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, 0);
    nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
    nghttp2_option_set_max_settings(option, SETTINGS_MAX);
    nghttp2_option_set_stream_reset_rate_limit(option, RESETS_BURST, RESETS_PER_SECOND);
    nghttp2_option_set_max_continuations(option, CONTINUATIONS_MAX);
    return library;
}

void http2_library_free(struct http2_library *library)
{
    if (library != NULL) {
        nghttp2_session_callbacks_del(library->callbacks);
        nghttp2_option_del(library->option);
        free(library->spare);
        free(library);
    }
}
