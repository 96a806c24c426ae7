/* The first apply: hundreds of thousands of pairs, none of which takes the place of another.
 *
 * The greater part of reading a pair is arithmetic, which tells a private key whose number is
 * damaged from one that is not (lib/certificates/pair_reader.h). So each pair is served as soon as
 * everything else about it is known, and proven when all are served; one that cannot be proven is
 * withdrawn then, and reported as at any other time: its name was as badly off with it as it is
 * without. But a pair that might not be as good as one that its name has already is set aside, and
 * read in full when the others are proven. All of this ends before the set counts as loaded. */
#include "lib/certificates/live/certificate_set_parts.h"

static bool go_on(struct certificate_set *set, struct certificate_finding *finding)
{
    if (certificate_set_is_abandoned(set)) {
        certificate_finding_clear(finding);
        return false;
    }
    return true;
}

static void count_done(struct certificate_set *set)
{
    atomic_fetch_add_explicit(&set->done, 1, memory_order_relaxed);
}

static bool has_rival(const struct certificate_set *set, const struct certificate_pair *pair)
{
    struct certificate_choice choice;
    bool has = false;
    for (size_t i = 0; i < certificate_pair_name_count(pair) && !has; i++) {
        has =
            certificate_table_find(set->table, certificate_pair_name(pair, i), set->now_s, &choice);
    }
    return has;
}

/* --- The looks' found, of three runs --- */

static bool take_quickly(struct certificate_source *source, struct certificate_finding *finding,
                         void *context)
{
    struct certificate_set *set = context;
    if (!go_on(set, finding)) {
        return false;
    }
    bool unproven = finding->unproven || set->unproven.count != 0;
    if (finding->pair != NULL && unproven && has_rival(set, finding->pair)) {
        certificate_finding_clear(finding);
        certificate_looks_add(&set->rivals, source);
        return true;
    }
    if (finding->unproven) {
        certificate_looks_add(&set->unproven, source);
    }
    certificate_set_take(set, source, finding);
    count_done(set);
    return true;
}

static void withdraw(struct certificate_set *set, struct certificate_source *source)
{
    struct certificate_pair *pair = certificate_source_withdraw(source);
    certificate_table_remove(set->table, pair);
    certificate_pair_unref(pair);
    set->changed--; /* in the same apply it was counted as published */
    set->unsaved--;
}

static bool take_proof(struct certificate_source *source, struct certificate_finding *finding,
                       void *context)
{
    struct certificate_set *set = context;
    if (!go_on(set, finding)) {
        return false;
    }
    if (finding->state != CERTIFICATE_SOURCE_SAME) {
        withdraw(set, source);
        certificate_set_take(set, source, finding);
    }
    return true;
}

static bool take_rival(struct certificate_source *source, struct certificate_finding *finding,
                       void *context)
{
    struct certificate_set *set = context;
    if (!go_on(set, finding)) {
        return false;
    }
    certificate_set_take(set, source, finding);
    count_done(set);
    return true;
}

void certificate_set_look_first(struct certificate_set *set)
{
    struct certificate_looks_options options = {
        .chains = set->chains, .now_s = set->now_s, .context = set};
    if (set->snapshot_path != NULL) {
        set->snapshot = snapshot_open(set->snapshot_path, set->chains);
    }
    options.snapshot = set->snapshot;
    options.quickly = true;
    options.found = take_quickly;
    certificate_looks_run(&set->looks, &options);
    options.quickly = false;
    options.prove = true;
    options.found = take_proof;
    certificate_looks_run(&set->unproven, &options);
    options.prove = false;
    options.found = take_rival;
    certificate_looks_run(&set->rivals, &options);
    if (set->snapshot != NULL) {
        size_t known = snapshot_count(set->snapshot);
        set->unsaved += known > set->remembered ? known - set->remembered : 0;
        snapshot_close(TAKE(set->snapshot));
    }
}
