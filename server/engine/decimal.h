/* Numbers in answers, without the locale and the time of printf. */
#ifndef SERVER_ENGINE_DECIMAL_H
#define SERVER_ENGINE_DECIMAL_H

#include <stdint.h>

#include "lib/base/bytes.h"

enum { DECIMAL_DIGITS_MAX = 20 };

/* NUMBER as it is written; the digits stand in PLACE. */
static inline struct bytes decimal(uint64_t number, char place[DECIMAL_DIGITS_MAX])
{
    size_t n = DECIMAL_DIGITS_MAX;
    do {
        place[--n] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return (struct bytes){place + n, DECIMAL_DIGITS_MAX - n};
}

#endif
