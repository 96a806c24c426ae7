/* Policy files read one by one, each taken by itself: for what needs their entries as written, and
 * no verdict about all of them together (loader/policy_set.h gives that). */
#ifndef CLI_POLICY_FILES_H
#define CLI_POLICY_FILES_H

#include "policies/policy_file.h"

struct policy_files_item {
    char *path;
    struct policy_file file;
};

struct policy_files {
    struct policy_files_item *items;
    size_t count;
    size_t capacity;
};

/* Reads PATH: a file whatever its name, or every policy file below a directory. What cannot be read
 * or is in error is left out and added to D. */
void policy_files_read(struct policy_files *files, const char *path,
                       const struct policy_file_defaults *defaults, struct diagnostics *d);
/* Whether PATH, a file or a directory that was named, is anything to read; else an error in D. */
bool policy_files_check(const char *path, struct diagnostics *d);
void policy_files_clear(struct policy_files *files);

#endif
