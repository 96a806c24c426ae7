#include "txt_record.h"

#include <string.h>

#include "lib/dns/name.h"

enum {
    TXT_STRING_MAX = 255, /* octets of one character-string (RFC 1035 §3.3) */
    URI_MAX = 1000,       /* octets; several fit into one UDP answer */
};

void txt_record_sts(struct bytes id, struct buffer *out)
{
    buffer_add(out, BYTES("v=STSv1; id="));
    buffer_add(out, id);
    buffer_add(out, BYTES(";"));
}

void txt_record_tlsrpt(struct bytes uris, struct buffer *out)
{
    buffer_add(out, BYTES("v=TLSRPTv1; rua="));
    buffer_add(out, uris);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* RFC 3986's characters; what is not among them must come percent-encoded. */
static bool check_characters(struct bytes uri, struct error *e)
{
    static const char refused[] = "\"<>\\^`{|}";
    for (size_t i = 0; i < uri.n; i++) {
        char c = uri.p[i];
        if (c <= ' ' || c == 0x7f || strchr(refused, c) != NULL) {
            return error_set(e, ERROR_SYNTAX,
                             "\"%s\" has a character that no URI may have; percent-encode it",
                             dns_name_show(uri).text);
        }
        if (c == '%' && (i + 2 >= uri.n || !is_hex(uri.p[i + 1]) || !is_hex(uri.p[i + 2]))) {
            return error_set(e, ERROR_SYNTAX,
                             "\"%s\" has a %% without two hex digits after it; write %%25 for the "
                             "character itself",
                             dns_name_show(uri).text);
        }
    }
    return true;
}

/* What stands before the first of STOPS. */
static struct bytes before_any(struct bytes text, const char *stops)
{
    size_t n = 0;
    while (n < text.n && strchr(stops, text.p[n]) == NULL) {
        n++;
    }
    return (struct bytes){text.p, n};
}

static bool check_host(struct bytes host, struct bytes uri, struct error *e)
{
    struct dns_name name;
    return dns_name_normalise(host, &name, e) ||
           error_prefix(e, "in \"%s\": ", dns_name_show(uri).text);
}

static bool check_mailto(struct bytes rest, struct bytes uri, struct error *e)
{
    struct bytes address = before_any(rest, "?#");
    struct bytes local = before_any(address, "@");
    struct bytes domain = bytes_skip(address, local.n + 1);
    if (local.n == 0 || local.n == address.n) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" has no mail address; write it as in mailto:tlsrpt@example.org",
                         dns_name_show(uri).text);
    }
    if (domain.n != before_any(domain, ",@").n) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" has more than one mail address; write a list of URIs",
                         dns_name_show(uri).text);
    }
    return check_host(domain, uri, e);
}

static bool check_https(struct bytes rest, struct bytes uri, struct error *e)
{
    struct bytes authority = before_any(rest, "/?#");
    struct bytes host = before_any(authority, ":@");
    struct bytes port = bytes_skip(authority, host.n + 1);
    unsigned number = 0;
    bool has_port = host.n < authority.n;
    for (size_t i = 0; i < port.n && number <= UINT16_MAX; i++) {
        bool digit = port.p[i] >= '0' && port.p[i] <= '9';
        number = digit ? number * 10 + (unsigned)(port.p[i] - '0') : UINT16_MAX + 1;
    }
    if (has_port && (authority.p[host.n] == '@' || number == 0 || number > UINT16_MAX)) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" has something other than a host and a port before its path; write "
                         "it as in https://reports.example.org/v1",
                         dns_name_show(uri).text);
    }
    return check_host(host, uri, e);
}

/* RFC 8460 §3: these three have a meaning of their own in the record. */
static const char *encoding_of(char c)
{
    return c == '!' ? "%21" : c == ',' ? "%2C" : c == ';' ? "%3B" : NULL;
}

static size_t encoded_length(struct bytes uri)
{
    size_t length = uri.n;
    for (size_t i = 0; i < uri.n; i++) {
        length += encoding_of(uri.p[i]) != NULL ? 2 : 0;
    }
    return length;
}

bool txt_record_tlsrpt_uri(struct bytes uri, struct buffer *out, struct error *e)
{
    static const struct {
        struct bytes scheme;
        bool (*check)(struct bytes rest, struct bytes uri, struct error *e);
    } schemes[] = {
        {{"mailto:", 7}, check_mailto},
        {{"https://", 8}, check_https},
    };
    /* As encoded, so that what is kept can be read again. */
    if (encoded_length(uri) > URI_MAX) {
        return error_set(e, ERROR_LIMIT, "\"%s\" has %zu octets; a report URI may have %d%s",
                         dns_name_show(uri).text, encoded_length(uri), URI_MAX,
                         encoded_length(uri) != uri.n ? ", with !, comma and ; percent-encoded"
                                                      : "");
    }
    if (!check_characters(uri, e)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
        struct bytes scheme = schemes[i].scheme;
        if (uri.n < scheme.n || !bytes_equal_nocase((struct bytes){uri.p, scheme.n}, scheme)) {
            continue;
        }
        struct bytes rest = bytes_skip(uri, scheme.n);
        if (!schemes[i].check(rest, uri, e)) {
            return false;
        }
        buffer_add(out, scheme);
        for (size_t at = 0; at < rest.n; at++) {
            const char *encoding = encoding_of(rest.p[at]);
            buffer_add(out, encoding != NULL ? bytes_of(encoding) : (struct bytes){&rest.p[at], 1});
        }
        return true;
    }
    return error_set(e, ERROR_SYNTAX,
                     "\"%s\" is neither a mailto: nor an https: URI; reports go nowhere else (RFC "
                     "8460, section 3)",
                     dns_name_show(uri).text);
}

static void add_escaped(unsigned char c, struct buffer *out)
{
    if (c == '"' || c == '\\') {
        buffer_printf(out, "\\%c", c);
    } else if (c < ' ' || c > '~') {
        buffer_printf(out, "\\%03u", c);
    } else {
        buffer_add(out, (struct bytes){(const char *)&c, 1});
    }
}

/* The data as quoted character-strings of zone-file syntax (RFC 1035 §5.1). */
static void add_strings(struct bytes data, struct buffer *out)
{
    size_t at = 0;
    do {
        buffer_add(out, at == 0 ? BYTES("\"") : BYTES(" \""));
        size_t end = data.n - at > TXT_STRING_MAX ? at + TXT_STRING_MAX : data.n;
        for (; at < end; at++) {
            add_escaped((unsigned char)data.p[at], out);
        }
        buffer_add(out, BYTES("\""));
    } while (at < data.n);
}

void txt_record_zone_line(const struct txt_record *record, struct buffer *out)
{
    buffer_printf(out, "%.*s. %u IN TXT ", BYTES_ARG(record->name), record->ttl_s);
    add_strings(record->data, out);
    buffer_add(out, BYTES("\n"));
}

void txt_record_nsupdate_lines(const struct txt_record *record, struct buffer *out)
{
    buffer_printf(out, "update delete %.*s. TXT\n", BYTES_ARG(record->name));
    /* A server drops an addition beside a CNAME without a word (RFC 2136 §3.4.2.2). */
    buffer_printf(out, "update delete %.*s. CNAME\n", BYTES_ARG(record->name));
    buffer_printf(out, "update add %.*s. %u TXT ", BYTES_ARG(record->name), record->ttl_s);
    add_strings(record->data, out);
    buffer_add(out, BYTES("\nsend\n"));
}
