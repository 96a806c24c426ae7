#include "unreadable.h"

#include <string.h>

#include "lib/base/file.h"
#include "lib/base/memory.h"

void unreadable_add(struct unreadable *unreadable, const char *path)
{
    for (size_t i = 0; i < unreadable->count; i++) {
        if (strcmp(unreadable->items[i], path) == 0) {
            return;
        }
    }
    if (unreadable->count < UNREADABLE_MAX) {
        ARRAY_GROW(unreadable->items, unreadable->count, unreadable->capacity);
        unreadable->items[unreadable->count++] = memory_string(path);
    }
}

void unreadable_forget(struct unreadable *unreadable, const char *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < unreadable->count; i++) {
        if (file_path_is_below(unreadable->items[i], path)) {
            free(unreadable->items[i]);
        } else {
            unreadable->items[kept++] = unreadable->items[i];
        }
    }
    unreadable->count = kept;
}

void unreadable_clear(struct unreadable *unreadable)
{
    for (size_t i = 0; i < unreadable->count; i++) {
        free(unreadable->items[i]);
    }
    free(unreadable->items);
    *unreadable = (struct unreadable){0};
}

char *unreadable_advice(const char *top, const char *user)
{
    bool is_certbot = strcmp(file_path_name(top), "live") == 0;
    CLEANUP_FREE char *above = file_path_directory(top);
    CLEANUP_FREE char *trees =
        is_certbot ? memory_printf("%s %s/archive", top, above) : memory_string(top);
    return memory_printf("let %s read it: chgrp -R %s %s && chmod -R g+rX %s%s", user, user, trees,
                         trees, is_certbot ? ", and see deploy/certbot for renewals" : "");
}
