#include "certificate_source.h"

#include <errno.h>
#include <sys/stat.h>

struct certificate_source *certificate_source_new(const char *chain_path, const char *key_path)
{
    struct certificate_source *source = memory_zero(1, sizeof(*source));
    source->chain_path = memory_string(chain_path);
    source->key_path = memory_string(key_path);
    return source;
}

void certificate_source_free(struct certificate_source *source)
{
    free(source->chain_path);
    free(source->key_path);
    certificate_pair_unref(source->served);
    diagnostics_clear(&source->problem);
    free(source);
}

bool certificate_source_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
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

static void wipe(struct buffer *text)
{
    if (text->p != NULL) {
        explicit_bzero(text->p, text->capacity); /* either may hold the key */
    }
    buffer_clear(text);
}

static bool read_pair(struct certificate_source *source, struct pair_reader *reader,
                      struct certificate_pair **ret_pair, struct error *e)
{
    bool one = strcmp(source->chain_path, source->key_path) == 0;
    struct file_identity chain_identity = {0};
    struct file_identity key_identity = {0};
    CLEANUP(wipe) struct buffer chain = BUFFER(CERTIFICATE_FILE_MAX);
    CLEANUP(wipe) struct buffer key = BUFFER(CERTIFICATE_FILE_MAX);
    bool ok = file_read(source->chain_path, &chain, &chain_identity, e) &&
              (one || file_read(source->key_path, &key, &key_identity, e));
    if (!ok && e->system_errno == ENOENT) {
        error_format_prefix(e, "certificate and key belong together, and one is missing: ");
    }
    const struct pair_text texts[] = {
        {buffer_bytes(&chain), source->chain_path, &chain_identity},
        {buffer_bytes(&key), source->key_path, &key_identity},
    };
    ok = ok && pair_reader_read(reader, &texts[0], &texts[one ? 0 : 1], ret_pair, e);
    /* What could not be read has no identity, and so is tried again at every look. */
    source->chain_identity = chain_identity;
    source->key_identity = one ? chain_identity : key_identity;
    return ok;
}

/* A problem that is told once stays told until it becomes another. */
static void set_problem(struct certificate_source *source, const struct error *e)
{
    bool same = source->problem.count == 1 && strcmp(source->problem.items[0].text, e->text) == 0;
    if (!same) {
        diagnostics_clear(&source->problem);
        diagnostics_add_error(&source->problem, source->chain_path, e);
        source->told = false;
    }
}

enum certificate_source_state certificate_source_look(struct certificate_source *source,
                                                      struct pair_reader *reader,
                                                      struct certificate_pair **ret_pair)
{
    if (!certificate_source_exists(source->chain_path)) {
        return CERTIFICATE_SOURCE_GONE;
    }
    if (is_unchanged(source->chain_path, &source->chain_identity) &&
        is_unchanged(source->key_path, &source->key_identity)) {
        return CERTIFICATE_SOURCE_SAME;
    }
    struct error e = {0};
    if (!read_pair(source, reader, ret_pair, &e)) {
        set_problem(source, &e);
        return CERTIFICATE_SOURCE_SAME;
    }
    diagnostics_clear(&source->problem);
    return CERTIFICATE_SOURCE_NEW;
}
