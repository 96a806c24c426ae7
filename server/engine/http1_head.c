#include "http1_head.h"

#include "lib/base/memory.h"
#include "server/answers/target.h"

enum { LENGTH_DIGITS_MAX = 15 };

struct reading {
    struct bytes rest;
    size_t max;
    size_t octets; /* as the limit counts them */
    size_t hosts;
    size_t lengths;
    bool closes; /* said by a Connection field, whatever others say */
    struct http1_head *head;
};

static bool refuse(struct reading *reading, struct bytes problem)
{
    reading->head->problem = problem;
    return false;
}

/* RFC 9110 §5.6.2 */
static bool is_token(struct bytes text)
{
    static const char MARKS[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alphanumeric && (c == '\0' || strchr(MARKS, c) == NULL)) {
            return false;
        }
    }
    return text.n != 0;
}

/* RFC 9110 §5.5: VCHAR, obs-text, space and tab. */
static bool is_field_value(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_target(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < 0x21 || text.p[i] > 0x7e) {
            return false;
        }
    }
    return text.n != 0;
}

/* What stands before the first C, which is taken off *REST too; all where there is none. */
static struct bytes split(struct bytes *rest, char c)
{
    const char *at = rest->n != 0 ? memchr(rest->p, c, rest->n) : NULL;
    struct bytes first = {rest->p, at != NULL ? (size_t)(at - rest->p) : rest->n};
    *rest = bytes_skip(*rest, first.n + (at != NULL));
    return first;
}

/* --- Fields --- */

static bool read_host(struct bytes value, struct reading *reading)
{
    struct dns_name host;
    if (reading->hosts++ != 0) {
        return refuse(reading, BYTES("The request has more than one Host.\n"));
    }
    reading->head->request.authority = value;
    return target_parse_host(value, &host) ||
           refuse(reading, BYTES("The request's Host is not a host.\n"));
}

static bool read_length(struct bytes value, struct reading *reading)
{
    uint64_t length = 0;
    if (reading->lengths++ != 0) {
        return refuse(reading, BYTES("The request has more than one Content-Length.\n"));
    }
    for (size_t i = 0; i < value.n && i <= LENGTH_DIGITS_MAX; i++) {
        if (value.p[i] < '0' || value.p[i] > '9') {
            return refuse(reading, BYTES("The request's Content-Length is not a number.\n"));
        }
        length = length * 10 + (uint64_t)(value.p[i] - '0');
    }
    if (value.n == 0 || value.n > LENGTH_DIGITS_MAX) {
        return refuse(reading, BYTES("The request's Content-Length is not a length.\n"));
    }
    reading->head->body_length = length;
    return true;
}

static bool read_encoding(struct bytes value, struct reading *reading)
{
    (void)value;
    return refuse(reading, BYTES("No request here has a Transfer-Encoding.\n"));
}

static bool read_connection(struct bytes value, struct reading *reading)
{
    while (value.n != 0) {
        struct bytes option = bytes_trim(split(&value, ','));
        reading->closes |= bytes_equal_nocase(option, BYTES("close"));
        reading->head->keeps |= bytes_equal_nocase(option, BYTES("keep-alive"));
    }
    reading->head->keeps &= !reading->closes;
    return true;
}

static bool read_expect(struct bytes value, struct reading *reading)
{
    /* RFC 9110 §10.1.1: HTTP/1.0 knows no interim answers. */
    reading->head->expects_continue =
        reading->head->request.version == 0x101 && bytes_equal_nocase(value, BYTES("100-continue"));
    return true;
}

static bool read_if_none_match(struct bytes value, struct reading *reading)
{
    struct http_request *request = &reading->head->request;
    if (request->if_none_match_count < HTTP_IF_NONE_MATCH_MAX) {
        request->if_none_match[request->if_none_match_count++] = value;
    }
    return true;
}

static bool read_user_agent(struct bytes value, struct reading *reading)
{
    reading->head->request.user_agent = value;
    return true;
}

static bool read_referer(struct bytes value, struct reading *reading)
{
    reading->head->request.referer = value;
    return true;
}

/* Of several lines the last: a proxy in front adds its own behind what the client sent. */
static bool read_x_forwarded_for(struct bytes value, struct reading *reading)
{
    reading->head->request.x_forwarded_for = value;
    return true;
}

static bool read_forwarded(struct bytes value, struct reading *reading)
{
    reading->head->request.forwarded = value;
    return true;
}

static bool read_known(struct bytes name, struct bytes value, struct reading *reading)
{
    static const struct {
        struct bytes name;
        bool (*read)(struct bytes value, struct reading *reading);
    } fields[] = {
        {{"host", 4}, read_host},
        {{"connection", 10}, read_connection},
        {{"user-agent", 10}, read_user_agent},
        {{"if-none-match", 13}, read_if_none_match},
        {{"content-length", 14}, read_length},
        {{"transfer-encoding", 17}, read_encoding},
        {{"expect", 6}, read_expect},
        {{"referer", 7}, read_referer},
        {{"x-forwarded-for", 15}, read_x_forwarded_for},
        {{"forwarded", 9}, read_forwarded},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        if (bytes_equal_nocase(name, fields[i].name)) {
            return fields[i].read(value, reading);
        }
    }
    return true;
}

static bool read_field(struct bytes line, struct reading *reading)
{
    struct bytes value = line;
    struct bytes name = split(&value, ':');
    if (line.p[0] == ' ' || line.p[0] == '\t') {
        return refuse(reading, BYTES("A field of the request goes on in a second line.\n"));
    }
    if (name.n == line.n || !is_token(name) || !is_field_value(value)) {
        return refuse(reading, BYTES("A field of the request is malformed.\n"));
    }
    reading->octets += HTTP_FIELD_OVERHEAD;
    return read_known(name, bytes_trim(value), reading);
}

/* --- Lines --- */

static bool read_request_line(struct bytes line, struct reading *reading)
{
    struct http_request *request = &reading->head->request;
    struct bytes method = split(&line, ' ');
    struct bytes target = split(&line, ' ');
    if (!is_token(method) || !is_target(target) || line.n != 8 ||
        !bytes_starts_with(line, BYTES("HTTP/")) || line.p[6] != '.' || line.p[7] < '0' ||
        line.p[7] > '9') {
        return refuse(reading, BYTES("The request's first line is malformed.\n"));
    }
    if (line.p[5] != '1') {
        return refuse(reading, BYTES("Only HTTP/1.1 and HTTP/1.0 are spoken here.\n"));
    }
    request->method = method;
    request->target = target;
    request->version = line.p[7] == '0' ? 0x100 : 0x101;
    reading->head->keeps = request->version == 0x101;
    return true;
}

/* Takes the next line off, without its end. */
static enum http1_verdict take_line(struct reading *reading, struct bytes *ret_line)
{
    const char *end = reading->rest.n != 0 ? memchr(reading->rest.p, '\n', reading->rest.n) : NULL;
    size_t n = end != NULL ? (size_t)(end - reading->rest.p) + 1 : reading->rest.n;
    if (reading->octets + n > reading->max) {
        reading->head->problem = BYTES("The request's head is too long.\n");
        return HTTP1_TOO_LONG;
    }
    if (end == NULL) {
        return HTTP1_PARTIAL;
    }
    if (n < 2 || end[-1] != '\r') {
        reading->head->problem = BYTES("A line of the request ends without CR.\n");
        return HTTP1_MALFORMED;
    }
    reading->octets += n;
    *ret_line = (struct bytes){reading->rest.p, n - 2};
    reading->rest = bytes_skip(reading->rest, n);
    return HTTP1_WHOLE;
}

static bool is_complete(struct reading *reading)
{
    return reading->hosts != 0 || reading->head->request.version == 0x100 ||
           refuse(reading, BYTES("The request names no host.\n"));
}

static enum http1_verdict read_lines(struct reading *reading)
{
    struct bytes line;
    bool first = true;
    for (;;) {
        enum http1_verdict taken = take_line(reading, &line);
        if (taken != HTTP1_WHOLE) {
            return taken;
        }
        if (line.n == 0 && !first) {
            return is_complete(reading) ? HTTP1_WHOLE : HTTP1_MALFORMED;
        }
        if (!(first ? read_request_line(line, reading) : read_field(line, reading))) {
            return HTTP1_MALFORMED;
        }
        first = false;
    }
}

enum http1_verdict http1_head_parse(struct bytes text, size_t max, struct http1_head *ret_head)
{
    *ret_head = (struct http1_head){0};
    struct reading reading = {.rest = text, .max = max, .head = ret_head};
    if (bytes_starts_with(text, BYTES("\r\n"))) {
        /* §2.2: some clients end a body with an empty line too many. */
        reading.rest = bytes_skip(text, 2);
    }
    enum http1_verdict verdict = read_lines(&reading);
    ret_head->length = (size_t)(reading.rest.p - text.p);
    return verdict;
}
