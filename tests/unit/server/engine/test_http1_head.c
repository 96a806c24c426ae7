/* Heads of HTTP/1.1 requests: what is read of each that is taken, and why each other is refused.
 * Whatever the row, the parser agrees with itself as octets come in one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"
#include "server/engine/http1_head.h"

#define GET         "GET / HTTP/1.1\r\n"
#define POST        "POST / HTTP/1.1\r\n"
#define HOST        "Host: a.example\r\n"
#define END         "\r\n"

#define FIRST_LINE  "The request's first line is malformed.\n"
#define OTHER       "Only HTTP/1.1 and HTTP/1.0 are spoken here.\n"
#define FIELD       "A field of the request is malformed.\n"
#define FOLD        "A field of the request goes on in a second line.\n"
#define NO_CR       "A line of the request ends without CR.\n"
#define NO_HOST     "The request names no host.\n"
#define TWO_HOSTS   "The request has more than one Host.\n"
#define NOT_HOST    "The request's Host is not a host.\n"
#define TWO_LENGTHS "The request has more than one Content-Length.\n"
#define NOT_NUMBER  "The request's Content-Length is not a number.\n"
#define NOT_LENGTH  "The request's Content-Length is not a length.\n"
#define ENCODING    "No request here has a Transfer-Encoding.\n"
#define LONG        "The request's head is too long.\n"

#define X10         "xxxxxxxxxx"
#define X50         X10 X10 X10 X10 X10

enum { MAX = 512 };

static const struct {
    const char *name;
    struct bytes text;
    size_t max;
    enum http1_verdict verdict;
    const char *want; /* what was read, or why it was refused */
} rows[] = {
#define TAKEN(name, text, want)                                                                    \
    {                                                                                              \
        name, BYTES(text), MAX, HTTP1_WHOLE, want                                                  \
    }
#define REFUSED(name, text, want)                                                                  \
    {                                                                                              \
        name, BYTES(text), MAX, HTTP1_MALFORMED, want                                              \
    }
#define PARTIAL(name, text)                                                                        \
    {                                                                                              \
        name, BYTES(text), MAX, HTTP1_PARTIAL, ""                                                  \
    }
#define WITHIN(name, text, max)                                                                    \
    {                                                                                              \
        name, BYTES(text), max, HTTP1_WHOLE, "GET / 1.1 host=a.example keeps"                      \
    }
#define OVER(name, text, max)                                                                      \
    {                                                                                              \
        name, BYTES(text), max, HTTP1_TOO_LONG, LONG                                               \
    }
    TAKEN("usual", GET HOST END, "GET / 1.1 host=a.example keeps"),
    TAKEN(
        "all that is read",
        "GET /a?b HTTP/1.1\r\nhost: A.example:80\r\nUSER-AGENT: x (y)\r\nReferer: z\r\n"
        "If-None-Match: \"a\"\r\nif-none-match: \"b\"\r\nContent-Length: 12\r\n"
        "Expect: 100-Continue\r\nConnection: close\r\n" END,
        "GET /a?b 1.1 host=A.example:80 body=12 expects tag=\"a\" tag=\"b\" agent=x (y) referer=z"),
    TAKEN("asterisk", "OPTIONS * HTTP/1.1\r\n" HOST END, "OPTIONS * 1.1 host=a.example keeps"),
    TAKEN("absolute form", "GET http://b.example/ HTTP/1.1\r\n" HOST END,
          "GET http://b.example/ 1.1 host=a.example keeps"),
    TAKEN("any token is a method", "M-!#$%&'*+.^_`|~9 / HTTP/1.1\r\n" HOST END,
          "M-!#$%&'*+.^_`|~9 / 1.1 host=a.example keeps"),
    TAKEN("any visible octet in the target", "GET /!\"#$%&'()\\^`{|}~ HTTP/1.1\r\n" HOST END,
          "GET /!\"#$%&'()\\^`{|}~ 1.1 host=a.example keeps"),
    TAKEN("a later minor version", "GET / HTTP/1.9\r\n" HOST END, "GET / 1.1 host=a.example keeps"),
    TAKEN("an empty line before", END GET HOST END, "GET / 1.1 host=a.example keeps"),
    TAKEN("unknown fields", GET "X: \r\nY:\r\n" HOST "Z:a:b\r\n" END,
          "GET / 1.1 host=a.example keeps"),
    TAKEN("octets over 127 in a value", GET "X: \xff\x80\r\n" HOST END,
          "GET / 1.1 host=a.example keeps"),
    TAKEN("blanks around a value", GET "Host:\t a.example \t\r\n" END,
          "GET / 1.1 host=a.example keeps"),
    TAKEN("an address", GET "Host: [2001:db8::1]:80\r\n" END,
          "GET / 1.1 host=[2001:db8::1]:80 keeps"),
    TAKEN("four tags, and no more",
          GET HOST "If-None-Match: 1\r\nIf-None-Match: 2\r\nIf-None-Match: 3\r\n"
                   "If-None-Match: 4\r\nIf-None-Match: 5\r\n" END,
          "GET / 1.1 host=a.example keeps tag=1 tag=2 tag=3 tag=4"),

    TAKEN("HTTP/1.0", "GET / HTTP/1.0\r\n" HOST END, "GET / 1.0 host=a.example"),
    TAKEN("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n" END, "GET / 1.0"),
    TAKEN("HTTP/1.0 that is kept", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" END,
          "GET / 1.0 keeps"),
    TAKEN("HTTP/1.0 expects nothing (RFC 9110 section 10.1.1)",
          "PUT / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n" END,
          "PUT / 1.0 body=1"),
    TAKEN("close", GET HOST "Connection: close\r\n" END, "GET / 1.1 host=a.example"),
    TAKEN("close in a list", GET HOST "Connection: x , CLOSE,y\r\n" END,
          "GET / 1.1 host=a.example"),
    TAKEN("close is stronger", GET HOST "Connection: close, keep-alive\r\n" END,
          "GET / 1.1 host=a.example"),
    TAKEN("close is stronger in any order",
          GET HOST "Connection: keep-alive\r\nConnection: close\r\n" END,
          "GET / 1.1 host=a.example"),
    TAKEN("close first", GET HOST "Connection: close\r\nConnection: keep-alive\r\n" END,
          "GET / 1.1 host=a.example"),
    TAKEN("no option is close", GET HOST "Connection: closed, clos, x close\r\n" END,
          "GET / 1.1 host=a.example keeps"),
    TAKEN("an upgrade is not taken up", GET HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n" END,
          "GET / 1.1 host=a.example keeps"),
    TAKEN("an expectation that is none", GET HOST "Expect: foo\r\n" END,
          "GET / 1.1 host=a.example keeps"),

    TAKEN("length", POST HOST "Content-Length: 0\r\n" END, "POST / 1.1 host=a.example keeps"),
    TAKEN("length with zeros", POST HOST "Content-Length: 007\r\n" END,
          "POST / 1.1 host=a.example body=7 keeps"),
    TAKEN("longest length", POST HOST "Content-Length: 999999999999999\r\n" END,
          "POST / 1.1 host=a.example body=999999999999999 keeps"),
    REFUSED("length of 16 digits", POST HOST "Content-Length: 1000000000000000\r\n" END,
            NOT_LENGTH),
    REFUSED("length past 64 bits", POST HOST "Content-Length: 18446744073709551616\r\n" END,
            NOT_LENGTH),
    REFUSED("empty length", POST HOST "Content-Length: \r\n" END, NOT_LENGTH),
    REFUSED("length with a sign", POST HOST "Content-Length: +5\r\n" END, NOT_NUMBER),
    REFUSED("negative length", POST HOST "Content-Length: -1\r\n" END, NOT_NUMBER),
    REFUSED("hexadecimal length", POST HOST "Content-Length: 0x5\r\n" END, NOT_NUMBER),
    REFUSED("list of lengths", POST HOST "Content-Length: 5, 5\r\n" END, NOT_NUMBER),
    REFUSED("two numbers", POST HOST "Content-Length: 5 5\r\n" END, NOT_NUMBER),
    REFUSED("same length twice", POST HOST "Content-Length: 5\r\nContent-Length: 5\r\n" END,
            TWO_LENGTHS),
    REFUSED("two lengths", POST HOST "Content-Length: 0\r\ncontent-length: 5\r\n" END, TWO_LENGTHS),

    REFUSED("chunked", POST HOST "Transfer-Encoding: chunked\r\n" END, ENCODING),
    REFUSED("chunked and a length",
            POST HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END, ENCODING),
    REFUSED("identity", GET HOST "transfer-encoding: identity\r\n" END, ENCODING),
    REFUSED("no encoding at all", GET HOST "Transfer-Encoding:\r\n" END, ENCODING),
    REFUSED("encoding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END,
            ENCODING),
    REFUSED("vertical tab before chunked",
            POST HOST "Transfer-Encoding: \x0b"
                      "chunked\r\n" END,
            FIELD),

    REFUSED("line without CR", "GET / HTTP/1.1\nHost: a.example\n\n", NO_CR),
    REFUSED("field without CR", GET "Host: a.example\n" END, NO_CR),
    REFUSED("last line without CR", GET HOST "\n", NO_CR),
    REFUSED("first octet", "\n", NO_CR),
    REFUSED("two empty lines before", END END GET HOST END, FIRST_LINE),
    REFUSED("CR in a value", GET HOST "X: a\rb\r\n" END, FIELD),
    REFUSED("CR before CRLF", GET HOST "X: a\r\r\n" END, FIELD),
    REFUSED("CR in a name", GET HOST "X\r: a\r\n" END, FIELD),
    REFUSED("CR in the first line", "GET /\r HTTP/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("NUL in a value", GET HOST "X: a\0b\r\n" END, FIELD),
    REFUSED("NUL in Host", GET "Host: a\0.example\r\n" END, FIELD),
    REFUSED("NUL in a name", GET HOST "X\0: a\r\n" END, FIELD),
    REFUSED("NUL in the method", "G\0T / HTTP/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("NUL in the target", "GET /\0 HTTP/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("DEL in a value", GET HOST "X: \x7f\r\n" END, FIELD),
    REFUSED("escape in a value", GET HOST "X: \x1b[m\r\n" END, FIELD),

    REFUSED("no version", "GET /\r\n" END, FIRST_LINE),
    REFUSED("no target", "GET\r\n" END, FIRST_LINE),
    REFUSED("empty target", "GET  HTTP/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("empty method", " / HTTP/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("method that is no token", "G@T / HTTP/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("two blanks", "GET  / HTTP/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("two blanks behind", "GET /  HTTP/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("blank in the target", "GET /a b HTTP/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("blank behind the version", "GET / HTTP/1.1 \r\n" HOST END, FIRST_LINE),
    REFUSED("blank before the method", " GET / HTTP/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("tabs", "GET\t/\tHTTP/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("octets over 127 in the target", "GET /\xc3\xbc HTTP/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("version in lower case", "GET / http/1.1\r\n" HOST END, FIRST_LINE),
    REFUSED("two digits", "GET / HTTP/1.10\r\n" HOST END, FIRST_LINE),
    REFUSED("version without a dot", "GET / HTTP/1,1\r\n" HOST END, FIRST_LINE),
    REFUSED("letter for a digit", "GET / HTTP/1.x\r\n" HOST END, FIRST_LINE),
    REFUSED("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", OTHER),
    REFUSED("HTTP/0.9's number", "GET / HTTP/0.9\r\n" HOST END, OTHER),
    REFUSED("PROXY", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" GET HOST END, FIRST_LINE),
    REFUSED("TLS", "\x16\x03\x01\x02\n\x01\r\n", NO_CR),

    REFUSED("blank before a colon", GET "Host : a.example\r\n" END, FIELD),
    REFUSED("tab before a colon", GET HOST "Content-Length\t: 5\r\n" END, FIELD),
    REFUSED("folded field", GET HOST "X: a\r\n b\r\n" END, FOLD),
    REFUSED("folded by a tab", GET HOST "X:\r\n\ta\r\n" END, FOLD),
    REFUSED("folded Host", GET "Host:\r\n\ta.example\r\n" END, NOT_HOST),
    REFUSED("first field begins with a blank", GET " " HOST END, FOLD),
    REFUSED("a line of blanks", GET HOST "  \r\n" END, FOLD),
    REFUSED("no colon", GET HOST "X\r\n" END, FIELD),
    REFUSED("no name", GET HOST ": a\r\n" END, FIELD),
    REFUSED("name that is no token", GET HOST "X(y): a\r\n" END, FIELD),
    REFUSED("pseudo-field", GET HOST ":authority: b.example\r\n" END, FIELD),

    REFUSED("no Host", GET END, NO_HOST),
    REFUSED("no Host in absolute form", "GET http://a.example/ HTTP/1.1\r\n" END, NO_HOST),
    REFUSED("Host that only begins so", GET "Host-: a.example\r\nXHost: a.example\r\n" END,
            NO_HOST),
    REFUSED("same Host twice", GET HOST HOST END, TWO_HOSTS),
    REFUSED("two Hosts", GET HOST "hOST: b.example\r\n" END, TWO_HOSTS),
    REFUSED("two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\n" HOST HOST END, TWO_HOSTS),
    REFUSED("empty Host", GET "Host:\r\n" END, NOT_HOST),
    REFUSED("list of hosts", GET "Host: a.example, b.example\r\n" END, NOT_HOST),
    REFUSED("user information", GET "Host: x@a.example\r\n" END, NOT_HOST),
    REFUSED("port that is none", GET "Host: a.example:80x\r\n" END, NOT_HOST),
    REFUSED("URL for a Host", GET "Host: http://a.example/\r\n" END, NOT_HOST),
    REFUSED("U-label", GET "Host: b\xc3\xbc.example\r\n" END, NOT_HOST),

    PARTIAL("nothing", ""),
    PARTIAL("an empty line alone", END),
    PARTIAL("half a line", "GET"),
    PARTIAL("CR", GET HOST "\r"),

    /* GET is 16 octets, HOST 17 and 32, END 2. */
    WITHIN("exactly at the limit", GET HOST END, 67),
    OVER("one octet over it", GET HOST END, 66),
    OVER("the last field's 32 count", GET HOST, 64),
    WITHIN("an empty line before is free", END GET HOST END, 67),
    WITHIN("what stands behind is free", GET HOST END X50 X50, 67),
    OVER("a line that does not end", "GET /" X50, 54),
    {"until it is too long", BYTES("GET /" X50), 55, HTTP1_PARTIAL, ""},
    OVER("a field that does not end", GET HOST "X: " X50, 117),
    OVER("many small ones", GET HOST "a:\r\nb:\r\nc:\r\nd:\r\n" END, 210),
    WITHIN("as many as may be", GET HOST "a:\r\nb:\r\nc:\r\nd:\r\n" END, 211),
};

static void add_view(struct buffer *text, const char *what, struct bytes value)
{
    if (value.p != NULL) {
        buffer_add_string(text, what);
        buffer_add(text, value);
    }
}

static void describe(const struct http1_head *head, struct buffer *text)
{
    const struct http_request *request = &head->request;
    buffer_add(text, request->method);
    add_view(text, " ", request->target);
    buffer_printf(text, " %d.%d", request->version >> 8, request->version & 0xff);
    add_view(text, " host=", request->authority);
    if (head->body_length != 0) {
        buffer_printf(text, " body=%llu", (unsigned long long)head->body_length);
    }
    buffer_add_string(text, head->keeps ? " keeps" : "");
    buffer_add_string(text, head->expects_continue ? " expects" : "");
    for (size_t i = 0; i < request->if_none_match_count; i++) {
        add_view(text, " tag=", request->if_none_match[i]);
    }
    add_view(text, " agent=", request->user_agent);
    add_view(text, " referer=", request->referer);
}

/* One look at TEXT followed by SUFFIX, in memory that ends where they do: the verdict, what was
 * read or why not, and how long the head was. */
struct look {
    enum http1_verdict verdict;
    size_t length;
    char text[256];
};

static struct look look_at(struct bytes text, struct bytes suffix, size_t max)
{
    struct http1_head head;
    struct look look = {0};
    CLEANUP(buffer_clear) struct buffer said = BUFFER(sizeof(look.text) - 1);
    CLEANUP_FREE char *copy = memory_alloc(text.n + suffix.n);
    memcpy(copy, text.p, text.n);
    memcpy(copy + text.n, suffix.p, suffix.n);
    look.verdict = http1_head_parse((struct bytes){copy, text.n + suffix.n}, max, &head);
    look.length = head.length;
    if (look.verdict == HTTP1_WHOLE) {
        describe(&head, &said);
    } else if (look.verdict != HTTP1_PARTIAL) {
        buffer_add(&said, head.problem);
    }
    assert_false(said.overflow);
    memcpy(look.text, buffer_bytes(&said).p, said.n);
    return look;
}

static void heads_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct look look = look_at(rows[i].text, BYTES(""), rows[i].max);
        if (look.verdict != rows[i].verdict || strcmp(look.text, rows[i].want) != 0) {
            fail_msg("%s: verdict %d, %s", rows[i].name, (int)look.verdict, look.text);
        }
    }
}

static bool is_same_look(const struct look *a, const struct look *b)
{
    return a->verdict == b->verdict && a->length == b->length && strcmp(a->text, b->text) == 0;
}

static void what_stands_behind_changes_nothing(void **state)
{
    (void)state;
    static const struct bytes suffixes[] = {
        {"\n", 1}, {"\r\n", 2},         {" ", 1},
        {"\0", 1}, {"x: y\r\n\r\n", 8}, {"GET / HTTP/1.1\r\n", 16},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct look alone = look_at(rows[i].text, BYTES(""), rows[i].max);
        for (size_t k = 0; rows[i].verdict != HTTP1_PARTIAL && k < ARRAY_LENGTH(suffixes); k++) {
            struct look more = look_at(rows[i].text, suffixes[k], rows[i].max);
            if (!is_same_look(&alone, &more)) {
                fail_msg("%s, suffix %zu: verdict %d, length %zu, %s", rows[i].name, k,
                         (int)more.verdict, more.length, more.text);
            }
        }
    }
}

/* As octets come in: no verdict but the last one, and nothing is taken before its end. */
static void a_part_of_a_head_waits_for_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct look whole = look_at(rows[i].text, BYTES(""), rows[i].max);
        size_t end = whole.verdict == HTTP1_WHOLE ? whole.length : rows[i].text.n;
        enum http1_verdict before = HTTP1_PARTIAL;
        for (size_t n = 0; n < end; n++) {
            struct look part = look_at((struct bytes){rows[i].text.p, n}, BYTES(""), rows[i].max);
            bool may = part.verdict == HTTP1_PARTIAL
                           ? before == HTTP1_PARTIAL
                           : whole.verdict != HTTP1_WHOLE && part.verdict == whole.verdict &&
                                 strcmp(part.text, whole.text) == 0;
            if (!may) {
                fail_msg("%s, %zu octets: verdict %d, %s", rows[i].name, n, (int)part.verdict,
                         part.text);
            }
            before = part.verdict;
        }
    }
}

/* For the log, and to know a HEAD: what came before the fault. */
static void what_was_read_before_a_fault_is_kept(void **state)
{
    (void)state;
    struct http1_head head;
    struct bytes text = BYTES("HEAD /a HTTP/1.1\r\n" HOST HOST END);
    assert_int_equal(http1_head_parse(text, MAX, &head), HTTP1_MALFORMED);
    assert_true(bytes_equal(head.request.method, BYTES("HEAD")));
    assert_true(bytes_equal(head.request.target, BYTES("/a")));
    assert_true(bytes_equal(head.request.authority, BYTES("a.example")));
    assert_int_equal(head.request.version, 0x101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_read_or_refused),
        cmocka_unit_test(what_stands_behind_changes_nothing),
        cmocka_unit_test(a_part_of_a_head_waits_for_more),
        cmocka_unit_test(what_was_read_before_a_fault_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
