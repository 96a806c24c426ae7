/* The head of a request, whatever carried it: HTTP/1.1 (RFC 9112) or HTTP/2 (RFC 9113). Views of
 * octets that belong to the connection and are gone after the call that they are given to. */
#ifndef SERVER_ANSWERS_HTTP_REQUEST_H
#define SERVER_ANSWERS_HTTP_REQUEST_H

#include "lib/base/bytes.h"
#include "lib/dns/name.h"

enum {
    HTTP_IF_NONE_MATCH_MAX = 4,
    /* A field counts so many octets more than it has, where the limit of a head is counted: many
     * small ones are to count as what they cost (RFC 9113 §6.5.2). */
    HTTP_FIELD_OVERHEAD = 32,
};

struct http_request {
    int version; /* 0x100, 0x101, 0x200 */
    struct bytes method;
    struct bytes target;    /* the request target, or :path */
    struct bytes authority; /* Host, or :authority; p is NULL where there is none */
    struct bytes if_none_match[HTTP_IF_NONE_MATCH_MAX]; /* values of the first such fields; those */
    size_t if_none_match_count;                         /* that follow name nothing */
    struct bytes user_agent; /* these two for the access log; p may be NULL */
    struct bytes referer;
    struct bytes
        x_forwarded_for;    /* for whom a proxy asks; p may be NULL; of several lines the last */
    struct bytes forwarded; /* likewise (RFC 7239) */
    /* What the TLS handshake was made for, which the request must name too; NULL: without TLS. */
    const struct dns_name *server_name;
};

/* GET or HEAD: what only reads (RFC 9110 §9.2.1). */
static inline bool http_request_reads(const struct http_request *request)
{
    return bytes_equal(request->method, BYTES("GET")) ||
           bytes_equal(request->method, BYTES("HEAD"));
}

#endif
