#include "export_list.h"

#include <unistd.h>

#include "base/file.h"

enum { LIST_MAX = 512 * 1024 * 1024, LIST_MODE = 0644 }; /* a million names of 255 octets, twice */

static char *list_path(const char *directory)
{
    return file_path_join(directory, ".mtasts-host-export");
}

bool export_list_read(const char *directory, struct name_map *list, struct error *e)
{
    CLEANUP_FREE char *path = list_path(directory);
    if (access(path, F_OK) != 0) {
        return true;
    }
    CLEANUP(buffer_clear) struct buffer text = BUFFER(LIST_MAX);
    if (!file_read(path, &text, NULL, e)) {
        return false;
    }
    struct bytes rest = buffer_bytes(&text);
    while (rest.n != 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        struct bytes line = {rest.p, end != NULL ? (size_t)(end - rest.p) : rest.n};
        if (line.n != 0) {
            name_map_add(list, line);
        }
        rest = bytes_skip(rest, line.n + (end != NULL));
    }
    return true;
}

bool export_list_write(const char *directory, const struct name_map *list, struct error *e)
{
    CLEANUP_FREE char *path = list_path(directory);
    CLEANUP(buffer_clear) struct buffer text = BUFFER(LIST_MAX);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].value != EXPORT_DELETED) {
            buffer_add_string(&text, list->items[i].name);
            buffer_add_string(&text, "\n");
        }
    }
    return file_replace(path, buffer_bytes(&text), LIST_MODE, e);
}
