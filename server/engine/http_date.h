/* The Date field of answers (RFC 9110 §5.6.7), made once a second. One for each thread. */
#ifndef SERVER_ENGINE_HTTP_DATE_H
#define SERVER_ENGINE_HTTP_DATE_H

#include <stdint.h>

#include "lib/base/bytes.h"

enum { HTTP_DATE_LENGTH = 29 };

struct http_date {
    int64_t wall_s;                  /* of the text */
    char text[HTTP_DATE_LENGTH + 1]; /* empty: there is none yet */
};

/* "Mon, 30 Nov 2026 17:43:29 GMT" for WALL_S, seconds since 1970; valid until the next call. */
struct bytes http_date_text(struct http_date *date, int64_t wall_s);

#endif
