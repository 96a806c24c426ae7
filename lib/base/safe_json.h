/* JSON of texts from outside (lib/base/safe_text.h). jansson makes no string of what is not UTF-8,
 * and writes C1 and bidirectional controls as they are; both are taken care of here, so nothing
 * else prints JSON with json_dump…(), and json_string() is given our own words alone.
 *
 *     json_t *file = safe_json_text(path);
 *     safe_json_print(document, stdout); */
#ifndef LIB_BASE_SAFE_JSON_H
#define LIB_BASE_SAFE_JSON_H

#include <stdio.h>

#include <jansson.h>

#include "lib/base/bytes.h"

/* Any octets as a string, never NULL: valid UTF-8 as it is, with all its controls, since they are
 * escaped when it is written; an octet that is not UTF-8, and NUL, as the text \xNN. */
json_t *safe_json_string(struct bytes text);
/* The same; null for NULL. */
json_t *safe_json_text(const char *text);

/* For who works with the octets instead of printing them: STRING, which safe_json_string() made,
 * becomes what it was made of, in place. A text that has \xNN of itself, as no UTF-8 would have,
 * cannot be told apart. */
void safe_json_restore(json_t *string);

/* As json_dumps(): UTF-8 without unsafe characters, "null" for NULL. The caller frees it. */
char *safe_json_dump(const json_t *value, size_t flags);
/* Indented, and a line end. */
void safe_json_print(const json_t *value, FILE *out);

/* A copy for the eyes: every string and every key is what safe_text_add() makes of it. */
json_t *safe_json_shown(const json_t *value);

#endif
