#include "export_list.h"

#include <errno.h>

#include "lib/base/file.h"

enum { LIST_MAX = 512 * 1024 * 1024, LIST_MODE = 0644 }; /* a million names of 255 octets, twice */

static char *list_path(const char *directory)
{
    return file_path_join(directory, ".mtasts-host-export");
}

bool export_list_read(const struct directory_tree *tree, struct name_map *list, struct error *e)
{
    CLEANUP_FREE char *path = list_path(tree->path);
    CLEANUP(buffer_clear) struct buffer text = BUFFER(LIST_MAX);
    struct error why;
    if (!file_read_at(tree->fd, path, &text, &why)) {
        *e = why;
        return why.system_errno == ENOENT;
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

bool export_list_write(const struct directory_tree *tree, const struct name_map *list,
                       struct error *e)
{
    CLEANUP_FREE char *path = list_path(tree->path);
    CLEANUP(buffer_clear) struct buffer text = BUFFER(LIST_MAX);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].value != EXPORT_DELETED) {
            buffer_add_string(&text, list->items[i].name);
            buffer_add_string(&text, "\n");
        }
    }
    return file_replace_at(tree->fd, path, buffer_bytes(&text), LIST_MODE, e);
}
