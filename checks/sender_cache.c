#include "sender_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"

enum { DIRECTORY_MODE = 0700, FILE_MODE = 0600 };

static char *path_of(const struct sender_cache *cache, struct bytes domain)
{
    return memory_printf("%s/%.*s", cache->directory, BYTES_ARG(domain));
}

bool sender_cache_find(const struct sender_cache *cache, struct bytes domain,
                       struct cached_policy *ret_cached, struct error *e)
{
    struct cached_policy none = {.policy = NULL};
    if (cache->directory == NULL) {
        *ret_cached = none;
        return true;
    }
    CLEANUP_FREE char *path = path_of(cache, domain);
    CLEANUP(buffer_clear) struct buffer text = BUFFER(CACHED_POLICY_TEXT_MAX);
    struct error why;
    if (!file_read(path, &text, NULL, &why)) {
        if (why.code == ERROR_SYSTEM && why.system_errno == ENOENT) {
            *ret_cached = none;
            return true;
        }
        *e = why;
        return false;
    }
    return cached_policy_parse(buffer_bytes(&text), domain, ret_cached, e) ||
           error_prefix(e, "%s: ", path);
}

/* Whether DOMAIN's file may make room: its policy is over. What is not ours stays. */
static bool is_over(const struct sender_cache *cache, struct bytes domain, int64_t now_s)
{
    struct error ignored;
    struct cached_policy cached = {.policy = NULL};
    bool over = sender_cache_find(cache, domain, &cached, &ignored) && cached.policy != NULL &&
                !cached_policy_holds(&cached, now_s);
    cached_policy_clear(&cached);
    return over;
}

/* NULL at the end. Names that begin with a dot are files that are being written. */
static const struct dirent *next_file(DIR *directory)
{
    const struct dirent *entry = NULL;
    do {
        entry = readdir(directory); /* NOLINT(concurrency-mt-unsafe) */
    } while (entry != NULL && entry->d_name[0] == '.');
    return entry;
}

/* Deletes what is over; returns how many files are left. */
static size_t make_room(const struct sender_cache *cache, DIR *directory, int64_t now_s)
{
    size_t left = 0;
    rewinddir(directory);
    const struct dirent *file = NULL;
    while ((file = next_file(directory)) != NULL) {
        bool over = is_over(cache, bytes_of(file->d_name), now_s);
        left += !over || unlinkat(dirfd(directory), file->d_name, 0) != 0;
    }
    return left;
}

static size_t count_files(DIR *directory)
{
    size_t count = 0;
    while (next_file(directory) != NULL) {
        count++;
    }
    return count;
}

static bool have_room(const struct sender_cache *cache, int64_t now_s, struct error *e)
{
    size_t max = cache->max != 0 ? cache->max : SENDER_CACHE_MAX;
    DIR *directory = opendir(cache->directory);
    if (directory == NULL) {
        return error_system(e, "cannot read the cache %s", cache->directory);
    }
    bool full = count_files(directory) >= max && make_room(cache, directory, now_s) >= max;
    closedir(directory);
    return !full || error_set(e, ERROR_LIMIT,
                              "the cache %s is full of policies that hold still (%zu); those of "
                              "further domains are not kept: use more than one directory",
                              cache->directory, max);
}

/* What somebody else writes here, as root who has a look, its owner could neither read nor replace:
 * each call would be a first contact. */
static bool is_own(const struct sender_cache *cache, struct error *e)
{
    struct stat status;
    if (stat(cache->directory, &status) != 0) {
        return error_system(e, "cannot look at the cache %s", cache->directory);
    }
    return status.st_uid == geteuid() ||
           error_set(e, ERROR_CONFLICT,
                     "the cache %s belongs to another user: nothing is kept; run this as its owner",
                     cache->directory);
}

/* A file that is not ours makes room for one that is. */
static bool clear_foreign(const char *path, struct error *e)
{
    if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0 || errno != EACCES) {
        return true;
    }
    return unlink(path) == 0 || errno == ENOENT || error_system(e, "cannot replace %s", path);
}

bool sender_cache_keep(const struct sender_cache *cache, struct bytes domain,
                       const struct cached_policy *cached, int64_t now_s, struct error *e)
{
    if (cache->directory == NULL) {
        return true;
    }
    CLEANUP_FREE char *path = path_of(cache, domain);
    if (!file_make_directories(cache->directory, DIRECTORY_MODE, e) || !is_own(cache, e) ||
        !clear_foreign(path, e)) {
        return false;
    }
    if (access(path, F_OK) != 0 && !have_room(cache, now_s, e)) {
        return false;
    }
    CLEANUP(buffer_clear) struct buffer text = BUFFER(CACHED_POLICY_TEXT_MAX);
    cached_policy_print(cached, domain, &text);
    return file_replace(path, buffer_bytes(&text), FILE_MODE, e);
}
