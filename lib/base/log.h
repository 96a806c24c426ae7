/* One line, one event, with named fields.
 *
 *     log_event(log, LOG_LEVEL_INFO, "policies.file.loaded", LOG_TEXT("file", path),
 *               LOG_NUMBER("domains", n));
 *
 * goes to stderr as text (`2026-11-23T14:15:00.123Z info policies.file.loaded file=a.yaml
 * domains=3`) or as a JSON object a line, or to the journal with native fields where stderr is the
 * journal
 * ($JOURNAL_STREAM). Whatever octets a field has, a line is valid UTF-8 with nothing in it that a
 * terminal obeys (lib/base/safe_text.h), and JSON is valid JSON; a text is cut, and a field left
 * out, where the line would pass 16 KiB. Safe to call from any thread; a line is one write. Only
 * `server/` and who has a thread of its own log; all else returns errors. Never log a key or a
 * token. */
#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log;

struct log_field {
    const char *name; /* [a-z_]+ */
    struct bytes text;
    int64_t number;
    bool is_number;
};

#define LOG_TEXT(field_name, string)                                                               \
    ((struct log_field){.name = (field_name), .text = bytes_of(string)})
#define LOG_BYTES(field_name, b) ((struct log_field){.name = (field_name), .text = (b)})
#define LOG_NUMBER(field_name, value)                                                              \
    ((struct log_field){.name = (field_name), .number = (int64_t)(value), .is_number = true})

/* Writes to FD (not owned), events of LEVEL and graver. */
struct log *log_new(int fd, enum log_format format, enum log_level level);
void log_free(struct log *log);

void log_fields(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields, size_t count);

#define log_event(log, level, event, ...)                                                          \
    log_fields((log), (level), (event), (const struct log_field[]){__VA_ARGS__},                   \
               sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

#endif
