/* What a look at one pair of files found, taken over into the table. */
#include "lib/certificates/live/certificate_set_parts.h"

/* A file that was only written again ends no sooner than before: nothing of that is told twice. */
static void keep_told(const struct certificate_source *source, struct certificate_pair *new)
{
    const struct certificate_pair *old = source->served;
    if (old != NULL && certificate_pair_not_after(old) == certificate_pair_not_after(new)) {
        certificate_pair_set_told(new, certificate_pair_told(old));
    }
}

/* A publication of NEW (taken) in SOURCE's place. The new one is in the table before the old one
 * leaves it, so no handshake in between is without. */
static void publish(struct certificate_set *set, struct certificate_source *source,
                    struct certificate_pair *new)
{
    keep_told(source, new);
    certificate_table_add(set->table, new);
    struct certificate_pair *old = certificate_source_serve(source, new);
    if (old != NULL) {
        certificate_table_remove(set->table, old);
        certificate_pair_unref(old);
    }
    set->changed++;
}

void certificate_set_put_trouble(struct certificate_set *set, struct certificate_source *source,
                                 struct certificate_trouble *trouble)
{
    if (trouble != NULL) {
        certificate_set_date_trouble(set, source, trouble);
        trouble->source = source;
        TAILQ_INSERT_TAIL(&set->troubles, trouble, link);
        set->trouble_count++;
        set->unsettled += !trouble->settled;
    }
    if (source->trouble != NULL) {
        TAILQ_REMOVE(&set->troubles, source->trouble, link);
        set->trouble_count--;
        set->unsettled -= !source->trouble->settled;
        certificate_trouble_free(source->trouble);
    }
    source->trouble = trouble;
}

bool certificate_set_is_abandoned(struct certificate_set *set)
{
    set->is_abandoned =
        set->is_abandoned || (set->abandoned != NULL && set->abandoned(set->abandoned_context));
    return set->is_abandoned;
}

static void add_note(struct certificate_set *set, const char *path, char *note)
{
    if (note != NULL) {
        diagnostics_add(&set->notes, SEVERITY_WARNING, path, 0, 0, "%s", note);
        free(note);
    }
}

void certificate_set_adopt(struct certificate_set *set, struct certificate_source *source,
                           struct certificate_finding *finding)
{
    source->looked_at = false;
    add_note(set, certificate_source_path(source), finding->note);
    if (finding->state == CERTIFICATE_SOURCE_NEW) {
        certificate_set_put_trouble(set, source, NULL);
        publish(set, source, finding->pair);
        set->remembered += finding->remembered;
        set->unsaved += !finding->remembered;
    } else if (finding->state == CERTIFICATE_SOURCE_TROUBLED) {
        certificate_set_put_trouble(set, source, finding->trouble);
    }
    bool gone = finding->state == CERTIFICATE_SOURCE_GONE;
    if (gone) {
        certificate_set_put_trouble(set, source, NULL); /* with the file it was about */
    }
    if (gone != source->gone) {
        source->gone = gone;
        source->gone_ms = set->now_ms;
        set->gone += gone ? 1 : (size_t)-1;
    }
}
