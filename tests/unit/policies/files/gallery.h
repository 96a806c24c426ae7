/* Golden directories: CASE/input goes in, what comes out must be CASE/want to the octet.
 *
 * With $MTASTS_UPDATE_WANT set the `want` files are written instead: look at the difference. */
#ifndef TESTS_UNIT_POLICIES_FILES_GALLERY_H
#define TESTS_UNIT_POLICIES_FILES_GALLERY_H

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/base/file.h"

enum { GALLERY_FILE_MAX = 1024 * 1024 };

/* Appends what comes out for the case in DIRECTORY to OUT. */
typedef void gallery_produce(const char *directory, struct bytes input, struct buffer *out);

/* The file NAME of the case in DIRECTORY; empty where there is none. */
static inline struct buffer gallery_read(const char *directory, const char *name)
{
    struct buffer text = BUFFER(GALLERY_FILE_MAX);
    CLEANUP_FREE char *path = file_path_join(directory, name);
    struct stat status;
    struct error e = {0};
    if (stat(path, &status) == 0 && !file_read(path, &text, NULL, &e)) {
        fprintf(stderr, "%s\n", e.text);
    }
    return text;
}

static inline bool gallery_case(const char *directory, const char *name, gallery_produce *produce)
{
    CLEANUP(buffer_clear) struct buffer input = gallery_read(directory, "input");
    CLEANUP(buffer_clear) struct buffer want = gallery_read(directory, "want");
    CLEANUP(buffer_clear) struct buffer got = BUFFER(GALLERY_FILE_MAX);
    produce(directory, buffer_bytes(&input), &got);
    if (getenv("MTASTS_UPDATE_WANT") != NULL) {
        CLEANUP_FREE char *path = file_path_join(directory, "want");
        struct error e = {0};
        return file_replace(path, buffer_bytes(&got), 0644, &e);
    }
    if (want.n != 0 && bytes_equal(buffer_bytes(&got), buffer_bytes(&want))) {
        return true;
    }
    fprintf(stderr, "%s: got\n%.*s\nwant\n%.*s\n", name, BYTES_ARG(buffer_bytes(&got)),
            BYTES_ARG(buffer_bytes(&want)));
    return false;
}

/* Runs every case below DIRECTORY. Returns how many differ; each is printed by name. */
static inline size_t gallery_run(const char *directory, gallery_produce *produce, size_t *ret_count)
{
    struct dirent **cases = NULL;
    int count = scandir(directory, &cases, NULL, alphasort);
    size_t differ = 0;
    size_t run = 0;
    for (int i = 0; i < count; i++) {
        if (cases[i]->d_name[0] != '.') {
            CLEANUP_FREE char *path = file_path_join(directory, cases[i]->d_name);
            differ += gallery_case(path, cases[i]->d_name, produce) ? 0 : 1;
            run++;
        }
        free(cases[i]);
    }
    free(cases);
    *ret_count = run;
    return differ;
}

#endif
