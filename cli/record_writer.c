#include "record_writer.h"

#include <string.h>

#include <jansson.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"
#include "lib/base/safe_json.h"
#include "policies/model/txt_record.h"

/* One record as text: a name, a TXT of some hundred octets, its TTL; with room to spare. */
enum { RECORD_TEXT_MAX = 256 * 1024 };

static struct txt_record txt_of(const struct record *record)
{
    return (struct txt_record){.name = record->name, .data = record->data, .ttl_s = record->ttl_s};
}

static void add_zone(const struct record *record, struct buffer *text)
{
    const struct txt_record txt = txt_of(record);
    if (record->type == RECORD_TXT) {
        txt_record_zone_line(&txt, text);
    } else {
        buffer_printf(text, "%.*s. %u IN CNAME %.*s.\n", BYTES_ARG(record->name), record->ttl_s,
                      BYTES_ARG(record->data));
    }
}

static void add_nsupdate(const struct record *record, struct buffer *text)
{
    const struct txt_record txt = txt_of(record);
    if (record->type == RECORD_TXT) {
        txt_record_nsupdate_lines(&txt, text);
        return;
    }
    /* Nothing else may stand beside a CNAME (RFC 1034 §3.6.2), and a server that has a TXT there
     * passes over the addition in silence (RFC 2136 §3.4.2.2). */
    buffer_printf(text,
                  "update delete %.*s. TXT\n"
                  "update delete %.*s. CNAME\n"
                  "update add %.*s. %u CNAME %.*s.\n"
                  "send\n",
                  BYTES_ARG(record->name), BYTES_ARG(record->name), BYTES_ARG(record->name),
                  record->ttl_s, BYTES_ARG(record->data));
}

static json_t *text_or_null(struct bytes text)
{
    return text.n != 0 ? json_stringn(text.p, text.n) : NULL;
}

static void add_json(const struct record *record, struct buffer *text)
{
    json_t *object =
        json_pack("{s:o*, s:o*, s:o, s:s, s:I, s:o}", "domain", text_or_null(record->domain),
                  "policy", text_or_null(record->shared), "name", text_or_null(record->name),
                  "type", record->type == RECORD_TXT ? "TXT" : "CNAME", "ttl",
                  (json_int_t)record->ttl_s, "data", text_or_null(record->data));
    CLEANUP_FREE char *dump = safe_json_dump(object, 0);
    buffer_add_string(text, dump);
    json_decref(object);
}

void record_writer_begin(struct record_writer *writer, FILE *out, const char *word)
{
    static const char *const words[] = {"zone", "nsupdate", "json", "ndjson"};
    *writer = (struct record_writer){.out = out};
    for (size_t i = 0; word != NULL && i < ARRAY_LENGTH(words); i++) {
        if (strcmp(words[i], word) == 0) {
            writer->format = (enum record_format)i;
        }
    }
    if (writer->format == RECORD_JSON) {
        fputs("{\"records\": [", out);
    }
}

void record_writer_add(struct record_writer *writer, const struct record *record)
{
    static void (*const add[])(const struct record *record, struct buffer *text) = {
        [RECORD_ZONE] = add_zone,
        [RECORD_NSUPDATE] = add_nsupdate,
        [RECORD_JSON] = add_json,
        [RECORD_NDJSON] = add_json,
    };
    CLEANUP(buffer_clear) struct buffer text = BUFFER(RECORD_TEXT_MAX);
    if (writer->format == RECORD_JSON) {
        buffer_add_string(&text, writer->count != 0 ? ",\n  " : "\n  ");
    }
    add[writer->format](record, &text);
    buffer_add_string(&text, writer->format == RECORD_NDJSON ? "\n" : "");
    fwrite(buffer_bytes(&text).p, 1, text.n, writer->out);
    writer->count++;
}

void record_writer_end(struct record_writer *writer, const char *name, const json_t *list)
{
    if (writer->format != RECORD_JSON) {
        return;
    }
    fputs(writer->count != 0 ? "\n]" : "]", writer->out);
    if (list != NULL) {
        CLEANUP_FREE char *dump = safe_json_dump(list, JSON_INDENT(2));
        fprintf(writer->out, ",\n\"%s\": %s", name, dump);
    }
    fputs("}\n", writer->out);
}
