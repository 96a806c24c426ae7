#include "shown.h"

/* C0, DEL and (as C2 80 to C2 9F) C1. */
static bool is_control(struct bytes text, size_t i)
{
    unsigned char c = (unsigned char)text.p[i];
    return c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < text.n && (text.p[i + 1] & 0x60) == 0);
}

struct shown shown(struct bytes text)
{
    struct shown result;
    size_t n = 0;
    for (size_t i = 0; i < text.n;) {
        bool control = is_control(text, i);
        size_t begin = i++;
        while (i < text.n && (text.p[i] & 0xc0) == 0x80) {
            i++;
        }
        size_t length = control ? 1 : i - begin;
        if (n + length > SHOWN_MAX) {
            memcpy(result.text + n, "…", 3);
            n += 3;
            break;
        }
        memcpy(result.text + n, control ? "?" : text.p + begin, length);
        n += length;
    }
    result.text[n] = '\0';
    return result;
}
