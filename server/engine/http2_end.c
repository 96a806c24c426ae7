/* How a connection of HTTP/2 begins to end. */
#include "server/engine/http2_parts.h"

void http2_fail(struct http2 *self, enum connection_end reason)
{
    if (self->state < HTTP2_FAILED) {
        self->state = HTTP2_FAILED;
        connection_count(self->connection, reason);
    }
}

void http2_close(struct http2 *self)
{
    if (self->state < HTTP2_CLOSING) {
        self->state = HTTP2_CLOSING;
        (void)nghttp2_submit_goaway(self->session, NGHTTP2_FLAG_NONE,
                                    nghttp2_session_get_last_proc_stream_id(self->session),
                                    NGHTTP2_NO_ERROR, NULL, 0);
    }
}
