/* What a single value of the main configuration is read as. */
#include <limits.h>

#include "lib/base/file.h"
#include "lib/base/shown.h"
#include "settings_parts.h"

void settings_list_add(struct settings_list *list, char *text)
{
    ARRAY_GROW(list->items, list->count, list->capacity);
    list->items[list->count++] = text;
}

void settings_list_clear(struct settings_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
}

void settings_replace(char **place, char *text)
{
    free(*place);
    *place = text;
}

char *settings_absolute_path(struct bytes path, const struct fields_context *context)
{
    CLEANUP_FREE char *name = memory_string_of(path);
    return file_path_join(settings_reader_of(context)->directory, name);
}

static bool read_text(const struct yaml_pair *pair, size_t max, char **place,
                      struct fields_context *context)
{
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    if (text.n == 0 || text.n > max) {
        return fields_error(context, &pair->value_place,
                            "\"%s\" must have 1 to %zu octets; write it so, or remove the key",
                            shown(pair->key->text).text, max);
    }
    settings_replace(place, memory_string_of(text));
    return true;
}

bool settings_read_text(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return read_text(pair, (size_t)context->field->max, target, context);
}

bool settings_read_path(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    CLEANUP_FREE char *path = NULL;
    if (!read_text(pair, PATH_MAX - 1, &path, context)) {
        return false;
    }
    settings_replace(target, settings_absolute_path(bytes_of(path), context));
    return true;
}
