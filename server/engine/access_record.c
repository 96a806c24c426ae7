#include "access_record.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/safe_text.h"

void access_record_set(char *field, size_t size, struct bytes text)
{
    size_t n = text.n < size - 1 ? text.n : size - 1;
    for (size_t i = 0; i < n; i++) {
        field[i] = text.p[i];
        if (field[i] == '\0') {
            field[i] = ' ';
        }
    }
    field[n] = '\0';
}

void access_record_set_address(struct access_record *record, const struct sockaddr *peer)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)peer;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)peer;
    char *text = record->address;
    text[0] = '\0';
    if (peer->sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &four->sin_addr, text, sizeof(record->address));
    } else if (peer->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
        (void)inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, text, sizeof(record->address));
    } else if (peer->sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(record->address));
    }
}

const char *access_record_protocol(const struct access_record *record)
{
    return record->version >= 0x200 ? "HTTP/2" : record->version == 0x101 ? "HTTP/1.1" : "HTTP/1.0";
}

/* A request must not forge a line. */
static void add_escaped(struct buffer *line, const char *text)
{
    safe_text_add_ascii(line, bytes_of(text), SIZE_MAX);
}

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : "-";
}

void access_record_combined(const struct access_record *record, struct buffer *line)
{
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = record->time_ms / 1000;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    add_escaped(line, or_dash(record->address));
    buffer_printf(line, " - - [%02d/%s/%04d:%02d:%02d:%02d +0000] \"", utc.tm_mday,
                  months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    add_escaped(line, record->method);
    buffer_add_string(line, " ");
    add_escaped(line, record->path);
    buffer_printf(line, " %s\" %d %" PRIu64 " \"", access_record_protocol(record), record->status,
                  record->octets);
    add_escaped(line, or_dash(record->referer));
    buffer_add_string(line, "\" \"");
    add_escaped(line, or_dash(record->agent));
    buffer_add_string(line, "\"\n");
}

static void add_json(struct buffer *line, const char *name, const char *text)
{
    buffer_printf(line, ",\"%s\":\"", name);
    safe_text_add_json(line, bytes_of(text), SIZE_MAX);
    buffer_add_string(line, "\"");
}

void access_record_json(const struct access_record *record, struct buffer *line)
{
    time_t seconds = record->time_ms / 1000;
    struct tm utc;
    char text[32];
    gmtime_r(&seconds, &utc);
    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    buffer_printf(line, "{\"time\":\"%s.%03dZ\"", text, (int)(record->time_ms % 1000));
    add_json(line, "address", record->address);
    add_json(line, "host", record->host);
    add_json(line, "method", record->method);
    add_json(line, "path", record->path);
    add_json(line, "protocol", access_record_protocol(record));
    buffer_printf(line, ",\"status\":%d,\"octets\":%" PRIu64, record->status, record->octets);
    add_json(line, "referer", record->referer);
    add_json(line, "agent", record->agent);
    buffer_add_string(line, "}\n");
}
