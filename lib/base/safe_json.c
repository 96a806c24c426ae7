#include "safe_json.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/base/safe_text.h"

json_t *safe_json_string(struct bytes text)
{
    CLEANUP(buffer_clear) struct buffer utf8 = BUFFER(SIZE_MAX / 4);
    safe_text_add_utf8(&utf8, text);
    return json_stringn_nocheck(buffer_bytes(&utf8).p, utf8.n);
}

json_t *safe_json_text(const char *text)
{
    return text != NULL ? safe_json_string(bytes_of(text)) : json_null();
}

/* The octet that "\xNN" at P stands for; -1: it is no such text, or of ASCII, which needs none. */
static int read_octet(const char *p)
{
    bool is_one = p[0] == '\\' && p[1] == 'x' && isxdigit((unsigned char)p[2]) != 0 &&
                  isxdigit((unsigned char)p[3]) != 0;
    const char digits[] = {is_one ? p[2] : '0', is_one ? p[3] : '0', '\0'};
    long octet = strtol(digits, NULL, 16);
    return octet > INT8_MAX ? (int)octet : -1;
}

void safe_json_restore(json_t *string)
{
    CLEANUP(buffer_clear) struct buffer octets = BUFFER(SIZE_MAX / 4);
    const char *p = json_string_value(string);
    if (p == NULL || strstr(p, "\\x") == NULL) {
        return;
    }
    while (*p != '\0') {
        int octet = read_octet(p);
        char restored = octet >= 0 ? (char)octet : *p;
        buffer_add(&octets, (struct bytes){&restored, 1});
        p += octet >= 0 ? strlen("\\xNN") : 1;
    }
    (void)json_string_setn_nocheck(string, buffer_bytes(&octets).p, octets.n);
}

char *safe_json_dump(const json_t *value, size_t flags)
{
    struct buffer safe = BUFFER(SIZE_MAX / 4);
    CLEANUP_FREE char *text = value != NULL ? json_dumps(value, flags | JSON_ENCODE_ANY) : NULL;
    safe_text_add_document(&safe, bytes_of(text != NULL ? text : "null"));
    return buffer_take(&safe);
}

void safe_json_print(const json_t *value, FILE *out)
{
    CLEANUP_FREE char *text = safe_json_dump(value, JSON_INDENT(2));
    fprintf(out, "%s\n", text);
}

static json_t *shown_string(const json_t *value)
{
    CLEANUP_FREE char *text =
        safe_text_copy((struct bytes){json_string_value(value), json_string_length(value)});
    return json_string(text);
}

static json_t *shown_array(const json_t *value)
{
    size_t i = 0;
    json_t *item = NULL;
    json_t *shown = json_array();
    json_array_foreach(value, i, item)
    {
        json_array_append_new(shown, safe_json_shown(item));
    }
    return shown;
}

static json_t *shown_object(const json_t *value)
{
    const char *key = NULL;
    json_t *member = NULL;
    json_t *shown = json_object();
    json_object_foreach((json_t *)value, key, member)
    {
        CLEANUP_FREE char *name = safe_text_copy(bytes_of(key));
        json_object_set_new(shown, name, safe_json_shown(member));
    }
    return shown;
}

json_t *
safe_json_shown(const json_t *value) /* NOLINT(misc-no-recursion): as deep as jansson reads */
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return shown_string(value);
    case JSON_ARRAY:
        return shown_array(value);
    case JSON_OBJECT:
        return shown_object(value);
    default:
        return json_copy((json_t *)value);
    }
}
