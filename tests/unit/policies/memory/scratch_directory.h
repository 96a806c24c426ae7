/* A directory for one test, and what it leaves there. */
#ifndef TESTS_UNIT_POLICIES_MEMORY_SCRATCH_DIRECTORY_H
#define TESTS_UNIT_POLICIES_MEMORY_SCRATCH_DIRECTORY_H

#include <dirent.h>
#include <unistd.h>

#include "lib/base/file.h"

struct scratch_directory {
    char path[64];
};

static inline bool scratch_directory_make(struct scratch_directory *directory)
{
    strcpy(directory->path, "/tmp/test-mtasts-XXXXXX");
    return mkdtemp(directory->path) != NULL;
}

/* With the files in it. */
static inline bool scratch_directory_remove(const struct scratch_directory *directory)
{
    struct dirent **names = NULL;
    int count = scandir(directory->path, &names, NULL, NULL);
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *path = file_path_join(directory->path, names[i]->d_name);
        (void)unlink(path);
        free(names[i]);
    }
    free(names);
    return rmdir(directory->path) == 0;
}

#endif
