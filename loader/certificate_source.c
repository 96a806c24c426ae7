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

static bool read_pair(struct certificate_source *source, struct certificate_pair **ret_pair,
                      struct error *e)
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
    if (!read_pair(source, ret_pair, &e)) {
        set_problem(source, &e);
        return CERTIFICATE_SOURCE_SAME;
    }
    diagnostics_clear(&source->problem);
    return CERTIFICATE_SOURCE_NEW;
}
