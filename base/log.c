#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"

enum { LINE_MAX_OCTETS = 16 * 1024, JOURNAL_FIELDS_MAX = 24 };

struct log {
    int fd;
    enum log_format format;
    enum log_level level;
    bool to_journal;
};

static const struct {
    const char *name;
    int priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
    [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
    [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

/* systemd.exec(5): $JOURNAL_STREAM is "DEVICE:INODE" of the stream it connected. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    uintmax_t device = 0;
    uintmax_t inode = 0;
    return stream != NULL && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
           fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

struct log *log_new(int fd, enum log_format format, enum log_level level)
{
    struct log *log = memory_zero(1, sizeof(*log));
    *log = (struct log){fd, format, level, is_journal(fd)};
    return log;
}

void log_free(struct log *log)
{
    free(log);
}

static void add_json_string(struct buffer *line, struct bytes text)
{
    buffer_add_string(line, "\"");
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '"' || c == '\\') {
            buffer_printf(line, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            buffer_printf(line, "\\u%04x", c);
        } else {
            buffer_add(line, (struct bytes){text.p + i, 1});
        }
    }
    buffer_add_string(line, "\"");
}

/* Bare where that cannot be misread, else quoted as in JSON: one event stays one line. */
static void add_text_value(struct buffer *line, struct bytes text)
{
    bool bare = text.n != 0;
    for (size_t i = 0; i < text.n && bare; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bare = c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
    }
    if (bare) {
        buffer_add(line, text);
    } else {
        add_json_string(line, text);
    }
}

static void add_time(struct buffer *line)
{
    struct timespec now;
    struct tm utc;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    buffer_printf(line, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

static void add_fields_text(struct buffer *line, const struct log_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_printf(line, " %s=", fields[i].name);
        if (fields[i].is_number) {
            buffer_printf(line, "%" PRId64, fields[i].number);
        } else {
            add_text_value(line, fields[i].text);
        }
    }
}

static void add_fields_json(struct buffer *line, const struct log_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_printf(line, ",\"%s\":", fields[i].name);
        if (fields[i].is_number) {
            buffer_printf(line, "%" PRId64, fields[i].number);
        } else {
            add_json_string(line, fields[i].text);
        }
    }
}

static void write_line(const struct log *log, struct buffer *line)
{
    /* A line past its cap is cut, never dropped. */
    line->overflow = false;
    buffer_add_string(line, "\n");
    if (line->overflow) {
        line->p[line->n - 1] = '\n';
    }
    ssize_t ignored = write(log->fd, line->p, line->n);
    (void)ignored;
}

static void send_to_journal(enum log_level level, const char *event, const struct log_field *fields,
                            size_t count)
{
    char *texts[JOURNAL_FIELDS_MAX + 3];
    struct iovec vector[JOURNAL_FIELDS_MAX + 3];
    CLEANUP(buffer_clear) struct buffer message = BUFFER(LINE_MAX_OCTETS);
    size_t n = 0;

    buffer_add_string(&message, event);
    add_fields_text(&message, fields, count);
    texts[n++] = memory_printf("MESSAGE=%s", message.p);
    texts[n++] = memory_printf("PRIORITY=%d", levels[level].priority);
    texts[n++] = memory_printf("MTASTS_EVENT=%s", event);
    for (size_t i = 0; i < count && i < JOURNAL_FIELDS_MAX; i++) {
        char name[64];
        size_t length = 0;
        for (; fields[i].name[length] != '\0' && length < sizeof(name) - 1; length++) {
            char c = fields[i].name[length];
            name[length] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        }
        name[length] = '\0';
        texts[n++] = fields[i].is_number
                         ? memory_printf("MTASTS_%s=%" PRId64, name, fields[i].number)
                         : memory_printf("MTASTS_%s=%.*s", name, BYTES_ARG(fields[i].text));
    }
    for (size_t i = 0; i < n; i++) {
        vector[i] = (struct iovec){texts[i], strlen(texts[i])};
    }
    (void)sd_journal_sendv(vector, (int)n);
    for (size_t i = 0; i < n; i++) {
        free(texts[i]);
    }
}

void log_fields(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields, size_t count)
{
    if (level > log->level) {
        return;
    }
    if (log->to_journal) {
        send_to_journal(level, event, fields, count);
        return;
    }
    CLEANUP(buffer_clear) struct buffer line = BUFFER(LINE_MAX_OCTETS);
    if (log->format == LOG_FORMAT_JSON) {
        buffer_add_string(&line, "{\"time\":\"");
        add_time(&line);
        buffer_printf(&line, "\",\"level\":\"%s\",\"event\":\"%s\"", levels[level].name, event);
        add_fields_json(&line, fields, count);
        buffer_add_string(&line, "}");
    } else {
        add_time(&line);
        buffer_printf(&line, " %s %s", levels[level].name, event);
        add_fields_text(&line, fields, count);
    }
    write_line(log, &line);
}
