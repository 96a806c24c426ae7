#include "certificate_set.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "certificates/certificate_tree.h"

/* One pair on disk. */
struct source {
    char *chain_path;
    char *key_path;
    struct file_identity chain_identity; /* as last read; zero: never */
    struct file_identity key_identity;
    struct certificate_pair *served; /* NULL: none yet */
    struct diagnostics problem;      /* at most one; empty: fine */
    bool told;                       /* the problem was handed out as new */
    uint64_t seen;                   /* the listing that met it last */
};

struct certificate_set {
    char **tops;
    size_t top_count;
    struct certificate_table *table;
    struct source **sources; /* sorted by chain_path: what lies below a directory stands together */
    size_t count;
    size_t capacity;
    struct diagnostics top_problems; /* tops that cannot be listed */
    bool top_problems_told;
    uint64_t listing;
    size_t changed; /* pairs, in the apply under way */
};

struct certificate_set *certificate_set_new(const char *const *paths, size_t path_count,
                                            struct certificate_table *table)
{
    struct certificate_set *set = memory_zero(1, sizeof(*set));
    set->tops = memory_zero(path_count, sizeof(*set->tops));
    for (size_t i = 0; i < path_count; i++) {
        set->tops[i] = memory_string(paths[i]);
    }
    set->top_count = path_count;
    set->table = table;
    return set;
}

static void source_free(struct source *source)
{
    free(source->chain_path);
    free(source->key_path);
    certificate_pair_unref(source->served);
    diagnostics_clear(&source->problem);
    free(source);
}

void certificate_set_free(struct certificate_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        source_free(set->sources[i]);
    }
    for (size_t i = 0; i < set->top_count; i++) {
        free(set->tops[i]);
    }
    free(set->tops);
    free(set->sources);
    diagnostics_clear(&set->top_problems);
    free(set);
}

/* The first source whose chain path is not before PATH in byte order. */
static size_t lower_bound(const struct certificate_set *set, const char *path)
{
    size_t low = 0;
    size_t high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(set->sources[middle]->chain_path, path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct source *find_or_add(struct certificate_set *set, const char *chain_path,
                                  const char *key_path)
{
    size_t at = lower_bound(set, chain_path);
    if (at < set->count && strcmp(set->sources[at]->chain_path, chain_path) == 0) {
        return set->sources[at];
    }
    struct source *source = memory_zero(1, sizeof(*source));
    source->chain_path = memory_string(chain_path);
    source->key_path = memory_string(key_path);
    // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers
    ARRAY_GROW(set->sources, set->count, set->capacity);
    memmove(set->sources + at + 1, set->sources + at, (set->count - at) * sizeof(struct source *));
    set->sources[at] = source;
    set->count++;
    return source;
}

/* A publication of NEW (taken; NULL: nothing) in SOURCE's place. The new one is in the table before
 * the old one leaves it, so no handshake in between is without. */
static void publish(struct certificate_set *set, struct source *source,
                    struct certificate_pair *new)
{
    if (new == NULL && source->served == NULL) {
        return;
    }
    if (new != NULL) {
        certificate_table_add(set->table, new);
    }
    if (source->served != NULL) {
        certificate_table_remove(set->table, source->served);
        certificate_pair_unref(source->served);
    }
    source->served = new;
    set->changed++;
}

static bool read_pair(struct source *source, struct certificate_pair **ret_pair, struct error *e)
{
    struct file_identity chain_identity = {0};
    struct file_identity key_identity = {0};
    CLEANUP(buffer_clear) struct buffer chain = BUFFER(CERTIFICATE_FILE_MAX);
    CLEANUP(buffer_clear) struct buffer key = BUFFER(CERTIFICATE_FILE_MAX);
    bool ok = file_read(source->chain_path, &chain, &chain_identity, e) &&
              file_read(source->key_path, &key, &key_identity, e);
    if (!ok && e->system_errno == ENOENT) {
        error_format_prefix(e, "certificate and key belong together, and one is missing: ");
    }
    ok = ok && certificate_pair_parse(buffer_bytes(&chain), source->chain_path, buffer_bytes(&key),
                                      source->key_path, ret_pair, e);
    if (key.p != NULL) {
        explicit_bzero(key.p, key.capacity);
    }
    if (chain.p != NULL) {
        explicit_bzero(chain.p, chain.capacity); /* one file may hold both */
    }
    /* What could not be read has no identity, and so is tried again at every look. */
    source->chain_identity = chain_identity;
    source->key_identity = key_identity;
    return ok;
}

static bool is_unchanged(const char *path, const struct file_identity *known)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return false;
    }
    struct file_identity now = file_identity_of(&status);
    return file_identity_equal(&now, known);
}

static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* A problem that is told once stays told until it becomes another. */
static void set_problem(struct source *source, const struct error *e)
{
    bool same = source->problem.count == 1 && strcmp(source->problem.items[0].text, e->text) == 0;
    if (!same) {
        diagnostics_clear(&source->problem);
        diagnostics_add_error(&source->problem, source->chain_path, e);
        source->told = false;
    }
}

/* Looks at SOURCE's files. False: there is no certificate any more, and it can be forgotten. */
static bool refresh(struct certificate_set *set, struct source *source)
{
    if (!exists(source->chain_path)) {
        publish(set, source, NULL);
        return false;
    }
    if (is_unchanged(source->chain_path, &source->chain_identity) &&
        is_unchanged(source->key_path, &source->key_identity)) {
        return true;
    }
    struct error e;
    struct certificate_pair *pair = NULL;
    if (read_pair(source, &pair, &e)) {
        publish(set, source, pair);
        diagnostics_clear(&source->problem);
    } else {
        set_problem(source, &e);
    }
    return true;
}

static void meet(const char *path, const struct error *e, void *context)
{
    (void)e; /* reading it says the same, with both paths */
    struct certificate_set *set = context;
    CLEANUP_FREE char *chain_path = NULL;
    CLEANUP_FREE char *key_path = NULL;
    if (!certificate_tree_pair_of(path, &chain_path, &key_path)) {
        return;
    }
    /* A key alone: its certificate is not there yet, or no more; nothing to serve, nothing wrong.
     */
    if (!exists(chain_path)) {
        return;
    }
    struct source *source = find_or_add(set, chain_path, key_path);
    if (source->seen != set->listing) {
        source->seen = set->listing;
        (void)refresh(set, source);
    }
}

static bool is_below(const char *path, const char *directory)
{
    size_t n = strlen(directory);
    return strncmp(path, directory, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* Looks again at all sources in [first, count) that lie at or below PATH and were not met by the
 * listing under way, and forgets those whose certificate is gone. */
static void look_for_gone(struct certificate_set *set, const char *path)
{
    size_t first = lower_bound(set, path);
    size_t kept = first;
    size_t i = first;
    for (; i < set->count && strncmp(set->sources[i]->chain_path, path, strlen(path)) == 0; i++) {
        struct source *source = set->sources[i];
        bool stays = !is_below(source->chain_path, path) || source->seen == set->listing ||
                     refresh(set, source);
        if (stays) {
            set->sources[kept++] = source;
        } else {
            source_free(source);
        }
    }
    if (kept != i) {
        memmove(set->sources + kept, set->sources + i, (set->count - i) * sizeof(struct source *));
        set->count -= i - kept;
    }
}

/* Lists the directory (or file) PATH anew. False: it is missing or cannot be read. */
static bool list(struct certificate_set *set, const char *path, struct error *e)
{
    set->listing++;
    if (!watch_list(path, meet, set, e)) {
        return false;
    }
    look_for_gone(set, path);
    return true;
}

/* An unmounted tree is no reason to forget good certificates: those of a top that cannot be listed
 * stay. */
static void list_tops(struct certificate_set *set)
{
    struct diagnostics problems = {0};
    for (size_t i = 0; i < set->top_count; i++) {
        struct error e;
        if (!list(set, set->tops[i], &e)) {
            diagnostics_add_error(&problems, set->tops[i], &e);
        }
    }
    if (problems.count != set->top_problems.count) {
        set->top_problems_told = false;
    }
    diagnostics_clear(&set->top_problems);
    set->top_problems = problems;
}

static bool is_top(const struct certificate_set *set, const char *path)
{
    for (size_t i = 0; i < set->top_count; i++) {
        if (strcmp(set->tops[i], path) == 0) {
            return true;
        }
    }
    return false;
}

/* PATH, no top, changed: a file, or a directory with all below it; or it is gone. */
static void look_at(struct certificate_set *set, const char *path)
{
    struct stat status;
    struct error e;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        bool listed = list(set, path, &e);
        (void)listed; /* gone meanwhile: the next change says so */
        return;
    }
    CLEANUP_FREE char *chain_path = NULL;
    CLEANUP_FREE char *key_path = NULL;
    set->listing++;
    meet(path, NULL, set);
    look_for_gone(set, certificate_tree_pair_of(path, &chain_path, &key_path) ? chain_path : path);
}

size_t certificate_set_apply(struct certificate_set *set, const struct watch_changes *changes)
{
    set->changed = 0;
    bool tops = changes->rescan;
    for (size_t i = 0; i < changes->count && !changes->rescan; i++) {
        if (is_top(set, changes->paths[i])) {
            tops = true;
        } else {
            look_at(set, changes->paths[i]);
        }
    }
    if (tops) {
        list_tops(set);
    }
    return set->changed;
}

void certificate_set_diagnostics(const struct certificate_set *set, struct diagnostics *d)
{
    diagnostics_append(d, &set->top_problems);
    for (size_t i = 0; i < set->count; i++) {
        diagnostics_append(d, &set->sources[i]->problem);
    }
}

void certificate_set_new_diagnostics(struct certificate_set *set, struct diagnostics *d)
{
    if (!set->top_problems_told) {
        diagnostics_append(d, &set->top_problems);
        set->top_problems_told = true;
    }
    for (size_t i = 0; i < set->count; i++) {
        struct source *source = set->sources[i];
        if (source->problem.count != 0 && !source->told) {
            source->told = true;
            diagnostics_append(d, &source->problem);
        }
    }
}

size_t certificate_set_problems(const struct certificate_set *set)
{
    size_t count = set->top_problems.count;
    for (size_t i = 0; i < set->count; i++) {
        count += set->sources[i]->problem.count;
    }
    return count;
}

void certificate_set_each(const struct certificate_set *set,
                          void (*visit)(const struct certificate_pair *pair, void *context),
                          void *context)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->sources[i]->served != NULL) {
            visit(set->sources[i]->served, context);
        }
    }
}
