/* The access log's two forms of any record. Each is exactly one line that fits; combined is ASCII
 * in which no text ends before its quote; JSON is UTF-8 with nothing unsafe in it and parses to
 * what the record has. Fields are cut out of the input at 0x00, after two octets for the numbers.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/memory.h"
#include "server/engine/access_record.h"
#include "shown.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes what stands before the next NUL off *REST. */
static struct bytes next_field(struct bytes *rest)
{
    const char *end = rest->n != 0 ? memchr(rest->p, '\0', rest->n) : NULL;
    struct bytes field = {rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};
    *rest = bytes_skip(*rest, field.n + 1);
    return field;
}

static void require_one_line(const struct buffer *line)
{
    shown_require(!line->overflow && line->n != 0);
    shown_require(memchr(line->p, '\n', line->n) == line->p + line->n - 1);
}

/* Quotes that no backslash stands before: those of the format, and no more. */
static size_t count_bare_quotes(struct bytes line)
{
    size_t count = 0;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '\\') {
            i++;
        } else if (line.p[i] == '"') {
            count++;
        }
    }
    return count;
}

static void look_at_combined(const struct access_record *record)
{
    CLEANUP(buffer_clear) struct buffer line = BUFFER(ACCESS_LINE_MAX);
    access_record_combined(record, &line);
    require_one_line(&line);
    for (size_t i = 0; i + 1 < line.n; i++) {
        shown_require(line.p[i] >= ' ' && line.p[i] < 0x7f);
    }
    shown_require(count_bare_quotes(buffer_bytes(&line)) == 6);
}

static void look_at_json(const struct access_record *record)
{
    CLEANUP(buffer_clear) struct buffer line = BUFFER(ACCESS_LINE_MAX);
    access_record_json(record, &line);
    require_one_line(&line);
    shown_require_safe((struct bytes){line.p, line.n - 1});
    json_t *read = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
    shown_require(json_object_size(read) == 10);
    json_t *path = json_string(record->path);
    if (path != NULL) { /* UTF-8: nothing is lost */
        shown_require(json_equal(path, json_object_get(read, "path")));
    }
    shown_require(json_integer_value(json_object_get(read, "status")) == record->status);
    json_decref(path);
    json_decref(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct access_record record = {
        .time_ms = (int64_t)data[0] * 1000000007, .status = data[1], .version = data[0] << 4};
    struct bytes rest = {(const char *)data + 2, size - 2};
    access_record_set(record.address, sizeof(record.address), next_field(&rest));
    access_record_set(record.method, sizeof(record.method), next_field(&rest));
    access_record_set(record.host, sizeof(record.host), next_field(&rest));
    access_record_set(record.path, sizeof(record.path), next_field(&rest));
    access_record_set(record.agent, sizeof(record.agent), next_field(&rest));
    access_record_set(record.referer, sizeof(record.referer), rest);
    look_at_combined(&record);
    look_at_json(&record);
    return 0;
}
