#include "handshake_http2.h"

#include <stdint.h>
#include <string.h>

/* The preface, and SETTINGS that set nothing. */
#define OPENING "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
/* HEADERS of stream 1, END_STREAM and END_HEADERS; its length goes before. */
#define HEADERS "\1\5\0\0\0\1"
/* GET and https as indexed fields, :path as a literal that is not indexed (RFC 7541, section 6). */
#define FIELDS "\x82\x87\x04\x18/.well-known/mta-sts.txt\x01"

enum { FRAME_HEADER = 9, DATA = 0, END_STREAM = 1 };

bool handshake_http2_offer(SSL_CTX *context)
{
    return SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\2h2", 3) == 0;
}

size_t handshake_http2_request(const char *name, char *ret_request)
{
    char *end = ret_request;
    size_t name_n = strlen(name);
    size_t fields_n = sizeof(FIELDS) - 1 + 1 + name_n;
    end = (char *)memcpy(end, OPENING, sizeof(OPENING) - 1) + sizeof(OPENING) - 1;
    *end++ = 0;
    *end++ = 0;
    *end++ = (char)fields_n;
    end = (char *)memcpy(end, HEADERS, sizeof(HEADERS) - 1) + sizeof(HEADERS) - 1;
    end = (char *)memcpy(end, FIELDS, sizeof(FIELDS) - 1) + sizeof(FIELDS) - 1;
    *end++ = (char)name_n;
    return (size_t)((char *)memcpy(end, name, name_n) + name_n - ret_request);
}

/* Its header and its payload; 0 where the LEFT octets do not hold all of it. */
static size_t frame_size(const uint8_t *frame, size_t left)
{
    if (left < FRAME_HEADER) {
        return 0;
    }
    size_t size = FRAME_HEADER + ((size_t)frame[0] << 16 | (size_t)frame[1] << 8 | frame[2]);
    return size <= left ? size : 0;
}

bool handshake_http2_is_whole(const char *answer, size_t n, const char **ret_body)
{
    const uint8_t *frame = (const uint8_t *)answer, *end = frame + n;
    const char *body = NULL;
    for (size_t size = 0; (size = frame_size(frame, (size_t)(end - frame))) != 0; frame += size) {
        if (frame[3] != DATA) { /* nobody was asked for another stream than 1 */
            continue;
        }
        body = body != NULL ? body : (const char *)frame + FRAME_HEADER;
        if ((frame[4] & END_STREAM) != 0) {
            *ret_body = body;
            return true;
        }
    }
    return false;
}
