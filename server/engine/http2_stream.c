#include "lib/base/clock.h"
#include "server/engine/decimal.h"
#include "server/engine/http2_parts.h"

enum {
    /* A body that no answer takes: the answer goes out though more is to come, and the rest is
     * thrown away, since some clients (curl 7.88) do not take an answer from a stream that is
     * reset. */
    UNWANTED_BODY_EARLY = 1024,
    UNWANTED_BODY_MAX = 64 * 1024,
    WANTED_BODY_WINDOW = 64 * 1024,
    FIELDS_MAX = HTTP_ANSWER_FIELDS_MAX + 3, /* :status, date, content-length */
};

static void hold(struct http2_stream *stream, int64_t octets)
{
    (void)connection_hold(stream->http2->connection, octets - stream->held);
    stream->held = octets;
}

void http2_stream_hold_all(struct http2_stream *stream)
{
    size_t intake = stream->intake != NULL ? sizeof(*stream->intake) : 0;
    size_t record =
        intake != 0 && stream->intake->record != NULL ? sizeof(*stream->intake->record) : 0;
    hold(stream, (int64_t)(sizeof(*stream) + intake + record + stream->answer.body.n));
}

struct http2_stream *http2_stream_add(struct http2 *self, int32_t id)
{
    struct http2_stream *stream = memory_alloc(sizeof(*stream));
    *stream = (struct http2_stream){.http2 = self, .id = id, .incomplete_ms = http2_now_ms(self)};
    TAILQ_INSERT_TAIL(&self->streams, stream, link);
    (void)nghttp2_session_set_stream_user_data(self->session, id, stream);
    return stream;
}

static void carry_on(struct http2 *self, const struct http2_stream *stream)
{
    int64_t waited_ms = stream->unread_ms != 0 ? http2_now_ms(self) - stream->unread_ms : 0;
    if (waited_ms > self->carried_ms) {
        self->carried_ms = waited_ms;
    } else if (stream->unread_ms == 0 && stream->sent != 0) {
        self->carried_ms = 0;
    }
}

void http2_stream_remove(struct http2_stream *stream)
{
    struct http2 *self = stream->http2;
    carry_on(self, stream);
    TAILQ_REMOVE(&self->streams, stream, link);
    hold(stream, 0);
    if (stream->intake != NULL) {
        intake_clear(stream->intake);
        free(stream->intake);
    }
    http_answer_clear(&stream->answer);
    free(stream);
    connection_request_ended(self->connection);
}

/* --- Answers --- */

/* NOLINTNEXTLINE(readability-function-size): nghttp2's type */
static ssize_t on_body(nghttp2_session *session, int32_t id, uint8_t *octets, size_t length,
                       uint32_t *flags, nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)id;
    (void)context;
    struct http2_stream *stream = source->ptr;
    struct bytes rest = bytes_skip(stream->answer.body, stream->sent);
    size_t n = rest.n < length ? rest.n : length;
    memcpy(octets, rest.p, n);
    stream->sent += n;
    if (n == rest.n) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)n;
}

static nghttp2_nv field(struct bytes name, struct bytes value)
{
    return (nghttp2_nv){(uint8_t *)name.p, (uint8_t *)value.p, name.n, value.n,
                        NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

/* Once the request is complete, or its body is longer than anyone needs. */
int http2_stream_submit(struct http2_stream *stream)
{
    struct http2 *self = stream->http2;
    const struct http_answer *answer = &stream->answer;
    nghttp2_nv fields[FIELDS_MAX];
    size_t n = 0;
    char status[DECIMAL_DIGITS_MAX];
    char length[DECIMAL_DIGITS_MAX];
    if (stream->is_submitted) {
        return 0;
    }
    stream->is_submitted = true;
    stream->incomplete_ms = 0;
    stream->unread_ms = http2_now_ms(self) - self->carried_ms;
    fields[n++] = field(BYTES(":status"), decimal((uint64_t)answer->status, status));
    fields[n++] = field(BYTES("date"), http_date_text(self->exchange->date, clock_wall_s()));
    for (size_t i = 0; i < answer->field_count; i++) {
        fields[n++] = field(answer->fields[i].name, answer->fields[i].value);
    }
    if (answer->has_content) {
        fields[n++] = field(BYTES("content-length"), decimal(answer->body.n, length));
    }
    bool has_body = answer->has_content && answer->body.n != 0 && !stream->is_head;
    nghttp2_data_provider body = {.source.ptr = stream, .read_callback = on_body};
    http2_stream_hold_all(stream);
    return nghttp2_submit_response(self->session, stream->id, fields, n, has_body ? &body : NULL);
}

/* --- Bodies --- */

static int submit_taken(struct http2_stream *stream)
{
    stream->answer = intake_take_answer(stream->intake);
    return http2_stream_submit(stream);
}

static void on_answered(void *context)
{
    struct http2_stream *stream = context;
    if (submit_taken(stream) != 0) {
        http2_fail(stream->http2, END_FAULTS);
    }
    stream->http2->woken(stream->http2->woken_context);
}

void http2_stream_open_intake(struct http2_stream *stream, const struct http_request *request)
{
    struct http2 *self = stream->http2;
    stream->intake = memory_alloc(sizeof(*stream->intake));
    *stream->intake = (struct intake){.exchange = self->exchange,
                                      .connection = self->connection,
                                      .answered = on_answered,
                                      .answered_context = stream};
    intake_open(stream->intake, request, &stream->answer);
    (void)nghttp2_session_set_local_window_size(self->session, NGHTTP2_FLAG_NONE, stream->id,
                                                WANTED_BODY_WINDOW);
}

static int throw_away(struct http2_stream *stream, size_t n)
{
    struct http2 *self = stream->http2;
    stream->received += n;
    if (stream->received > UNWANTED_BODY_MAX) {
        return nghttp2_submit_rst_stream(self->session, NGHTTP2_FLAG_NONE, stream->id,
                                         NGHTTP2_NO_ERROR);
    }
    connection_expects(self->connection, (int64_t)n);
    int done = stream->received >= UNWANTED_BODY_EARLY ? http2_stream_submit(stream) : 0;
    return done != 0 ? done : nghttp2_session_consume_stream(self->session, stream->id, n);
}

int http2_stream_take(struct http2_stream *stream, struct bytes octets)
{
    if (stream->intake == NULL || stream->intake->state != INTAKE_TAKES) {
        return throw_away(stream, octets.n);
    }
    return intake_piece(stream->intake, octets)
               ? nghttp2_session_consume_stream(stream->http2->session, stream->id, octets.n)
               : submit_taken(stream);
}

void http2_stream_sent(struct http2_stream *stream, bool more_may_come)
{
    stream->unread_ms = 0;
    if (more_may_come) {
        stream->incomplete_ms = http2_now_ms(stream->http2);
    }
}

int http2_stream_complete(struct http2_stream *stream)
{
    stream->incomplete_ms = 0;
    if (stream->intake == NULL) {
        return http2_stream_submit(stream);
    }
    if (stream->intake->state == INTAKE_TAKES) {
        intake_complete(stream->intake);
    }
    return 0;
}
