#include "policy_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policies/files/policy_file.h"

static const struct bytes host_prefix = {"mta-sts.", 8};

/* In the order of preference; the first is where an export writes. */
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

/* Notes what the directory NAME has, if anything. */
static void look_into(struct policy_tree *tree, const char *directory, const char *name)
{
    struct bytes host = bytes_of(name);
    bool prefixed = bytes_starts_with(host, host_prefix);
    struct bytes domain = prefixed ? bytes_skip(host, host_prefix.n) : host;
    struct policy_tree_file file = {0};
    struct error ignored;
    if (!dns_name_normalise(domain, &file.domain, &ignored) || file.domain.n > POLICY_DOMAIN_MAX) {
        return;
    }
    size_t place = find_place(directory, name, &file.path);
    if (place == ARRAY_LENGTH(places)) {
        return;
    }
    file.exported = place == 0 && prefixed && bytes_equal(domain, dns_name_bytes(&file.domain));
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

bool policy_tree_find(const char *directory, struct policy_tree *ret_tree, struct error *e)
{
    DIR *open_directory = opendir(directory);
    if (open_directory == NULL) {
        char why[128];
        return error_set(e, ERROR_SYSTEM,
                         "cannot read the directory %s: %s; name a directory that you may read",
                         directory, strerror_r(errno, why, sizeof(why)));
    }
    struct policy_tree tree = {0};
    errno = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone */
    for (struct dirent *entry = readdir(open_directory); entry != NULL;
         entry = readdir(open_directory)) { /* NOLINT(concurrency-mt-unsafe) */
        if (entry->d_name[0] != '.') {
            look_into(&tree, directory, entry->d_name);
        }
        errno = 0;
    }
    bool ok = errno == 0 || error_system(e, "cannot read the directory %s", directory);
    closedir(open_directory);
    if (!ok) {
        policy_tree_clear(&tree);
        return false;
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
    free(tree->files);
    *tree = (struct policy_tree){0};
}
