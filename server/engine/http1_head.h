/* The head of an HTTP/1.1 request (RFC 9112), read strictly: what two readers could take for two
 * different things is refused, since between us and a client there may be a proxy that reads it the
 * other way. Pure: octets in, views of them out.
 *
 *     GET /.well-known/mta-sts.txt HTTP/1.1 CRLF
 *     Host: mta-sts.example.org CRLF
 *     CRLF
 *
 * Refused, each with a text that says why:
 *     a line that does not end in CRLF                              RFC 9112 §2.2
 *     CR, NUL or another control in a line                          RFC 9110 §5.5
 *     anything but METHOD SP TARGET SP HTTP/1.x, of visible ASCII   §3
 *     white space before a field's colon                            §5.1
 *     a line that begins with it (obs-fold)                         §5.2
 *     no Host in HTTP/1.1, more than one, one that is no host       §3.2
 *     Transfer-Encoding: no answer takes a body of unknown length   §6.1
 *     more than one Content-Length, one that is not digits          §6.3
 *     more octets than the limit, where a field counts HTTP_FIELD_OVERHEAD more than it has
 */
#ifndef SERVER_ENGINE_HTTP1_HEAD_H
#define SERVER_ENGINE_HTTP1_HEAD_H

#include <stdint.h>

#include "server/answers/http_request.h"

enum http1_verdict {
    HTTP1_PARTIAL, /* more is to come */
    HTTP1_WHOLE,
    HTTP1_MALFORMED, /* to be answered with 400 and closed */
    HTTP1_TOO_LONG,  /* the same */
};

struct http1_head {
    struct http_request request; /* views into the text */
    size_t length;               /* octets of the head, the empty line included */
    uint64_t body_length;        /* Content-Length; 0 without */
    bool keeps;                  /* the client wants to go on after the answer (§9.3) */
    bool expects_continue;       /* RFC 9110 §10.1.1 */
    struct bytes problem;        /* why it is refused: static, ends in a newline */
};

/* TEXT begins with the head, after which more may stand. MAX is its limit. The request has what was
 * read until it was refused. */
enum http1_verdict http1_head_parse(struct bytes text, size_t max, struct http1_head *ret_head);

#endif
