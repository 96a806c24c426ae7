/* Which of the removals that are held are meant. */
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "policies/loader/loader_parts.h"

void loader_accept_add(struct loader_accept *accept, const char *path)
{
    accept->paths = memory_resize(accept->paths, accept->count + 1, sizeof(*accept->paths));
    accept->paths[accept->count++] = memory_string(path);
}

void loader_accept_merge(struct loader_accept **into, const struct loader_accept *more)
{
    if (more == NULL || (*into != NULL && (*into)->count == 0)) {
        return; /* nothing more, or all already */
    }
    if (*into == NULL) {
        *into = memory_zero(1, sizeof(**into));
    } else if (more->count == 0) {
        loader_accept_clear(*into);
    }
    for (size_t i = 0; i < more->count; i++) {
        loader_accept_add(*into, more->paths[i]);
    }
}

void loader_accept_clear(struct loader_accept *accept)
{
    for (size_t i = 0; i < accept->count; i++) {
        free(accept->paths[i]);
    }
    free(accept->paths);
    *accept = (struct loader_accept){0};
}

void loader_accept_free(struct loader_accept *accept)
{
    if (accept != NULL) {
        loader_accept_clear(accept);
        free(accept);
    }
}

/* --- What was held there --- */

/* PATH NULL: everywhere. Whether anything was held. */
static bool accept_at(struct loader *loader, const char *path, struct policy_set_result *result)
{
    struct policy_set_result accepted = {0};
    struct policy_set_counts before;
    struct policy_set_counts after;
    int64_t now_ms = clock_monotonic_ms();
    policy_set_counts(loader->policies, &before);
    policy_set_accept_removals(loader->policies, &path, path != NULL, now_ms, &accepted);
    policy_set_counts(loader->policies, &after);
    result->published += accepted.published;
    result->removed += accepted.removed;
    result->held = accepted.held;
    size_t pairs = certificate_set_accept_removals(loader->certificates, path, now_ms);
    return pairs != 0 || accepted.published != 0 || accepted.removed != 0 ||
           before.removals_held != after.removals_held ||
           before.files_still_open != after.files_still_open;
}

/* Of two that lie in each other the first takes all. */
static bool is_near(const char *path, const char *other)
{
    return file_path_is_below(path, other) || file_path_is_below(other, path);
}

static bool has_near(const struct loader_accept *accepted, const char *path)
{
    for (size_t i = 0; i < accepted->count; i++) {
        if (is_near(accepted->paths[i], path)) {
            return true;
        }
    }
    return false;
}

static void accept_each(struct loader *loader, const struct loader_accept *accept,
                        struct policy_set_result *result, struct loader_accept *not_held)
{
    CLEANUP(loader_accept_clear) struct loader_accept accepted = {0};
    for (size_t i = 0; i < accept->count; i++) {
        if (accept_at(loader, accept->paths[i], result)) {
            loader_accept_add(&accepted, accept->paths[i]);
        }
    }
    for (size_t i = 0; i < accept->count; i++) {
        if (!has_near(&accepted, accept->paths[i])) {
            loader_accept_add(not_held, accept->paths[i]);
        }
    }
}

void loader_accept_removals(struct loader *loader, const struct loader_accept *accept,
                            struct policy_set_result *result, struct loader_accept *not_held)
{
    loader_note_served(loader); /* with a time of its own: what is accepted comes later */
    loader->version++;
    if (accept->count == 0) {
        (void)accept_at(loader, NULL, result);
    } else {
        accept_each(loader, accept, result, not_held);
    }
    loader_tell_changes(loader);
}
