#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/watch/watch.h"

enum entry_kind { ENTRY_FILE, ENTRY_DIRECTORY, ENTRY_BROKEN_LINK, ENTRY_OTHER };

struct listed {
    char *name;
    enum entry_kind kind;
    bool is_link;
};

struct entries {
    struct listed *items;
    size_t count;
    size_t capacity;
};

/* A directory that was visited. */
struct visited {
    uint64_t device;
    uint64_t inode;
};

struct walk {
    const struct listing_visitor *visitor;
    void *visited; /* tsearch(3) */
    unsigned depth;
};

static void walk_clear(struct walk *walk)
{
    tdestroy(walk->visited, free);
}

static void entries_clear(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->items[i].name);
    }
    free(entries->items);
}

static int compare_visited(const void *left, const void *right)
{
    const struct visited *a = left;
    const struct visited *b = right;
    if (a->device != b->device) {
        return a->device < b->device ? -1 : 1;
    }
    return (a->inode > b->inode) - (a->inode < b->inode);
}

/* False where the directory was visited before: a loop, or a second way to it. */
static bool visit_first(struct walk *walk, const struct stat *status)
{
    struct visited *key = memory_alloc(sizeof(*key));
    *key = (struct visited){status->st_dev, status->st_ino};
    struct visited **found = tsearch(key, &walk->visited, compare_visited);
    if (found == NULL) {
        abort(); /* out of memory */
    }
    if (*found == key) {
        return true;
    }
    free(key);
    return false;
}

bool listing_leaves_out(const char *name)
{
    size_t n = strlen(name);
    return n == 0 || name[0] == '.' || name[n - 1] == '~';
}

static enum entry_kind kind_of_mode(mode_t mode)
{
    return S_ISREG(mode) ? ENTRY_FILE : S_ISDIR(mode) ? ENTRY_DIRECTORY : ENTRY_OTHER;
}

/* False: the entry has gone meanwhile. */
static bool entry_look(int directory, const struct dirent *dirent, struct listed *ret_entry)
{
    struct stat status;
    *ret_entry = (struct listed){.kind = ENTRY_OTHER};
    if (dirent->d_type == DT_REG || dirent->d_type == DT_DIR) {
        ret_entry->kind = dirent->d_type == DT_REG ? ENTRY_FILE : ENTRY_DIRECTORY;
        return true;
    }
    if (fstatat(directory, dirent->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return false;
    }
    ret_entry->kind = kind_of_mode(status.st_mode);
    if (S_ISLNK(status.st_mode)) {
        ret_entry->is_link = true;
        ret_entry->kind = fstatat(directory, dirent->d_name, &status, 0) == 0
                              ? kind_of_mode(status.st_mode)
                              : ENTRY_BROKEN_LINK;
    }
    return true;
}

/* So that whole paths come out in the order of their octets, a directory sorts as "NAME/". */
static int compare_entries(const void *left, const void *right)
{
    const struct listed *a = left;
    const struct listed *b = right;
    if (a->kind != ENTRY_DIRECTORY && b->kind != ENTRY_DIRECTORY) {
        return strcmp(a->name, b->name);
    }
    size_t i = 0;
    while (a->name[i] != '\0' && a->name[i] == b->name[i]) {
        i++;
    }
    unsigned char at_a = (unsigned char)a->name[i];
    unsigned char at_b = (unsigned char)b->name[i];
    if (at_a == '\0' && a->kind == ENTRY_DIRECTORY) {
        at_a = '/';
    }
    if (at_b == '\0' && b->kind == ENTRY_DIRECTORY) {
        at_b = '/';
    }
    return at_a - at_b;
}

static void close_directory(DIR **directory)
{
    if (*directory != NULL) {
        closedir(*directory);
    }
}

static void entries_add(struct entries *entries, struct listed entry)
{
    ARRAY_GROW(entries->items, entries->count, entries->capacity);
    entries->items[entries->count++] = entry;
}

static bool read_entries(const struct walk *walk, const char *path, DIR *directory,
                         struct entries *entries, struct error *e)
{
    for (;;) {
        errno = 0;
        /* glibc's readdir is safe on a stream of one's own; readdir_r is deprecated. */
        const struct dirent *dirent = readdir(directory); // NOLINT(concurrency-mt-unsafe)
        if (dirent == NULL) {
            break;
        }
        struct listed entry;
        if (listing_leaves_out(dirent->d_name) || !entry_look(dirfd(directory), dirent, &entry)) {
            continue;
        }
        if (entry.kind == ENTRY_FILE && !entry.is_link && walk->visitor->file == NULL) {
            continue;
        }
        if (entries->count == LISTING_ENTRIES_MAX) {
            return error_set(e, ERROR_LIMIT, "%s has more than %d entries; use sub-directories",
                             path, LISTING_ENTRIES_MAX);
        }
        entry.name = memory_string(dirent->d_name);
        entries_add(entries, entry);
    }
    if (errno != 0) {
        return error_system(e, "cannot read directory %s", path);
    }
    if (entries->count != 0) {
        qsort(entries->items, entries->count, sizeof(entries->items[0]), compare_entries);
    }
    return true;
}

static void tell(const struct walk *walk, const char *path, const struct error *e)
{
    if (walk->visitor->file != NULL) {
        walk->visitor->file(path, e, walk->visitor->context);
    }
}

static void tell_broken_link(const struct walk *walk, const char *path)
{
    struct stat status;
    struct error e;
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    if (n < 0) {
        return; /* gone meanwhile */
    }
    target[n] = '\0';
    if (stat(path, &status) == 0) {
        tell(walk, path, NULL); /* mended meanwhile */
        return;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        error_format(&e, ERROR_NOT_FOUND,
                     "symbolic link to %s, which does not exist; mend or remove the link", target);
    } else {
        error_format_system(&e, "cannot follow the symbolic link to %s", target);
    }
    tell(walk, path, &e);
}

static bool walk_directory(struct walk *walk, const char *path, struct error *e);

static void walk_entry(struct walk *walk, const char *directory, const struct listed *entry)
{
    CLEANUP_FREE char *path = file_path_join(directory, entry->name);
    struct error e;
    if (entry->is_link && walk->visitor->link != NULL) {
        walk->visitor->link(path, walk->visitor->context);
    }
    switch (entry->kind) {
    case ENTRY_FILE:
        tell(walk, path, NULL);
        break;
    case ENTRY_DIRECTORY:
        /* A directory that has gone since its parent was read is no error. */
        if (!walk_directory(walk, path, &e) && e.system_errno != ENOENT &&
            e.system_errno != ENOTDIR) {
            tell(walk, path, &e);
        }
        break;
    case ENTRY_BROKEN_LINK:
        tell_broken_link(walk, path);
        break;
    case ENTRY_OTHER:
        break;
    }
}

static bool walk_directory(struct walk *walk, const char *path, struct error *e)
{
    CLEANUP(entries_clear) struct entries entries = {0};
    if (walk->depth == LISTING_DEPTH_MAX) {
        return error_set(e, ERROR_LIMIT, "directories nest deeper than %d; move it up",
                         LISTING_DEPTH_MAX);
    }
    if (walk->visitor->directory != NULL &&
        !walk->visitor->directory(path, walk->visitor->context)) {
        return true;
    }
    {
        CLEANUP(close_directory) DIR *directory = opendir(path);
        struct stat status;
        if (directory == NULL || fstat(dirfd(directory), &status) != 0) {
            return error_system(e, "cannot open directory %s", path);
        }
        if (!visit_first(walk, &status)) {
            return true;
        }
        if (!read_entries(walk, path, directory, &entries, e)) {
            return false;
        }
    }
    walk->depth++;
    for (size_t i = 0; i < entries.count; i++) {
        walk_entry(walk, path, &entries.items[i]);
    }
    walk->depth--;
    return true;
}

bool listing_walk(const char *path, const struct listing_visitor *visitor, struct error *e)
{
    CLEANUP(walk_clear) struct walk walk = {.visitor = visitor};
    struct stat status;
    if (stat(path, &status) != 0) {
        return error_system(e, "cannot open %s", path);
    }
    if (S_ISDIR(status.st_mode)) {
        return walk_directory(&walk, path, e);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(e, ERROR_SYNTAX, "%s is neither a directory nor a regular file", path);
    }
    tell(&walk, path, NULL);
    return true;
}

bool watch_list(const char *path,
                void (*visit)(const char *path, const struct error *e, void *context),
                void *context, struct error *e)
{
    const struct listing_visitor visitor = {.file = visit, .context = context};
    return listing_walk(path, &visitor, e);
}
