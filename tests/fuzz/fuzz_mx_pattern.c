/* Two lines, two patterns: normalising is idempotent, a pattern covers itself, and covering agrees
 * with matching. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policies/model/mx_pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* A result is one of DNS: a host name, with at most one star before it. */
static void check_form(const struct dns_name *pattern)
{
    size_t label = 0;
    require(pattern->n >= 1 && pattern->n <= DNS_NAME_MAX);
    require(strlen(pattern->text) == pattern->n);
    for (size_t i = 0; i < pattern->n; i++) {
        char c = pattern->text[i];
        bool star = c == '*' && i == 0 && pattern->n > 2 && pattern->text[1] == '.';
        require((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || star);
        label = c == '.' ? 0 : label + 1;
        require(label <= DNS_LABEL_MAX && (c != '.' || (i > 0 && pattern->text[i - 1] != '.')));
    }
    require(label != 0);
}

static bool normalise(struct bytes text, struct dns_name *ret_pattern)
{
    struct error e = {0};
    struct dns_name again;
    if (!mx_pattern_normalise(text, ret_pattern, &e)) {
        require(e.code != ERROR_NONE && e.text[0] != '\0');
        return false;
    }
    struct bytes pattern = dns_name_bytes(ret_pattern);
    check_form(ret_pattern);
    require(mx_pattern_normalise(pattern, &again, &e));
    require(bytes_equal(dns_name_bytes(&again), pattern));
    require(mx_pattern_covers(pattern, pattern));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size != 0 ? memchr(text, '\n', size) : NULL;
    size_t first = end != NULL ? (size_t)(end - text) : size;
    struct dns_name a;
    struct dns_name b;
    bool has_a = normalise((struct bytes){text, first}, &a);
    bool has_b = end != NULL && normalise((struct bytes){end + 1, size - first - 1}, &b);
    if (has_a && has_b) {
        struct bytes pattern = dns_name_bytes(&a);
        struct bytes other = dns_name_bytes(&b);
        bool covers = mx_pattern_covers(pattern, other);
        bool is_host = b.text[0] != '*';
        require(!is_host || covers == mx_pattern_matches(pattern, other));
        require(is_host || covers == bytes_equal(pattern, other));
    }
    return 0;
}
