#include "certificate_source.h"

#include <errno.h>
#include <sys/stat.h>

#include "lib/certificates/certificate_tree.h"
#include "lib/certificates/live/certificate_verdict.h"

struct certificate_source *certificate_source_new(char *path)
{
    struct certificate_source *source = memory_zero(1, sizeof(*source));
    source->path = path;
    return source;
}

void certificate_trouble_free(struct certificate_trouble *trouble)
{
    if (trouble != NULL) {
        diagnostics_clear(&trouble->problem);
        free(trouble);
    }
}

void certificate_source_free(struct certificate_source *source)
{
    free(source->path);
    certificate_pair_unref(source->served);
    certificate_trouble_free(source->trouble);
    free(source);
}

const char *certificate_source_path(const struct certificate_source *source)
{
    return source->served != NULL ? certificate_pair_path(source->served) : source->path;
}

struct certificate_pair *certificate_source_serve(struct certificate_source *source,
                                                  struct certificate_pair *pair)
{
    struct certificate_pair *old = source->served;
    source->served = pair;
    free(source->path);
    source->path = NULL;
    return old;
}

struct certificate_pair *certificate_source_withdraw(struct certificate_source *source)
{
    struct certificate_pair *old = source->served;
    source->path = memory_string(certificate_pair_path(old));
    source->served = NULL;
    return old;
}

bool certificate_source_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* --- A look --- */

struct certificate_looker {
    struct pair_reader *reader;
    struct snapshot_cursor *cursor; /* NULL: there is no snapshot */
    struct buffer chain;            /* either may hold the key: wiped after each look */
    struct buffer key;
    bool quickly;
    int64_t now_s;
};

struct certificate_looker *certificate_looker_new(const struct certificate_looker_options *options)
{
    const struct snapshot *snapshot = options->snapshot;
    struct certificate_looker *looker = memory_alloc(sizeof(*looker));
    *looker = (struct certificate_looker){
        .reader = pair_reader_new(options->chains),
        .cursor = snapshot != NULL ? snapshot_cursor_new(snapshot) : NULL,
        .chain = BUFFER(CERTIFICATE_FILE_MAX),
        .key = BUFFER(CERTIFICATE_FILE_MAX),
        .quickly = options->quickly,
        .now_s = options->now_s,
    };
    return looker;
}

void certificate_looker_free(struct certificate_looker *looker)
{
    if (looker != NULL) {
        buffer_wipe(&looker->key);
        buffer_wipe(&looker->chain);
        snapshot_cursor_free(looker->cursor);
        pair_reader_free(looker->reader);
        free(looker);
    }
}

/* The two files, or one twice. */
struct place {
    const char *chain_path;
    const char *key_path;
    bool one;
};

static bool is_unchanged(const char *path, const struct file_identity *known)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return false;
    }
    struct file_identity now = file_identity_of(&status);
    return file_identity_equal(&now, known);
}

static bool are_unchanged(const struct place *place, const struct file_identity *known)
{
    return is_unchanged(place->chain_path, &known[0]) &&
           (place->one || is_unchanged(place->key_path, &known[1]));
}

/* As last read, or NULL: also where it is time to judge them again. */
static const struct file_identity *known_files(const struct certificate_source *source,
                                               const struct place *place, int64_t now_s)
{
    const struct certificate_trouble *trouble = source->trouble;
    if (trouble != NULL) {
        return trouble->again_s != 0 && trouble->again_s <= now_s ? NULL : trouble->files;
    }
    bool whole = source->served != NULL &&
                 certificate_pair_file_count(source->served) == (place->one ? 1 : 2);
    return whole ? certificate_pair_files(source->served) : NULL;
}

/* RET_DONE NULL: nothing is left for later. */
static bool read_pair(const struct place *place, struct certificate_looker *looker,
                      struct file_identity *files, struct certificate_pair **ret_pair,
                      bool *ret_done, struct error *e)
{
    struct buffer *chain = &looker->chain;
    struct buffer *key = &looker->key;
    bool ok = file_read(place->chain_path, chain, &files[0], e) &&
              (place->one || file_read(place->key_path, key, &files[1], e));
    if (!ok && e->system_errno == ENOENT) {
        error_format_prefix(e, "certificate and key belong together, and one is missing: ");
    }
    const struct pair_text chain_text = {buffer_bytes(chain), place->chain_path, &files[0]};
    const struct pair_text key_text = {buffer_bytes(key), place->key_path, &files[1]};
    const struct pair_text *key_place = place->one ? &chain_text : &key_text;
    ok = ok &&
         (ret_done != NULL ? pair_reader_read_quickly(looker->reader, &chain_text, key_place,
                                                      ret_pair, ret_done, e)
                           : pair_reader_read(looker->reader, &chain_text, key_place, ret_pair, e));
    buffer_erase(chain);
    buffer_erase(key);
    return ok;
}

static struct certificate_trouble *trouble_new(const struct certificate_source *source,
                                               const struct file_identity *files,
                                               const struct error *e)
{
    struct certificate_trouble *trouble = memory_zero(1, sizeof(*trouble));
    memcpy(trouble->files, files, sizeof(trouble->files));
    trouble->denied = e->system_errno == EACCES;
    diagnostics_add_error(&trouble->problem, certificate_source_path(source), e);
    /* What is told once stays told until it becomes another. */
    trouble->told = source->trouble != NULL && source->trouble->told &&
                    strcmp(source->trouble->problem.items[0].text, e->text) == 0;
    return trouble;
}

/* The pair as the snapshot has it, or NULL. Without one the files are only read, not looked at
 * before. */
static struct certificate_pair *recall(const struct place *place, struct snapshot_cursor *cursor)
{
    struct file_identity files[CERTIFICATE_PAIR_FILES_MAX];
    struct stat status;
    if (cursor == NULL || stat(place->chain_path, &status) != 0) {
        return NULL;
    }
    files[0] = file_identity_of(&status);
    if (!place->one) {
        if (stat(place->key_path, &status) != 0) {
            return NULL;
        }
        files[1] = file_identity_of(&status);
    }
    return snapshot_find(cursor, place->chain_path, files, place->one ? 1 : 2);
}

/* FINDING's pair was read from FILES. */
static void judge(const struct certificate_source *source, const struct file_identity *files,
                  int64_t now_s, struct certificate_finding *finding)
{
    int64_t again_s = 0;
    struct error e;
    switch (certificate_verdict_find(source->served, finding->pair, now_s, &again_s)) {
    case CERTIFICATE_TAKEN:
        break;
    case CERTIFICATE_TAKEN_ENDS_SOONER:
        finding->note = certificate_verdict_note(source->served, finding->pair);
        break;
    case CERTIFICATE_REFUSED:
        certificate_verdict_explain(source->served, finding->pair, now_s, &e);
        finding->state = CERTIFICATE_SOURCE_TROUBLED;
        finding->trouble = trouble_new(source, files, &e);
        finding->trouble->again_s = again_s;
        certificate_pair_unref(TAKE(finding->pair));
        break;
    }
}

static struct certificate_finding read_anew(const struct certificate_source *source,
                                            const struct place *place,
                                            struct certificate_looker *looker, bool quickly)
{
    /* What cannot be read has no identity, and so is tried again at every look. */
    struct file_identity files[CERTIFICATE_PAIR_FILES_MAX] = {{0}};
    struct certificate_finding finding = {.state = CERTIFICATE_SOURCE_NEW};
    struct error e = {0};
    bool done = true;
    if (read_pair(place, looker, files, &finding.pair, quickly ? &done : NULL, &e)) {
        finding.unproven = !done;
        judge(source, files, looker->now_s, &finding);
    } else if (!certificate_source_exists(place->chain_path)) {
        finding.state = CERTIFICATE_SOURCE_GONE;
    } else {
        finding.state = CERTIFICATE_SOURCE_TROUBLED;
        finding.trouble = trouble_new(source, files, &e);
    }
    return finding;
}

static struct certificate_finding look_at(const struct certificate_source *source,
                                          const struct place *place,
                                          struct certificate_looker *looker)
{
    const struct file_identity *known = known_files(source, place, looker->now_s);
    struct certificate_finding finding = {.state = CERTIFICATE_SOURCE_SAME};
    if (known != NULL && are_unchanged(place, known)) {
        return finding;
    }
    bool first = source->served == NULL && source->trouble == NULL;
    if (first && (finding.pair = recall(place, looker->cursor)) != NULL) {
        finding.state = CERTIFICATE_SOURCE_NEW;
        finding.remembered = true;
        return finding;
    }
    return read_anew(source, place, looker, first && looker->quickly);
}

static struct place place_of(const char *path, char **ret_chain_path, char **ret_key_path)
{
    bool named = certificate_tree_pair_of(path, ret_chain_path, ret_key_path);
    const char *key_path = named ? *ret_key_path : path;
    return (struct place){path, key_path, strcmp(path, key_path) == 0};
}

struct certificate_finding certificate_source_look(const struct certificate_source *source,
                                                   struct certificate_looker *looker)
{
    CLEANUP_FREE char *chain_path = NULL;
    CLEANUP_FREE char *key_path = NULL;
    struct place place = place_of(certificate_source_path(source), &chain_path, &key_path);
    return look_at(source, &place, looker);
}

struct certificate_finding certificate_source_prove(const struct certificate_source *source,
                                                    struct certificate_looker *looker)
{
    if (pair_reader_prove(looker->reader, source->served)) {
        return (struct certificate_finding){.state = CERTIFICATE_SOURCE_SAME};
    }
    CLEANUP_FREE char *chain_path = NULL;
    CLEANUP_FREE char *key_path = NULL;
    struct place place = place_of(certificate_source_path(source), &chain_path, &key_path);
    return read_anew(source, &place, looker, false);
}

void certificate_finding_clear(struct certificate_finding *finding)
{
    certificate_pair_unref(finding->pair);
    certificate_trouble_free(finding->trouble);
    free(finding->note);
    *finding = (struct certificate_finding){0};
}
