#include "policy_files.h"

#include <sys/stat.h>

#include "base/file.h"
#include "watch/watch.h"

struct reading {
    struct policy_files *files;
    const struct policy_file_defaults *defaults;
    struct diagnostics *diagnostics;
};

static void read_file(const struct reading *reading, const char *path)
{
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_FILE_MAX);
    if (!file_read(path, &text, NULL, &e)) {
        diagnostics_add_error(reading->diagnostics, path, &e);
        return;
    }
    struct policy_file file;
    if (!policy_file_parse(buffer_bytes(&text), path, reading->defaults, &file,
                           reading->diagnostics)) {
        return;
    }
    struct policy_files *files = reading->files;
    ARRAY_GROW(files->items, files->count, files->capacity);
    files->items[files->count++] = (struct policy_files_item){memory_string(path), file};
}

static void visit(const char *path, const struct error *problem, void *context)
{
    const struct reading *reading = context;
    struct bytes name = bytes_of(path);
    if (!bytes_ends_with(name, BYTES(".yaml")) && !bytes_ends_with(name, BYTES(".yml"))) {
        return;
    }
    if (problem != NULL) {
        diagnostics_add_error(reading->diagnostics, path, problem);
    } else {
        read_file(reading, path);
    }
}

void policy_files_read(struct policy_files *files, const char *path,
                       const struct policy_file_defaults *defaults, struct diagnostics *d)
{
    struct reading reading = {files, defaults, d};
    struct error e;
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
        read_file(&reading, path);
    } else if (!watch_list(path, visit, &reading, &e)) {
        diagnostics_add_error(d, path, &e);
    }
}

void policy_files_clear(struct policy_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        policy_file_clear(&files->items[i].file);
        free(files->items[i].path);
    }
    free(files->items);
    *files = (struct policy_files){0};
}
