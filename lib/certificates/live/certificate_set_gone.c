/* Certificates that are no longer on the disk: taken out of use after a while, or held. */
#include "lib/certificates/live/certificate_set_parts.h"

/* Of the pairs in use, how many there are and how many are gone. */
struct losses {
    size_t served;
    size_t gone;
};

static struct losses count_losses(const struct certificate_set *set)
{
    struct losses losses = {0};
    for (size_t i = 0; i < set->sources.count; i++) {
        bool served = set->sources.items[i]->served != NULL;
        losses.served += served;
        losses.gone += served && set->sources.items[i]->gone;
    }
    return losses;
}

/* So much at once is rather a tree that was unmounted or emptied by mistake. */
static bool is_too_much(const struct certificate_set *set, struct losses losses)
{
    bool many = losses.gone >= (size_t)set->removal_pairs &&
                (double)losses.gone * 100 > (double)losses.served * (double)set->removal_percent;
    return losses.gone != 0 && (many || losses.gone == losses.served);
}

/* Of those that are gone, how many are below TOP. */
static size_t count_gone(const struct certificate_set *set, const char *top)
{
    size_t count = 0;
    for (size_t i = 0; i < set->sources.count; i++) {
        const struct certificate_source *source = set->sources.items[i];
        count += source->served != NULL && source->gone &&
                 file_path_is_below(certificate_source_path(source), top);
    }
    return count;
}

static void hold(struct certificate_set *set, struct losses losses)
{
    struct diagnostics held = {0};
    for (size_t i = 0; i < set->top_count; i++) {
        size_t gone = count_gone(set, set->tops[i]);
        if (gone != 0) {
            diagnostics_add(
                &held, SEVERITY_ERROR, set->tops[i], 0, 0,
                "%zu of %zu certificates are gone, which may be a mistake, so they stay in use; "
                "if that is meant, run `mtasts-host reload --accept-removals`",
                gone, losses.served);
        }
    }
    if (set->held.count == 0) {
        set->held_told = false;
    }
    diagnostics_clear(&set->held);
    set->held = held;
}

static void remove_source(struct certificate_set *set, struct certificate_source *source)
{
    if (source->served != NULL) {
        certificate_table_remove(set->table, source->served);
        set->changed++;
        set->unsaved++;
    }
    certificate_set_put_trouble(set, source, NULL);
    certificate_waits_forget(&set->waits, source);
    certificate_source_free(source);
}

static bool is_due(const struct certificate_set *set, const struct certificate_source *source,
                   const char *unused)
{
    (void)unused;
    return source->served == NULL || set->now_ms >= source->gone_ms + set->vanish_ms;
}

/* PATH NULL: anywhere. */
static bool lies_at(const struct certificate_set *set, const struct certificate_source *source,
                    const char *path)
{
    (void)set;
    return path == NULL || file_path_is_below(certificate_source_path(source), path);
}

/* Of those that are gone, the chosen. */
static void remove_gone(struct certificate_set *set,
                        bool (*is_chosen)(const struct certificate_set *set,
                                          const struct certificate_source *source,
                                          const char *path),
                        const char *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->sources.count; i++) {
        struct certificate_source *source = set->sources.items[i];
        if (source->gone && is_chosen(set, source, path)) {
            remove_source(set, source);
            set->gone--;
        } else {
            set->sources.items[kept++] = source;
        }
    }
    set->sources.count = kept;
}

void certificate_set_settle(struct certificate_set *set)
{
    if (set->is_abandoned) {
        return;
    }
    struct losses losses = set->gone != 0 ? count_losses(set) : (struct losses){0};
    if (is_too_much(set, losses)) {
        hold(set, losses);
        return;
    }
    diagnostics_clear(&set->held);
    if (set->gone != 0) {
        remove_gone(set, is_due, NULL);
    }
}

/* Nearest first; -1 is never. */
static int64_t nearer_ms(int64_t a_ms, int64_t b_ms)
{
    return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static int64_t gone_due_ms(const struct certificate_set *set)
{
    int64_t due_ms = -1;
    for (size_t i = 0; set->gone != 0 && set->held.count == 0 && i < set->sources.count; i++) {
        const struct certificate_source *source = set->sources.items[i];
        if (source->gone) {
            due_ms = nearer_ms(due_ms, source->gone_ms + set->vanish_ms);
        }
    }
    return due_ms;
}

int64_t certificate_set_next_due_ms(const struct certificate_set *set)
{
    int64_t quiet_ms = certificate_set_quiet_due_ms(set);
    return nearer_ms(nearer_ms(gone_due_ms(set), set->again_ms), quiet_ms);
}

size_t certificate_set_accept_removals(struct certificate_set *set, const char *path,
                                       int64_t now_ms)
{
    set->changed = 0;
    set->now_ms = now_ms;
    if (set->gone != 0) {
        remove_gone(set, lies_at, path);
    }
    certificate_set_settle(set);
    return set->changed;
}
