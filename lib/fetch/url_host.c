#include "url_host.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool are_all(struct bytes text, bool (*is)(char c))
{
    size_t i = 0;
    while (i < text.n && is(text.p[i])) {
        i++;
    }
    return i == text.n;
}

/* Without a final dot. */
static struct bytes last_label(struct bytes host)
{
    host.n -= host.n != 0 && host.p[host.n - 1] == '.' ? 1 : 0;
    const char *dot = host.n != 0 ? memrchr(host.p, '.', host.n) : NULL;
    return dot != NULL ? bytes_skip(host, (size_t)(dot - host.p) + 1) : host;
}

bool url_host_is_numeric(struct bytes host)
{
    struct bytes label = last_label(host);
    bool bracketed = host.n != 0 && host.p[0] == '[';
    bool decimal = label.n != 0 && are_all(label, is_digit); /* octal too */
    bool hex = label.n >= 2 && label.p[0] == '0' && (label.p[1] | 0x20) == 'x' &&
               are_all(bytes_skip(label, 2), is_hex);
    return bracketed || decimal || hex;
}
