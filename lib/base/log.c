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

#include "lib/base/buffer.h"
#include "lib/base/memory.h"
#include "lib/base/safe_text.h"

enum {
    LINE_MAX_OCTETS = 16 * 1024,
    LINE_END_ROOM = 16, /* an ellipsis, a quote, a brace and a line end */
    FIELD_ROOM = 32,    /* what a field takes besides its name and text */
    JOURNAL_FIELDS_MAX = 24,
};

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

/* STREAM is "DEVICE:INODE". */
static bool read_stream(const char *stream, uintmax_t *ret_device, uintmax_t *ret_inode)
{
    char *end = NULL;
    *ret_device = strtoumax(stream, &end, 10);
    if (*end != ':') {
        return false;
    }
    *ret_inode = strtoumax(end + 1, &end, 10);
    return *end == '\0';
}

/* systemd.exec(5): $JOURNAL_STREAM names the stream that it connected. */
static bool is_journal(int fd)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment */
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    uintmax_t device = 0;
    uintmax_t inode = 0;
    return stream != NULL && read_stream(stream, &device, &inode) && fstat(fd, &status) == 0 &&
           status.st_dev == device && status.st_ino == inode;
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

/* How much of a text may still be added to LINE. */
static size_t text_room(const struct buffer *line)
{
    return line->n + LINE_END_ROOM < LINE_MAX_OCTETS ? LINE_MAX_OCTETS - LINE_END_ROOM - line->n
                                                     : 0;
}

/* Whether FIELD's name fits, and a number. */
static bool has_room(const struct buffer *line, const struct log_field *field)
{
    return strlen(field->name) + FIELD_ROOM < text_room(line);
}

static void add_json_string(struct buffer *line, struct bytes text)
{
    buffer_add_string(line, "\"");
    safe_text_add_json(line, text, text_room(line));
    buffer_add_string(line, "\"");
}

static bool is_bare(struct bytes text)
{
    bool bare = text.n != 0 && safe_text_is_safe(text);
    for (size_t i = 0; i < text.n && bare; i++) {
        bare = strchr(" \"=\\", text.p[i]) == NULL;
    }
    return bare;
}

/* Bare where that cannot be misread, else quoted as in JSON: one event stays one line. */
static void add_text_value(struct buffer *line, struct bytes text)
{
    if (is_bare(text)) {
        safe_text_add(line, text, text_room(line));
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
    for (size_t i = 0; i < count && has_room(line, &fields[i]); i++) {
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
    for (size_t i = 0; i < count && has_room(line, &fields[i]); i++) {
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
    buffer_add_string(line, "\n");
    ssize_t ignored = write(log->fd, line->p, line->n);
    (void)ignored;
}

/* journald's names are upper case. */
static char *journal_field(const struct log_field *field)
{
    struct buffer text = BUFFER(LINE_MAX_OCTETS);
    buffer_add_string(&text, "MTASTS_");
    for (const char *c = field->name; *c != '\0'; c++) {
        buffer_printf(&text, "%c", *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    }
    buffer_add_string(&text, "=");
    if (field->is_number) {
        buffer_printf(&text, "%" PRId64, field->number);
    } else {
        safe_text_add(&text, field->text, text_room(&text));
    }
    return buffer_take(&text);
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
        texts[n++] = journal_field(&fields[i]);
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
