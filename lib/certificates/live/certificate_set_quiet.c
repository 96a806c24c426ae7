/* Pairs whose files are being written to, or replaced one after the other: what is between is
 * neither served nor told. */
#include <sys/stat.h>

#include "lib/certificates/certificate_tree.h"
#include "lib/certificates/live/certificate_set_parts.h"

/* The less certain of both files. */
static enum watch_writing writing_of(const struct certificate_set *set, const char *path)
{
    CLEANUP_FREE char *chain_path = NULL;
    CLEANUP_FREE char *key_path = NULL;
    if (set->writing == NULL) {
        return WATCH_WHOLE;
    }
    bool named = certificate_tree_pair_of(path, &chain_path, &key_path);
    enum watch_writing chain = set->writing(path, set->writing_context);
    enum watch_writing key = named ? set->writing(key_path, set->writing_context) : chain;
    if (chain == WATCH_OPEN || key == WATCH_OPEN) {
        return WATCH_OPEN;
    }
    return chain == WATCH_UNTOLD || key == WATCH_UNTOLD ? WATCH_UNTOLD : WATCH_WHOLE;
}

static bool is_file(const char *path, const struct file_identity *known)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return false;
    }
    struct file_identity now = file_identity_of(&status);
    return file_identity_equal(&now, known);
}

/* Whether the pair that was found is what is there. Asked after the watch was: a writer who was
 * done by then, and has left the files as they were read, was done before. */
static bool is_there_still(const char *path, const struct certificate_finding *finding)
{
    CLEANUP_FREE char *chain_path = NULL;
    CLEANUP_FREE char *key_path = NULL;
    const struct certificate_pair *pair = finding->pair;
    if (pair == NULL) {
        return true;
    }
    const struct file_identity *files = certificate_pair_files(pair);
    bool two = certificate_pair_file_count(pair) == 2;
    return is_file(path, &files[0]) &&
           (!two || !certificate_tree_pair_of(path, &chain_path, &key_path) ||
            is_file(key_path, &files[1]));
}

static void copy_files(const struct certificate_finding *finding, struct file_identity *files)
{
    const struct certificate_pair *pair = finding->pair;
    size_t count = pair != NULL ? certificate_pair_file_count(pair) : CERTIFICATE_PAIR_FILES_MAX;
    memcpy(files, pair != NULL ? certificate_pair_files(pair) : finding->trouble->files,
           count * sizeof(*files));
}

/* Nobody tells whether it is whole, or nobody did when it was looked at last. */
static bool has_settled(struct certificate_set *set, struct certificate_source *source,
                        struct certificate_finding *finding)
{
    struct file_identity files[CERTIFICATE_PAIR_FILES_MAX] = {{0}};
    copy_files(finding, files);
    if (!certificate_waits_is_over(&set->waits, source, files, set->now_ms, set->settle_ms)) {
        return false;
    }
    if (finding->trouble != NULL) {
        finding->trouble->settled = true;
    }
    return true;
}

bool certificate_set_is_quiet(struct certificate_set *set, struct certificate_source *source,
                              struct certificate_finding *finding)
{
    bool is_new = finding->pair != NULL || finding->trouble != NULL;
    enum watch_writing writing =
        is_new ? writing_of(set, certificate_source_path(source)) : WATCH_WHOLE;
    if (writing == WATCH_OPEN ||
        (writing == WATCH_WHOLE && !is_there_still(certificate_source_path(source), finding))) {
        return false; /* the watch hands it out when it is closed, or has to already */
    }
    bool untold = writing == WATCH_UNTOLD || set->untold || source->waiting;
    /* Who asks has put there what is there. */
    if (is_new && untold && !set->asked && source->served != NULL) {
        return has_settled(set, source, finding);
    }
    certificate_waits_forget(&set->waits, source);
    return true;
}

struct certificate_source *certificate_set_next_quiet(struct certificate_set *set)
{
    return certificate_waits_next(&set->waits, set->now_ms, set->settle_ms);
}

/* --- What is told --- */

static bool is_settled(const struct certificate_set *set, const struct certificate_trouble *trouble)
{
    return trouble->settled || set->asked || set->now_ms >= trouble->since_ms + set->settle_ms;
}

void certificate_set_date_trouble(const struct certificate_set *set,
                                  const struct certificate_source *source,
                                  struct certificate_trouble *trouble)
{
    const struct certificate_trouble *before = source->trouble;
    trouble->since_ms = before != NULL ? before->since_ms : set->now_ms;
    trouble->settled = is_settled(set, trouble) || (before != NULL && before->settled);
}

void certificate_set_settle_troubles(struct certificate_set *set)
{
    struct certificate_trouble *trouble = TAILQ_FIRST(&set->troubles);
    for (; trouble != NULL && set->unsettled != 0; trouble = TAILQ_NEXT(trouble, link)) {
        if (!trouble->settled && is_settled(set, trouble)) {
            trouble->settled = true;
            set->unsettled--;
        }
    }
}

int64_t certificate_set_quiet_due_ms(const struct certificate_set *set)
{
    int64_t due_ms = certificate_waits_due_ms(&set->waits, set->settle_ms);
    const struct certificate_trouble *trouble = NULL;
    size_t left = set->unsettled;
    for (trouble = TAILQ_FIRST(&set->troubles); left != 0; trouble = TAILQ_NEXT(trouble, link)) {
        if (!trouble->settled) {
            int64_t its_ms = trouble->since_ms + set->settle_ms;
            due_ms = due_ms < 0 || its_ms < due_ms ? its_ms : due_ms;
            left--;
        }
    }
    return due_ms;
}
