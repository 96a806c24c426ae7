/* Text from a file as it may stand in a message: on one line, at most SHOWN_MAX octets ("…" where
 * it was cut), control characters replaced, so that no file can write to the reader's terminal.
 *
 *     fields_error(context, place, "unknown key \"%s\"", shown(key).text);
 */
#ifndef LIB_BASE_SHOWN_H
#define LIB_BASE_SHOWN_H

#include "lib/base/bytes.h"

enum { SHOWN_MAX = 80 };

struct shown {
    char text[SHOWN_MAX + 4];
};

/* TEXT is UTF-8. */
struct shown shown(struct bytes text);

#endif
