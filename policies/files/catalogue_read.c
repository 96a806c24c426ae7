/* Which files there are, and what each says. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/file.h"
#include "lib/base/parallel.h"
#include "lib/watch/watch.h"
#include "policies/files/catalogue_parts.h"
#include "policies/files/mirror_copy.h"
#include "policies/files/policy_file_path.h"

/* --- Listing --- */

struct listing {
    struct catalogue *catalogue;
    size_t top;
};

static struct catalogue_file *add_file(const struct listing *listing, const char *path)
{
    struct catalogue *catalogue = listing->catalogue;
    ARRAY_GROW(catalogue->files, catalogue->file_count, catalogue->file_capacity);
    struct catalogue_file *file = &catalogue->files[catalogue->file_count++];
    *file = (struct catalogue_file){.path = memory_string(path), .top = listing->top};
    catalogue->tops[listing->top].files++;
    return file;
}

/* PATH is in the directory, but nobody gets at it. */
static void meet_unreadable(const struct listing *listing, const char *path, const struct error *e)
{
    /* A link to nothing that could never have been a policy file. */
    bool other = e->code == ERROR_NOT_FOUND && !policy_file_path_counts(path) &&
                 strchr(file_path_name(path), '.') != NULL;
    if (!other) {
        policy_file_path_tell_unreadable(&add_file(listing, path)->problems, path, e);
    }
}

static void meet(const char *path, const struct error *e, void *context)
{
    const struct listing *listing = context;
    if (e != NULL) {
        meet_unreadable(listing, path, e);
    } else if (policy_file_path_counts(path)) {
        add_file(listing, path);
    }
}

static bool list_top(const struct listing *listing, const char *path, struct error *e)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return error_system(e, "cannot be read");
    }
    if (S_ISDIR(status.st_mode)) {
        return watch_list(path, meet, (void *)listing, e);
    }
    if (S_ISREG(status.st_mode)) { /* whatever its name is */
        add_file(listing, path);
    }
    return true;
}

static int by_path(const void *left, const void *right)
{
    const struct catalogue_file *a = left;
    const struct catalogue_file *b = right;
    int order = strcmp(a->path, b->path);
    return order != 0 ? order : (a->top > b->top) - (a->top < b->top);
}

/* One that lies below two tops counts once. */
static void sort_files(struct catalogue *catalogue)
{
    size_t kept = 0;
    if (catalogue->file_count != 0) {
        qsort(catalogue->files, catalogue->file_count, sizeof(catalogue->files[0]), by_path);
    }
    for (size_t i = 0; i < catalogue->file_count; i++) {
        struct catalogue_file *file = &catalogue->files[i];
        if (kept != 0 && strcmp(catalogue->files[kept - 1].path, file->path) == 0) {
            diagnostics_clear(&file->problems);
            free(file->path);
        } else {
            catalogue->files[kept++] = *file;
        }
    }
    catalogue->file_count = kept;
}

static void list(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->top_count; i++) {
        struct error e;
        struct catalogue_top *top = &catalogue->tops[i];
        top->unreadable = !list_top(&(struct listing){catalogue, i}, top->path, &e);
        if (top->unreadable) {
            diagnostics_add(&catalogue->problems, SEVERITY_ERROR, top->path, 0, 0,
                            "cannot be read: %s; make it, or name another one in the configuration",
                            policy_file_path_reason(&e));
        }
    }
    sort_files(catalogue);
}

/* --- Reading --- */

struct reading {
    struct catalogue *catalogue;
    const struct catalogue_options *options;
};

/* Any thread. */
static void read_one(size_t number, void *own, void *context)
{
    (void)own;
    const struct reading *reading = context;
    struct catalogue_file *file = &reading->catalogue->files[number];
    struct error e;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(POLICY_FILE_MAX);
    if (file->problems.count != 0) {
        return;
    }
    if (!file_read(file->path, &text, &file->identity, &e)) {
        policy_file_path_tell_unreadable(&file->problems, file->path, &e);
        return;
    }
    file->parsed = policy_file_parse(buffer_bytes(&text), file->path, &reading->options->defaults,
                                     &file->file, &file->problems);
    if (file->parsed && reading->options->mirror_copies != NULL) {
        mirror_copies_fill(reading->options->mirror_copies, &file->file);
    }
    file->counts = file->parsed;
}

void catalogue_read(struct catalogue *catalogue, const struct catalogue_options *options)
{
    struct reading reading = {catalogue, options};
    list(catalogue);
    (void)parallel_run(&(struct parallel_jobs){
        .count = catalogue->file_count, .work = read_one, .context = &reading});
}

const char *catalogue_file_below(const struct catalogue *catalogue,
                                 const struct catalogue_file *file)
{
    const char *top = catalogue->tops[file->top].path;
    const char *below = file->path + strlen(top);
    return below + strspn(below, "/");
}
