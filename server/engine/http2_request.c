#include <assert.h>

#include "server/answers/target.h"
#include "server/engine/http2_parts.h"

static bool is_request(const nghttp2_frame *frame)
{
    return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

/* Of most heads all octets come at once, so one place does for all connections of a worker. */
static struct http2_head *take_place(const struct http2 *self)
{
    struct http2_library *library = self->library;
    if (library->spare != NULL && library->spare->size >= self->header_octets) {
        return TAKE(library->spare);
    }
    struct http2_head *head = memory_alloc(sizeof(*head) + self->header_octets);
    head->size = self->header_octets;
    return head;
}

void http2_forget_head(struct http2 *self)
{
    if (self->library->spare == NULL) {
        self->library->spare = self->head;
    } else {
        free(self->head);
    }
    self->head = NULL;
}

int http2_on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    (void)session;
    struct http2 *self = context;
    http2_forget_head(self);
    struct http2_head *head = self->head = take_place(self);
    *head = (struct http2_head){
        .request = {.version = 0x200},
        .stream = is_request(frame) ? frame->hd.stream_id : 0,
        .size = head->size,
    };
    return 0;
}

/* nghttp2's view is gone after the callback. There is room: the limit was looked at before. */
static struct bytes keep(struct http2_head *head, struct bytes value)
{
    char *place = head->kept + head->kept_n;
    assert(value.n <= head->size - head->kept_n);
    memcpy(place, value.p, value.n);
    head->kept_n += value.n;
    return (struct bytes){place, value.n};
}

static void keep_field(struct http2_head *head, struct bytes name, struct bytes value)
{
    struct http_request *request = &head->request;
    const struct {
        struct bytes name;
        struct bytes *place;
    } fields[] = {
        {BYTES(":method"), &request->method},        {BYTES(":path"), &request->target},
        {BYTES(":authority"), &request->authority},  {BYTES("host"), &head->host},
        {BYTES("user-agent"), &request->user_agent}, {BYTES("referer"), &request->referer},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        if (bytes_equal(name, fields[i].name)) {
            *fields[i].place = keep(head, value);
            return;
        }
    }
    if (bytes_equal(name, BYTES("if-none-match")) &&
        request->if_none_match_count < HTTP_IF_NONE_MATCH_MAX) {
        request->if_none_match[request->if_none_match_count++] = keep(head, value);
    }
}

/* NOLINTNEXTLINE(readability-function-size): nghttp2's type */
int http2_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                    size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
                    void *context)
{
    (void)session;
    (void)flags;
    struct http2 *self = context;
    struct http2_head *head = self->head;
    if (self->state >= HTTP2_FAILED || head == NULL) {
        return 0;
    }
    head->octets += name_n + value_n + HTTP_FIELD_OVERHEAD;
    if (head->octets > self->header_octets) {
        http2_fail(self, END_HEADER); /* the limit was told in SETTINGS */
    } else if (head->stream == frame->hd.stream_id) {
        keep_field(head, (struct bytes){(const char *)name, name_n},
                   (struct bytes){(const char *)value, value_n});
    }
    return 0;
}

/* RFC 9113 §8.3.1: a Host that names something else than :authority makes a request malformed. */
static bool names_two_hosts(const struct http2_head *head)
{
    struct dns_name host;
    struct dns_name authority;
    if (head->host.p == NULL || head->request.authority.p == NULL) {
        return false;
    }
    return !target_parse_host(head->host, &host) ||
           !target_parse_host(head->request.authority, &authority) ||
           !bytes_equal(dns_name_bytes(&host), dns_name_bytes(&authority));
}

static int answer_head(struct http2 *self, int32_t id)
{
    struct http2_head *head = self->head;
    if (self->state == HTTP2_CLOSING) {
        /* It came with the last one; GOAWAY, which has not gone yet, says that it may be sent again
         * elsewhere (RFC 9113 §6.8). So nothing of it is done here. */
        return nghttp2_submit_rst_stream(self->session, NGHTTP2_FLAG_NONE, id,
                                         NGHTTP2_REFUSED_STREAM);
    }
    if (names_two_hosts(head)) {
        return nghttp2_submit_rst_stream(self->session, NGHTTP2_FLAG_NONE, id,
                                         NGHTTP2_PROTOCOL_ERROR);
    }
    if (head->request.authority.p == NULL) {
        head->request.authority = head->host;
    }
    struct http2_stream *stream = http2_stream_add(self, id);
    exchange_answer(self->exchange, self->connection, &head->request, &stream->answer);
    stream->is_head = bytes_equal(head->request.method, BYTES("HEAD"));
    if (stream->answer.taker != NULL) {
        http2_stream_open_intake(stream, &head->request);
    }
    http2_stream_hold_all(stream);
    if (connection_is_last(self->connection, http2_now_ms(self))) {
        http2_close(self);
    }
    return 0;
}

/* The answer is found once the head is complete, so of a request with a body nothing need be kept.
 */
static int on_head(struct http2 *self, const nghttp2_frame *frame)
{
    int done = 0;
    if (self->head != NULL && self->head->stream == frame->hd.stream_id) {
        done = answer_head(self, frame->hd.stream_id);
    }
    http2_forget_head(self);
    return done;
}

int http2_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct http2 *self = context;
    bool is_headers = frame->hd.type == NGHTTP2_HEADERS;
    if (self->state >= HTTP2_FAILED || (!is_headers && frame->hd.type != NGHTTP2_DATA)) {
        return 0;
    }
    int done = is_headers ? on_head(self, frame) : 0;
    struct http2_stream *stream =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    bool is_complete = stream != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    return done == 0 && is_complete ? http2_stream_complete(stream) : done;
}

int http2_on_body(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *octets,
                  size_t length, void *context)
{
    (void)flags;
    (void)context;
    struct http2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    int done = stream != NULL
                   ? http2_stream_take(stream, (struct bytes){(const char *)octets, length})
                   : 0;
    return done != 0 ? done : nghttp2_session_consume_connection(session, length);
}
