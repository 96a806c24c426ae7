/* A DNS record of a policy, as a plain value. */
#ifndef PUBLISH_RECORD_H
#define PUBLISH_RECORD_H

#include <stdint.h>

#include "lib/base/bytes.h"

enum record_type { RECORD_TXT, RECORD_CNAME };

struct record {
    struct bytes domain; /* whose record it is; empty: a shared policy's */
    struct bytes shared; /* that shared policy's name, or empty */
    struct bytes name;   /* without trailing dot */
    enum record_type type;
    struct bytes data; /* TXT: the text; CNAME: the target without trailing dot */
    uint32_t ttl_s;
};

#endif
