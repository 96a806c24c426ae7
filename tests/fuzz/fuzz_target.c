/* Request targets and authorities (the first line, where there are two). What is taken has a host
 * in one form, that reads as itself again, and a path that begins with "/" or is "*"; and the URL
 * that a redirect makes of host, path and query means the same to whoever reads it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/buffer.h"
#include "server/answers/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool so, const char *what, int line)
{
    if (!so) {
        (void)fprintf(stderr, "line %d: not so: %s\n", line, what);
        abort();
    }
}
#define REQUIRE(condition) expect((condition), #condition, __LINE__)

static bool is_same_host(const struct dns_name *a, const struct dns_name *b)
{
    return bytes_equal(dns_name_bytes(a), dns_name_bytes(b));
}

static void look_at_host(const struct dns_name *host)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";
    static const char LITERAL[] = "[]:0123456789abcdefv.";
    struct dns_name again;
    REQUIRE(host->n != 0 && host->n <= DNS_NAME_MAX && strlen(host->text) == host->n);
    REQUIRE(strspn(host->text, host->text[0] == '[' ? LITERAL : PLAIN) == host->n);
    /* No name that DNS could lead anywhere is taken for an address (server/answers/admin_answer.h).
     */
    REQUIRE(!target_is_address(host) || host->text[0] == '[' ||
            strspn(host->text, "0123456789.") == host->n);
    /* Of two dots one goes; such a name is nobody's. */
    if (host->text[host->n - 1] != '.') {
        REQUIRE(target_parse_host(dns_name_bytes(host), &again) && is_same_host(host, &again));
    }
}

static void look_at_url(const struct target *target)
{
    CLEANUP(buffer_clear) struct buffer url = BUFFER(1 << 20);
    struct target again;
    buffer_add_string(&url, "https://");
    buffer_add(&url, dns_name_bytes(&target->host));
    buffer_add(&url, target->path);
    buffer_add(&url, target->query);
    REQUIRE(target_parse(buffer_bytes(&url), BYTES("another.example"), &again));
    REQUIRE(is_same_host(&again.host, &target->host));
    REQUIRE(bytes_equal(again.path, target->path) && bytes_equal(again.query, target->query));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size != 0 ? memchr(text, '\n', size) : NULL;
    size_t first = end != NULL ? (size_t)(end - text) : 0;
    struct bytes authority = {end != NULL ? text : NULL, first};
    struct bytes request_target = {text + first + (end != NULL), size - first - (end != NULL)};
    CLEANUP_FREE char *copy = memory_alloc(request_target.n);
    memcpy(copy, request_target.p, request_target.n);
    request_target.p = copy;
    struct target target;
    if (!target_parse(request_target, authority, &target)) {
        return 0;
    }
    look_at_host(&target.host);
    bool is_asterisk = bytes_equal(target.path, BYTES("*"));
    REQUIRE(target.path.n != 0 && (target.path.p[0] == '/' || is_asterisk));
    REQUIRE(memchr(target.path.p, '?', target.path.n) == NULL);
    REQUIRE(memchr(target.path.p, '#', target.path.n) == NULL);
    REQUIRE(target.query.n == 0 || target.query.p[0] == '?');
    REQUIRE(target.query.n == 0 || bytes_ends_with(request_target, target.query));
    struct bytes domain = target_policy_domain(&target.host);
    REQUIRE(domain.n == 0 || bytes_ends_with(dns_name_bytes(&target.host), domain));
    if (!is_asterisk && target.host.text[target.host.n - 1] != '.') {
        look_at_url(&target);
    }
    return 0;
}
