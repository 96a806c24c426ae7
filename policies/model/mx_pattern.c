#include "mx_pattern.h"

#include <string.h>

static const struct bytes star = {"*.", 2};

bool mx_pattern_normalise(struct bytes text, struct dns_name *ret_pattern, struct error *e)
{
    bool wildcard = bytes_starts_with(text, star);
    struct bytes host = bytes_skip(text, wildcard ? star.n : 0);
    if (host.n != 0 && memchr(host.p, '*', host.n) != NULL) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" has a star that is not its whole first label; write it as in "
                         "\"*.example.org\", once",
                         dns_name_show(text).text);
    }
    struct dns_name name;
    if (!dns_name_normalise(host, &name, e)) {
        return false;
    }
    if (!wildcard) {
        *ret_pattern = name;
        return true;
    }
    if (name.n + star.n > DNS_NAME_MAX) {
        return error_set(e, ERROR_LIMIT, "\"%s\" has %zu octets; DNS allows %d: shorten it",
                         dns_name_show(text).text, name.n + star.n, DNS_NAME_MAX);
    }
    struct dns_name pattern = {.n = (unsigned char)(name.n + star.n)};
    memcpy(pattern.text, star.p, star.n);
    memcpy(pattern.text + star.n, name.text, name.n);
    *ret_pattern = pattern;
    return true;
}

bool mx_pattern_matches(struct bytes pattern, struct bytes host)
{
    if (!bytes_starts_with(pattern, star)) {
        return bytes_equal(pattern, host);
    }
    const char *dot = host.n != 0 ? memchr(host.p, '.', host.n) : NULL;
    if (dot == NULL || dot == host.p) {
        return false;
    }
    size_t first_label = (size_t)(dot - host.p);
    return bytes_equal(bytes_skip(pattern, star.n), bytes_skip(host, first_label + 1));
}

bool mx_pattern_covers(struct bytes a, struct bytes b)
{
    /* As the star stands for one label, "*.x" covers no other wildcard than itself, and taking B's
     * star for a label gives the right answer. */
    return bytes_equal(a, b) || mx_pattern_matches(a, b);
}
