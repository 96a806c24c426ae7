/* One line of the access log: what is kept of a request, and its two forms. */
#ifndef SERVER_ENGINE_ACCESS_RECORD_H
#define SERVER_ENGINE_ACCESS_RECORD_H

#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/buffer.h"

enum {
    ACCESS_ADDRESS_MAX = 46,
    ACCESS_METHOD_MAX = 16,
    ACCESS_HOST_MAX = 253,
    ACCESS_PATH_MAX = 512,
    ACCESS_AGENT_MAX = 256,
    ACCESS_REFERER_MAX = 256,
    ACCESS_LINE_MAX = 9216, /* every octet may become six */
};

/* Fixed size, so that a ring of them needs no allocation. Longer texts are cut. */
struct access_record {
    int64_t time_ms; /* wall clock */
    uint64_t octets; /* of the body */
    int status;
    int version; /* 0x100, 0x101, 0x200 */
    char address[ACCESS_ADDRESS_MAX + 1];
    char method[ACCESS_METHOD_MAX + 1];
    char host[ACCESS_HOST_MAX + 1];
    char path[ACCESS_PATH_MAX + 1];
    char agent[ACCESS_AGENT_MAX + 1];
    char referer[ACCESS_REFERER_MAX + 1];
};

/* Copies TEXT into FIELD of SIZE octets, cut and NUL-terminated; a NUL inside becomes a space. */
void access_record_set(char *field, size_t size, struct bytes text);

/* The address of PEER, or "" where it has none; IPv4-mapped IPv6 as IPv4. */
void access_record_set_address(struct access_record *record, const struct sockaddr *peer);

/* Append one line and its end; what a client sent is made safe (lib/base/safe_text.h).
 *
 *     192.0.2.1 - - [23/Nov/2026:14:15:00 +0000] "GET /.well-known/mta-sts.txt HTTP/2" 200 97 "-"
 * "curl"
 *     {"time":"2026-11-23T14:15:00.000Z","address":"192.0.2.1","host":…,"method":…,"path":…,
 *      "protocol":"HTTP/2","status":200,"octets":97,"referer":…,"agent":…}
 */
void access_record_combined(const struct access_record *record, struct buffer *line);
void access_record_json(const struct access_record *record, struct buffer *line);

const char *access_record_protocol(const struct access_record *record);

#endif
