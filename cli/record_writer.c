#include "record_writer.h"

#include <string.h>

#include <jansson.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"
#include "lib/base/safe_json.h"
#include "policies/model/txt_record.h"

/* One record as text: a name, a TXT of some hundred octets, its TTL; with room to spare. */
enum { RECORD_TEXT_MAX = 256 * 1024 };

static const char *const type_names[] = {[RECORD_TXT] = "TXT", [RECORD_CNAME] = "CNAME"};

static void print_buffer(FILE *out, struct buffer *text)
{
    fwrite(text->p != NULL ? text->p : "", 1, text->n, out);
    buffer_clear(text);
}

static struct txt_record txt_of(const struct record *record)
{
    return (struct txt_record){.name = record->name, .data = record->data, .ttl_s = record->ttl_s};
}

static void write_zone(struct record_writer *writer, const struct record *record)
{
    if (record->type == RECORD_CNAME) {
        fprintf(writer->out, "%.*s. %u IN CNAME %.*s.\n", BYTES_ARG(record->name), record->ttl_s,
                BYTES_ARG(record->data));
        return;
    }
    struct buffer text = BUFFER(RECORD_TEXT_MAX);
    struct txt_record txt = txt_of(record);
    txt_record_zone_line(&txt, &text);
    print_buffer(writer->out, &text);
}

static void write_nsupdate(struct record_writer *writer, const struct record *record)
{
    if (record->type == RECORD_CNAME) {
        /* Nothing else may stand beside a CNAME (RFC 1034 §3.6.2), and a server that has a TXT
         * there passes over the addition in silence (RFC 2136 §3.4.2.2). */
        fprintf(writer->out,
                "update delete %.*s. TXT\n"
                "update delete %.*s. CNAME\n"
                "update add %.*s. %u CNAME %.*s.\n"
                "send\n",
                BYTES_ARG(record->name), BYTES_ARG(record->name), BYTES_ARG(record->name),
                record->ttl_s, BYTES_ARG(record->data));
        return;
    }
    struct buffer text = BUFFER(RECORD_TEXT_MAX);
    struct txt_record txt = txt_of(record);
    txt_record_nsupdate_lines(&txt, &text);
    print_buffer(writer->out, &text);
}

static void write_json(struct record_writer *writer, const struct record *record)
{
    json_t *object = json_object();
    if (record->domain.n != 0) {
        json_object_set_new(object, "domain", json_stringn(record->domain.p, record->domain.n));
    }
    if (record->shared.n != 0) {
        json_object_set_new(object, "policy", json_stringn(record->shared.p, record->shared.n));
    }
    json_object_set_new(object, "name", json_stringn(record->name.p, record->name.n));
    json_object_set_new(object, "type", json_string(type_names[record->type]));
    json_object_set_new(object, "ttl", json_integer(record->ttl_s));
    json_object_set_new(object, "data", json_stringn(record->data.p, record->data.n));
    CLEANUP_FREE char *text = safe_json_dump(object, 0);
    fputs(text, writer->out);
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
    switch (writer->format) {
    case RECORD_ZONE:
        write_zone(writer, record);
        break;
    case RECORD_NSUPDATE:
        write_nsupdate(writer, record);
        break;
    case RECORD_JSON:
        fputs(writer->count != 0 ? ",\n  " : "\n  ", writer->out);
        write_json(writer, record);
        break;
    case RECORD_NDJSON:
        write_json(writer, record);
        fputc('\n', writer->out);
        break;
    }
    writer->count++;
}

void record_writer_end(struct record_writer *writer)
{
    if (writer->format == RECORD_JSON) {
        fputs(writer->count != 0 ? "\n]}\n" : "]}\n", writer->out);
    }
}
