/* The other end of an HTTP/2 wire (wire.h): nghttp2's client session, which reads what the server
 * puts out and keeps what it was answered.
 *
 *     struct http2_client client;
 *     http2_client_open(&client, &wire, 65535);
 *     int32_t id = http2_client_ask(&client, "GET", "/a", NULL);
 *     http2_client_talk(&client);            … http2_client_reply(&client, id)->status */
#ifndef TESTS_ENGINE_HTTP2_CLIENT_H
#define TESTS_ENGINE_HTTP2_CLIENT_H

#include <nghttp2/nghttp2.h>

#include "wire.h"

enum { HTTP2_CLIENT_STREAMS = 256, HTTP2_CLIENT_BODY_MAX = 4 * WIRE_LARGE };

struct http2_reply {
    int status;
    long long length; /* content-length; -1: none */
    bool has_date;
    struct buffer body;
    bool is_closed;
    uint32_t error; /* where it is closed */
};

/* A request's body, as much as there is of it by now. */
struct http2_upload {
    struct buffer octets;
    size_t sent;
    bool is_whole;
};

struct http2_client {
    nghttp2_session *session;
    struct wire *wire;
    size_t read;      /* of what the server has put out */
    size_t up;        /* octets of a piece towards the server; … */
    size_t down;      /* … and back */
    unsigned goaways; /* received, and the last one's: */
    int32_t last_stream;
    uint32_t goaway_error;
    struct http2_reply replies[HTTP2_CLIENT_STREAMS];
    struct http2_upload uploads[HTTP2_CLIENT_STREAMS];
};

static inline struct http2_reply *http2_client_reply(struct http2_client *client, int32_t id)
{
    WIRE_REQUIRE(id > 0 && id / 2 < HTTP2_CLIENT_STREAMS);
    return &client->replies[id / 2];
}

static inline struct http2_upload *http2_client_upload(struct http2_client *client, int32_t id)
{
    return &client->uploads[id / 2];
}

static inline int http2_client_on_header(nghttp2_session *session, const nghttp2_frame *frame,
                                         const uint8_t *name, size_t name_n, const uint8_t *value,
                                         size_t value_n, uint8_t flags, void *context)
{
    (void)session;
    (void)flags;
    (void)value_n; /* nghttp2 ends both with a NUL */
    struct http2_reply *reply = http2_client_reply(context, frame->hd.stream_id);
    struct bytes field = {(const char *)name, name_n};
    if (bytes_equal(field, BYTES(":status"))) {
        reply->status = atoi((const char *)value);
    } else if (bytes_equal(field, BYTES("content-length"))) {
        reply->length = atoll((const char *)value);
    }
    reply->has_date |= bytes_equal(field, BYTES("date"));
    return 0;
}

static inline int http2_client_on_body(nghttp2_session *session, uint8_t flags, int32_t id,
                                       const uint8_t *octets, size_t n, void *context)
{
    (void)session;
    (void)flags;
    struct http2_reply *reply = http2_client_reply(context, id);
    buffer_add(&reply->body, (struct bytes){(const char *)octets, n});
    return 0;
}

static inline int http2_client_on_close(nghttp2_session *session, int32_t id, uint32_t error,
                                        void *context)
{
    (void)session;
    struct http2_reply *reply = http2_client_reply(context, id);
    reply->is_closed = true;
    reply->error = error;
    return 0;
}

static inline int http2_client_on_frame(nghttp2_session *session, const nghttp2_frame *frame,
                                        void *context)
{
    (void)session;
    struct http2_client *client = context;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        client->goaways++;
        client->last_stream = frame->goaway.last_stream_id;
        client->goaway_error = frame->goaway.error_code;
    }
    return 0;
}

static inline ssize_t http2_client_read_upload(nghttp2_session *session, int32_t id,
                                               uint8_t *octets, size_t length, uint32_t *flags,
                                               nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)id;
    (void)context;
    struct http2_upload *upload = source->ptr;
    struct bytes rest = bytes_skip(buffer_bytes(&upload->octets), upload->sent);
    size_t n = rest.n < length ? rest.n : length;
    memcpy(octets, rest.p, n);
    upload->sent += n;
    if (n == rest.n && upload->is_whole) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (n == 0) {
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)n;
}

/* WINDOW: how much of each answer it lets come unasked. 0: no window opens by itself. */
static inline void http2_client_open(struct http2_client *client, struct wire *wire,
                                     uint32_t window)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
    *client = (struct http2_client){.wire = wire, .up = SIZE_MAX, .down = SIZE_MAX};
    for (size_t i = 0; i < HTTP2_CLIENT_STREAMS; i++) {
        client->replies[i] =
            (struct http2_reply){.length = -1, .body = BUFFER(HTTP2_CLIENT_BODY_MAX)};
        client->uploads[i].octets = BUFFER(HTTP2_CLIENT_BODY_MAX);
    }
    WIRE_REQUIRE(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, http2_client_on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, http2_client_on_body);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, http2_client_on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, http2_client_on_frame);
    WIRE_REQUIRE(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_no_auto_window_update(option, window == 0);
    WIRE_REQUIRE(nghttp2_session_client_new2(&client->session, callbacks, client, option) == 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    WIRE_REQUIRE(nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, settings, 1) == 0);
}

static inline void http2_client_close(struct http2_client *client)
{
    nghttp2_session_del(client->session);
    for (size_t i = 0; i < HTTP2_CLIENT_STREAMS; i++) {
        buffer_clear(&client->replies[i].body);
        buffer_clear(&client->uploads[i].octets);
    }
}

/* --- Requests --- */

static inline nghttp2_nv http2_client_field(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* FIELDS come behind :path. With a body where there is a WITH_BODY: http2_client_send gives it. */
static inline int32_t http2_client_submit(struct http2_client *client, const nghttp2_nv *fields,
                                          size_t count, bool with_body)
{
    int32_t id = (int32_t)nghttp2_session_get_next_stream_id(client->session);
    nghttp2_data_provider provider = {.source.ptr = http2_client_upload(client, id),
                                      .read_callback = http2_client_read_upload};
    WIRE_REQUIRE(nghttp2_submit_request(client->session, NULL, fields, count,
                                        with_body ? &provider : NULL, NULL) == id);
    return id;
}

/* HOST: a Host field beside :authority; NULL: none. */
static inline int32_t http2_client_ask_beside(struct http2_client *client, const char *method,
                                              const char *path, const char *host, bool with_body)
{
    const nghttp2_nv fields[] = {
        http2_client_field(":method", method),
        http2_client_field(":scheme", "https"),
        http2_client_field(":authority", "a.example"),
        http2_client_field(":path", path),
        http2_client_field("host", host != NULL ? host : ""),
    };
    return http2_client_submit(client, fields, host != NULL ? 5 : 4, with_body);
}

static inline int32_t http2_client_ask(struct http2_client *client, const char *method,
                                       const char *path)
{
    return http2_client_ask_beside(client, method, path, NULL, false);
}

/* A request with a body, of which nothing is there yet. */
static inline int32_t http2_client_begin(struct http2_client *client, const char *path)
{
    return http2_client_ask_beside(client, "POST", path, NULL, true);
}

/* N more octets of its body, and whether that is all. */
static inline void http2_client_send(struct http2_client *client, int32_t id, size_t n, bool end)
{
    struct http2_upload *upload = http2_client_upload(client, id);
    for (size_t i = 0; i < n; i++) {
        buffer_add_string(&upload->octets, "b");
    }
    upload->is_whole = end;
    (void)nghttp2_session_resume_data(client->session, id);
}

/* --- Octets to and fro --- */

static inline void http2_client_hear(struct http2_client *client)
{
    struct bytes news = bytes_skip(buffer_bytes(&client->wire->sent), client->read);
    while (news.n != 0) {
        size_t n = news.n < client->down ? news.n : client->down;
        WIRE_REQUIRE(nghttp2_session_mem_recv(client->session, (const uint8_t *)news.p, n) ==
                     (ssize_t)n);
        client->read += n;
        news = bytes_skip(news, n);
    }
}

/* False: it has nothing to say. */
static inline bool http2_client_say(struct http2_client *client)
{
    const uint8_t *octets = NULL;
    CLEANUP(buffer_clear) struct buffer all = BUFFER(1 << 20);
    for (ssize_t n; (n = nghttp2_session_mem_send(client->session, &octets)) > 0;) {
        buffer_add(&all, (struct bytes){(const char *)octets, (size_t)n});
    }
    struct bytes rest = buffer_bytes(&all);
    for (; rest.n != 0 && client->wire->protocol != NULL; rest = bytes_skip(rest, client->up)) {
        wire_feed(client->wire, (struct bytes){rest.p, rest.n < client->up ? rest.n : client->up});
    }
    return all.n != 0;
}

/* Until neither has anything to say. */
static inline void http2_client_talk(struct http2_client *client)
{
    do {
        wire_run(client->wire);
        http2_client_hear(client);
    } while (http2_client_say(client));
}

#endif
