/* DNS records in the formats that `--format` names:
 *
 *     zone       _mta-sts.example.org. 300 IN TXT "v=STSv1; id=…;"
 *     nsupdate   commands for nsupdate(1), each set of records an update of its own
 *     json       {"records": [{"domain": …, "name": …, "type": "TXT", "ttl": 300, "data": …}]}
 *     ndjson     such an object a line
 *
 * Written as they come: a million of them need no memory. */
#ifndef CLI_RECORD_WRITER_H
#define CLI_RECORD_WRITER_H

#include <stdio.h>

#include <jansson.h>

#include "publish/record.h"

enum record_format { RECORD_ZONE, RECORD_NSUPDATE, RECORD_JSON, RECORD_NDJSON };

/* The words of `--format`, for the option tables. */
#define RECORD_FORMATS "zone|nsupdate|json|ndjson"

struct record_writer {
    FILE *out;
    enum record_format format;
    size_t count;
};

/* WORD is one of RECORD_FORMATS or NULL (zone). */
void record_writer_begin(struct record_writer *writer, FILE *out, const char *word);
void record_writer_add(struct record_writer *writer, const struct record *record);
/* LIST (may be NULL) is a second part of the JSON document, NAME; other formats have no place for
 * it.
 */
void record_writer_end(struct record_writer *writer, const char *name, const json_t *list);

#endif
