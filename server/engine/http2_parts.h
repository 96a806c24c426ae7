/* What the parts of HTTP/2 share: http2.c runs the session, http2_request.c reads heads and bodies,
 * http2_stream.c answers. Internal to them. */
#ifndef SERVER_ENGINE_HTTP2_PARTS_H
#define SERVER_ENGINE_HTTP2_PARTS_H

#include <nghttp2/nghttp2.h>

#include "server/engine/counted_memory.h"
#include "server/engine/http2.h"
#include "server/engine/intake.h"

struct http2_library {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    struct http2_head *spare; /* for the next head; or NULL */
};

/* One request, from the end of its head until its stream is closed. */
struct http2_stream {
    TAILQ_ENTRY(http2_stream) link;
    struct http2 *http2;
    int32_t id;
    struct http_answer answer;
    bool is_head;          /* the method is HEAD */
    int64_t incomplete_ms; /* since when the request is awaited; 0: it is whole, or answered */
    bool is_submitted;     /* its answer was handed to nghttp2 … */
    int64_t unread_ms;     /* … then; 0 once all of it is out, too */
    size_t sent;           /* of the answer's body */
    size_t received;       /* of a body that no answer takes */
    int64_t held;          /* octets */
    struct intake *intake; /* of a body that is taken; or NULL */
};

/* The head that is being received: those of HTTP/2 do not interleave. */
struct http2_head {
    struct http_request request;
    struct bytes host;
    int32_t stream; /* 0: it is none, but a trailer */
    size_t octets;  /* as the limit counts them */
    size_t size;    /* of `kept`: as many octets as the limit allows */
    size_t kept_n;
    char kept[];
};

enum http2_state {
    HTTP2_OPEN,
    HTTP2_NOTICE_GIVEN, /* the client knows that the end comes */
    HTTP2_CLOSING,      /* GOAWAY names the last stream */
    HTTP2_FAILED,       /* a fault is the end: nothing more is taken … */
    HTTP2_ENDED,        /* … and GOAWAY names it */
};

struct http2 {
    struct protocol protocol;
    const struct exchange *exchange;
    struct connection *connection;
    void (*woken)(void *woken_context);
    void *woken_context;
    nghttp2_session *session;
    struct counted_memory memory;       /* what nghttp2 has taken; … */
    int64_t base;                       /* … of an idle connection; … */
    int64_t charged;                    /* … what is beyond that is held for the connection */
    TAILQ_HEAD(, http2_stream) streams; /* oldest first */
    enum http2_state state;
    unsigned faults;
    /* So long an answer waited that the client gave up, and none with a body was taken since: who
     * gives up and asks again has not taken its answer. */
    int64_t carried_ms;
    struct http2_library *library;
    size_t header_octets;    /* the limit as SETTINGS told it: a reload does not change that */
    struct http2_head *head; /* while one is received; or NULL */
};

static inline int64_t http2_now_ms(const struct http2 *self)
{
    return self->exchange->now_ms();
}

/* --- http2_end.c --- */
/* The run ends the connection with GOAWAY(ENHANCE_YOUR_CALM); REASON is counted. */
void http2_fail(struct http2 *self, enum connection_end reason);
/* Says that no stream is served after those taken; once. */
void http2_close(struct http2 *self);

/* --- http2_stream.c --- */
/* Of the request whose head is complete; its answer is set by the caller. */
struct http2_stream *http2_stream_add(struct http2 *self, int32_t id);
/* Its stream is closed. */
void http2_stream_remove(struct http2_stream *stream);
/* What it has by now counts as held for the connection: from the end of the head on, since its
 * answer may wait for the request's body as long as for the client's permission. */
void http2_stream_hold_all(struct http2_stream *stream);
/* The answer takes the body. */
void http2_stream_open_intake(struct http2_stream *stream, const struct http_request *request);
/* Hands the answer to nghttp2, once; later calls do nothing. 0, or one of nghttp2's errors. */
int http2_stream_submit(struct http2_stream *stream);
/* All of the answer is out; MORE_MAY_COME of the request. */
void http2_stream_sent(struct http2_stream *stream, bool more_may_come);
/* OCTETS of a body came / it is whole. 0, or one of nghttp2's errors. */
int http2_stream_take(struct http2_stream *stream, struct bytes octets);
int http2_stream_complete(struct http2_stream *stream);

/* --- http2_request.c: callbacks of nghttp2; CONTEXT is a struct http2 --- */
void http2_forget_head(struct http2 *self);
int http2_on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context);
int http2_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                    size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
                    void *context);
int http2_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context);
int http2_on_body(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *octets,
                  size_t length, void *context);

#endif
