/* Heads of HTTP/1.1 requests. The parser agrees with itself as octets come in and with more behind;
 * what it takes has exactly one Host (in HTTP/1.1), no control in any view, and every view in the
 * text; and written anew in one plain form it is the same request. The first two octets are the
 * limit and the place where the text is cut. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"
#include "server/engine/http1_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool so, const char *what, int line)
{
    if (!so) {
        (void)fprintf(stderr, "line %d: not so: %s\n", line, what);
        abort();
    }
}
#define REQUIRE(condition) expect((condition), #condition, __LINE__)

/* In memory that ends where the text does. The caller frees. */
static char *parse(struct bytes text, size_t max, enum http1_verdict *ret_verdict,
                   struct http1_head *ret_head)
{
    char *copy = memory_alloc(text.n);
    memcpy(copy, text.p, text.n);
    *ret_verdict = http1_head_parse((struct bytes){copy, text.n}, max, ret_head);
    return copy;
}

static bool refuses(enum http1_verdict verdict)
{
    return verdict == HTTP1_MALFORMED || verdict == HTTP1_TOO_LONG;
}

static void look_at_prefix(struct bytes text, size_t cut, size_t max, enum http1_verdict whole,
                           const struct http1_head *head)
{
    enum http1_verdict verdict = HTTP1_PARTIAL;
    struct http1_head part;
    free(parse((struct bytes){text.p, cut}, max, &verdict, &part));
    if (whole == HTTP1_WHOLE && cut >= head->length) {
        REQUIRE(verdict == HTTP1_WHOLE && part.length == head->length);
    } else if (refuses(verdict)) {
        REQUIRE(verdict == whole && bytes_equal(part.problem, head->problem));
    } else {
        REQUIRE(verdict == HTTP1_PARTIAL);
    }
}

static void look_at_more(struct bytes text, size_t max, enum http1_verdict whole,
                         const struct http1_head *head)
{
    static const char suffixes[][8] = {"\n", "\r\n", "\r\n\r\n", " ", ":", "GET / "};
    for (size_t i = 0; whole != HTTP1_PARTIAL && i < ARRAY_LENGTH(suffixes); i++) {
        CLEANUP(buffer_clear) struct buffer longer = BUFFER(1 << 20);
        enum http1_verdict verdict = HTTP1_PARTIAL;
        struct http1_head more;
        buffer_add(&longer, text);
        buffer_add_string(&longer, suffixes[i]);
        free(parse(buffer_bytes(&longer), max, &verdict, &more));
        REQUIRE(verdict == whole && more.length == head->length);
        REQUIRE(bytes_equal(more.problem, head->problem));
    }
}

static void look_at_view(struct bytes view, struct bytes text)
{
    if (view.p == NULL) {
        REQUIRE(view.n == 0);
        return;
    }
    REQUIRE(view.p >= text.p && view.p + view.n <= text.p + text.n);
    for (size_t i = 0; i < view.n; i++) {
        unsigned char c = (unsigned char)view.p[i];
        REQUIRE((c >= 0x20 || c == '\t') && c != 0x7f);
    }
}

/* Lines that begin with "host:", in any case, as another reader would count them; and no line ends
 * in another way than CRLF. */
static size_t count_hosts(struct bytes head)
{
    size_t hosts = 0;
    for (size_t i = 0; i < head.n; i++) {
        REQUIRE(head.p[i] != '\0');
        REQUIRE(head.p[i] != '\r' || (i + 1 < head.n && head.p[i + 1] == '\n'));
        REQUIRE(head.p[i] != '\n' || (i != 0 && head.p[i - 1] == '\r'));
        struct bytes rest = bytes_skip(head, i + 1);
        hosts += head.p[i] == '\n' && rest.n >= 5 && strncasecmp(rest.p, "host:", 5) == 0;
    }
    return hosts;
}

static void add_field(struct buffer *text, const char *name, struct bytes value)
{
    if (value.p != NULL) {
        buffer_add_string(text, name);
        buffer_add(text, value);
        buffer_add_string(text, "\r\n");
    }
}

static void render(const struct http1_head *head, struct buffer *text)
{
    const struct http_request *request = &head->request;
    buffer_add(text, request->method);
    buffer_add_string(text, " ");
    buffer_add(text, request->target);
    buffer_add_string(text, request->version == 0x101 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
    add_field(text, "Host: ", request->authority);
    add_field(text, "User-Agent: ", request->user_agent);
    add_field(text, "Referer: ", request->referer);
    for (size_t i = 0; i < request->if_none_match_count; i++) {
        add_field(text, "If-None-Match: ", request->if_none_match[i]);
    }
    buffer_printf(text, "Content-Length: %llu\r\n", (unsigned long long)head->body_length);
    buffer_printf(text, "Connection: %s\r\n", head->keeps ? "keep-alive" : "close");
    buffer_add_string(text, head->expects_continue ? "Expect: 100-continue\r\n" : "");
    buffer_add_string(text, "\r\n");
}

static void look_at_whole(const struct http1_head *head, struct bytes text)
{
    const struct http_request *request = &head->request;
    REQUIRE(request->version == 0x100 || request->version == 0x101);
    REQUIRE(request->method.n != 0 && request->target.n != 0);
    REQUIRE(request->if_none_match_count <= HTTP_IF_NONE_MATCH_MAX);
    struct bytes octets = {text.p, head->length};
    REQUIRE(head->length <= text.n && bytes_ends_with(octets, BYTES("\r\n\r\n")));
    size_t hosts = count_hosts(octets);
    REQUIRE(request->version == 0x101 ? hosts == 1 : hosts <= 1);
    REQUIRE((hosts != 0) == (request->authority.p != NULL));
    const struct bytes views[] = {request->method, request->target, request->authority,
                                  request->user_agent, request->referer};
    for (size_t i = 0; i < ARRAY_LENGTH(views); i++) {
        look_at_view(views[i], octets);
    }
    for (size_t i = 0; i < request->if_none_match_count; i++) {
        look_at_view(request->if_none_match[i], octets);
    }
}

static void look_at_rendered(const struct http1_head *head)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1 << 20);
    CLEANUP(buffer_clear) struct buffer again = BUFFER(1 << 20);
    enum http1_verdict verdict = HTTP1_PARTIAL;
    struct http1_head same;
    render(head, &text);
    char *copy = parse(buffer_bytes(&text), SIZE_MAX, &verdict, &same);
    REQUIRE(verdict == HTTP1_WHOLE && same.length == text.n);
    REQUIRE(same.body_length == head->body_length && same.keeps == head->keeps);
    render(&same, &again);
    free(copy);
    REQUIRE(bytes_equal(buffer_bytes(&text), buffer_bytes(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t max = (size_t)data[0] * 16 + 1;
    struct bytes text = {(const char *)data + 2, size - 2};
    size_t cut = text.n * data[1] / 255;
    enum http1_verdict verdict = HTTP1_PARTIAL;
    struct http1_head head;
    CLEANUP_FREE char *copy = parse(text, max, &verdict, &head);
    REQUIRE(refuses(verdict) == (head.problem.n != 0));
    look_at_prefix(text, cut, max, verdict, &head);
    look_at_more(text, max, verdict, &head);
    if (verdict == HTTP1_WHOLE) {
        look_at_whole(&head, (struct bytes){copy, text.n});
        look_at_rendered(&head);
    }
    return 0;
}
