/* A directory of the test's own, with all in it removed at the end. */
#ifndef TESTS_UNIT_SERVER_TEMPORARY_H
#define TESTS_UNIT_SERVER_TEMPORARY_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/memory.h"

static inline char *temporary_make(void)
{
    char *path = memory_string("/tmp/mtasts-server-XXXXXX");
    if (mkdtemp(path) == NULL) {
        abort();
    }
    return path;
}

static inline char *temporary_path(const char *directory, const char *name)
{
    return memory_printf("%s/%s", directory, name);
}

static inline void temporary_remove(char *directory)
{
    DIR *listing = opendir(directory);
    for (const struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
        (void)unlinkat(dirfd(listing), entry->d_name, 0);
    }
    if (listing != NULL) {
        closedir(listing);
    }
    (void)rmdir(directory);
    free(directory);
}

#endif
