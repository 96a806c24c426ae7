#include "policy_files.h"

#include <errno.h>
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

static bool is_policy_file(const char *path)
{
    struct bytes name = bytes_of(path);
    return bytes_ends_with(name, BYTES(".yaml")) || bytes_ends_with(name, BYTES(".yml"));
}

static void visit(const char *path, const struct error *problem, void *context)
{
    const struct reading *reading = context;
    if (!is_policy_file(path)) {
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

static void count_file(const char *path, const struct error *problem, void *context)
{
    (void)problem;
    *(size_t *)context += is_policy_file(path);
}

bool policy_files_check(const char *path, struct diagnostics *d)
{
    struct stat status;
    struct error ignored;
    size_t count = 0;
    if (stat(path, &status) != 0) {
        diagnostics_add(d, SEVERITY_ERROR, path, 0, 0,
                        "cannot read \"%s\": %s; name an existing file or directory", path,
                        errno == ENOENT ? "there is no such file" : "it is not accessible");
        return false;
    }
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
        diagnostics_add(d, SEVERITY_ERROR, path, 0, 0,
                        "this is no regular file; save it as a file and name that");
        return false;
    }
    if (S_ISDIR(status.st_mode) && watch_list(path, count_file, &count, &ignored) && count == 0) {
        diagnostics_add(d, SEVERITY_ERROR, path, 0, 0,
                        "there is no policy file (*.yaml, *.yml) in this directory; name another");
        return false;
    }
    return true;
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
