#include "policy_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policies/files/policy_file.h"

static const struct bytes host_prefix = {"mta-sts.", 8};

/* In the order of preference; the first is where an export writes. */
enum { DEEPER_LEVELS = 2, DEEPER_ENTRIES_MAX = 1000 /* of one directory */ };

static const char *const places[] = {".well-known/mta-sts.txt", "mta-sts.txt"};

char *policy_tree_name(struct bytes domain)
{
    return memory_printf("mta-sts.%.*s/%s", BYTES_ARG(domain), places[0]);
}

static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* The best place in DIRECTORY/NAME that has a file, as an index into `places`; their number where
 * none has. */
static size_t find_place(const char *directory, const char *name, char **ret_path)
{
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        char *path = memory_printf("%s/%s/%s", directory, name, places[i]);
        if (is_file(path)) {
            *ret_path = path;
            return i;
        }
        free(path);
    }
    return ARRAY_LENGTH(places);
}

/* Calls VISIT for the name of each entry of PATH but those that begin with a dot, until it says
 * false. False: it cannot be read, errno says why. */
static bool each_entry(const char *path, bool (*visit)(const char *name, void *context),
                       void *context)
{
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return false;
    }
    errno = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone */
    for (struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) { /* NOLINT(concurrency-mt-unsafe) */
        if (entry->d_name[0] != '.' && !visit(entry->d_name, context)) {
            break;
        }
        errno = 0;
    }
    int why = errno;
    closedir(directory);
    errno = why;
    return why == 0;
}

/* A look for a policy below a host's directory. */
struct deeper {
    const char *path;
    int levels; /* that are left */
    size_t seen;
    char *found; /* of several the first by name; owned */
};

static bool look_below(const char *name, void *context)
{
    struct deeper *deeper = context;
    CLEANUP_FREE char *path = memory_printf("%s/%s", deeper->path, name);
    char *found = memory_printf("%s/%s", path, places[0]);
    if (!is_file(found)) {
        struct deeper below = {.path = path, .levels = deeper->levels - 1};
        free(found);
        if (below.levels > 0) {
            (void)each_entry(path, look_below, &below);
        }
        found = below.found;
    }
    if (found != NULL && (deeper->found == NULL || strcmp(found, deeper->found) < 0)) {
        char *other = deeper->found;
        deeper->found = found;
        found = other;
    }
    free(found);
    return ++deeper->seen < DEEPER_ENTRIES_MAX;
}

static char *find_deeper(const char *directory, const char *name)
{
    CLEANUP_FREE char *path = memory_printf("%s/%s", directory, name);
    struct deeper deeper = {.path = path, .levels = DEEPER_LEVELS};
    (void)each_entry(path, look_below, &deeper);
    return deeper.found;
}

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static void leave(struct policy_tree *tree, const char *directory, const char *name,
                  bool has_policy)
{
    char *path = memory_printf("%s/%s", directory, name);
    if (!is_directory(path)) {
        free(path);
        return;
    }
    ARRAY_GROW(tree->left, tree->left_count, tree->left_capacity);
    tree->left[tree->left_count++] = (struct policy_tree_left){path, has_policy};
}

/* A name of one label, "html", is no mail domain. */
static bool is_domain(struct bytes name, struct dns_name *ret_domain)
{
    struct error ignored;
    return dns_name_normalise(name, ret_domain, &ignored) && ret_domain->n <= POLICY_DOMAIN_MAX &&
           memchr(ret_domain->text, '.', ret_domain->n) != NULL;
}

/* Notes what the directory NAME has, if anything. */
static void look_into(struct policy_tree *tree, const char *directory, const char *name)
{
    struct bytes host = bytes_of(name);
    bool prefixed = host.n > host_prefix.n &&
                    bytes_equal_nocase((struct bytes){host.p, host_prefix.n}, host_prefix);
    struct bytes domain = prefixed ? bytes_skip(host, host_prefix.n) : host;
    struct policy_tree_file file = {0};
    size_t place = find_place(directory, name, &file.path);
    if (place == ARRAY_LENGTH(places) && prefixed) {
        file.path = find_deeper(directory, name);
    }
    if (file.path == NULL && !prefixed) {
        return;
    }
    if (file.path == NULL || !is_domain(domain, &file.domain)) {
        leave(tree, directory, name, file.path != NULL);
        free(file.path);
        return;
    }
    file.exported = place == 0 && bytes_starts_with(host, host_prefix) &&
                    bytes_equal(domain, dns_name_bytes(&file.domain));
    ARRAY_GROW(tree->files, tree->count, tree->capacity);
    tree->files[tree->count++] = file;
}

static int by_domain(const void *left, const void *right)
{
    const struct policy_tree_file *a = left;
    const struct policy_tree_file *b = right;
    int order = strcmp(a->domain.text, b->domain.text);
    if (order == 0) {
        order = b->exported - a->exported;
    }
    return order != 0 ? order : strcmp(a->path, b->path);
}

struct look {
    struct policy_tree *tree;
    const char *directory;
};

static bool look_at_entry(const char *name, void *context)
{
    const struct look *look = context;
    look_into(look->tree, look->directory, name);
    return true;
}

static void forget_left(struct policy_tree *tree)
{
    for (size_t i = 0; i < tree->left_count; i++) {
        free(tree->left[i].path);
    }
    tree->left_count = 0;
}

/* DIRECTORY is a host's own. */
static void look_at_itself(struct policy_tree *tree, const char *directory)
{
    CLEANUP_FREE char *path = realpath(directory, NULL);
    char *slash = path != NULL ? strrchr(path, '/') : NULL;
    struct bytes name = bytes_of(slash != NULL ? slash + 1 : "");
    if (name.n > host_prefix.n &&
        bytes_equal_nocase((struct bytes){name.p, host_prefix.n}, host_prefix)) {
        *slash = '\0';
        look_into(tree, path, slash + 1);
        forget_left(tree); /* what is in it is no other host */
    }
}

bool policy_tree_find(const char *directory, struct policy_tree *ret_tree, struct error *e)
{
    struct policy_tree tree = {0};
    if (!each_entry(directory, look_at_entry, &(struct look){&tree, directory})) {
        char why[128];
        int code = errno;
        policy_tree_clear(&tree);
        return error_set(e, ERROR_SYSTEM,
                         "cannot read the directory %s: %s; name a directory that you may read",
                         directory, strerror_r(code, why, sizeof(why)));
    }
    if (tree.count == 0) {
        look_at_itself(&tree, directory);
    }
    if (tree.count != 0) {
        qsort(tree.files, tree.count, sizeof(tree.files[0]), by_domain);
    }
    *ret_tree = tree;
    return true;
}

void policy_tree_clear(struct policy_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->files[i].path);
    }
    forget_left(tree);
    free(tree->left);
    free(tree->files);
    *tree = (struct policy_tree){0};
}
