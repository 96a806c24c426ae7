/* Members of a JSON object, as views want them. */
#ifndef LIB_BASE_JSON_READ_H
#define LIB_BASE_JSON_READ_H

#include <jansson.h>

/* 0 where it is missing or no number. */
static inline long long json_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* NULL where it is missing or null. */
static inline const char *json_text_or_null(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* "" there. */
static inline const char *json_text(const json_t *object, const char *key)
{
    const char *text = json_text_or_null(object, key);
    return text != NULL ? text : "";
}

#endif
