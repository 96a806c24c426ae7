#include "last_good_import.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "lib/base/file.h"

enum {
    NAME_LENGTH = 64, /* SHA-256 of the source, in hex; SUFFIX behind one that was not complete */
    COPY_MAX = 1024 * 1024 * 1024 + 4 * 4096,
};

static const char suffix[] = ".new";

static bool is_copy_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == NAME_LENGTH &&
           (name[NAME_LENGTH] == '\0' || strcmp(name + NAME_LENGTH, suffix) == 0);
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* The octet that "%XX" at TEXT's beginning stands for; 0 where it is nothing that was printed. */
static char parse_octet(struct bytes text)
{
    int high = text.n > 2 ? hex_value(text.p[1]) : -1;
    int low = high >= 0 ? hex_value(text.p[2]) : -1;
    return low >= 0 ? (char)(high * 16 + low) : '\0';
}

/* NULL where TEXT is nothing that was printed. The caller frees it. */
static char *parse_source(struct bytes text)
{
    CLEANUP_FREE char *source = memory_alloc(text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        bool encoded = text.p[i] == '%';
        source[n] = encoded ? parse_octet(bytes_skip(text, i)) : text.p[i];
        i += encoded ? 2 : 0;
        if (source[n++] == '\0') {
            return NULL;
        }
    }
    source[n] = '\0';
    return n != 0 ? TAKE(source) : NULL;
}

/* Whether PREFIX stands at the beginning of TEXT, which is without it then. */
static bool take_prefix(struct bytes *text, struct bytes prefix)
{
    bool has = bytes_starts_with(*text, prefix);
    *text = has ? bytes_skip(*text, prefix.n) : *text;
    return has;
}

/* False: it is no copy. The caller frees *RET_SOURCE, which `source` of RET_KEPT is. */
static bool parse_copy(struct bytes text, char **ret_source, struct last_good_kept *ret_kept)
{
    const char *end = memchr(text.p, '\n', text.n);
    if (end == NULL || !take_prefix(&text, BYTES("# "))) {
        return false;
    }
    struct bytes line = {text.p, (size_t)(end - text.p)};
    char *source = parse_source(line);
    if (source == NULL) {
        return false;
    }
    text = bytes_skip(text, line.n + 1);
    *ret_source = source;
    ret_kept->source = source;
    ret_kept->held = take_prefix(&text, BYTES("# held\n"));
    ret_kept->yaml = text;
    return true;
}

struct each {
    char *directory;
    void (*visit)(const struct last_good_kept *copy, void *context);
    void *context;
};

static void visit_copy(const struct each *each, const char *name)
{
    struct error ignored;
    CLEANUP_FREE char *path = file_path_join(each->directory, name);
    CLEANUP_FREE char *source = NULL;
    CLEANUP(buffer_clear) struct buffer text = BUFFER(COPY_MAX);
    struct last_good_kept kept;
    if (file_read(path, &text, NULL, &ignored) && parse_copy(buffer_bytes(&text), &source, &kept)) {
        each->visit(&kept, each->context);
    }
}

/* False: it cannot be read. There may be none. */
static bool open_directory(const char *path, DIR **ret_directory, struct error *e)
{
    *ret_directory = opendir(path);
    return *ret_directory != NULL || errno == ENOENT || error_system(e, "cannot list %s", path);
}

bool last_good_import_each(const char *state,
                           void (*visit)(const struct last_good_kept *copy, void *context),
                           void *context, struct error *e)
{
    CLEANUP_FREE char *path = file_path_join(state, "last-good");
    const struct each each = {path, visit, context};
    DIR *directory = NULL;
    if (!open_directory(path, &directory, e)) {
        return false;
    }
    if (directory == NULL) {
        return true;
    }
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this directory */
    for (struct dirent *one = readdir(directory); one != NULL; one = readdir(directory)) {
        if (is_copy_name(one->d_name) && one->d_name[NAME_LENGTH] == '\0') {
            visit_copy(&each, one->d_name);
        }
    }
    closedir(directory);
    return true;
}

static bool remove_copies(DIR *directory, const char *path, struct error *e)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this directory */
    for (struct dirent *one = readdir(directory); one != NULL; one = readdir(directory)) {
        if (is_copy_name(one->d_name) && unlinkat(dirfd(directory), one->d_name, 0) != 0 &&
            errno != ENOENT) {
            return error_system(e, "cannot remove %s/%s", path, one->d_name);
        }
    }
    return rmdir(path) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST ||
           error_system(e, "cannot remove %s", path);
}

bool last_good_import_remove(const char *state, struct error *e)
{
    CLEANUP_FREE char *path = file_path_join(state, "last-good");
    CLEANUP_FREE char *snapshot = file_path_join(state, "policies.snapshot");
    DIR *directory = NULL;
    if (!open_directory(path, &directory, e)) {
        return false;
    }
    bool good = directory == NULL || remove_copies(directory, path, e);
    if (directory != NULL) {
        closedir(directory);
    }
    return good && (unlink(snapshot) == 0 || errno == ENOENT ||
                    error_system(e, "cannot remove %s", snapshot));
}
