#include "pair_files.h"

#include "lib/base/file.h"
#include "lib/certificates/certificate_tree.h"
#include "lib/watch/watch.h"

struct walk {
    void (*visit)(const struct pair_file *file, void *context);
    void *context;
};

static void visit_pair(const struct walk *walk, const char *chain_path, const char *key_path)
{
    struct error e;
    struct pair_file file = {.path = chain_path};
    struct certificate_pair *pair = NULL;
    /* Either may hold the key. */
    CLEANUP(buffer_wipe) struct buffer chain = BUFFER(CERTIFICATE_FILE_MAX);
    CLEANUP(buffer_wipe) struct buffer key = BUFFER(CERTIFICATE_FILE_MAX);
    if (file_read(chain_path, &chain, NULL, &e) && file_read(key_path, &key, NULL, &e) &&
        certificate_pair_parse(buffer_bytes(&chain), chain_path, buffer_bytes(&key), key_path,
                               &pair, &e)) {
        file.pair = pair;
    } else {
        file.e = &e;
    }
    walk->visit(&file, walk->context);
    certificate_pair_unref(pair);
}

static void meet(const char *path, const struct error *e, void *context)
{
    const struct walk *walk = context;
    CLEANUP_FREE char *chain_path = NULL;
    CLEANUP_FREE char *key_path = NULL;
    if (certificate_tree_pair_of(path, &chain_path, &key_path)) {
        if (strcmp(path, chain_path) == 0) { /* else the key's turn: the chain has its own */
            visit_pair(walk, chain_path, key_path);
        }
    } else if (e != NULL) {
        walk->visit(&(struct pair_file){.path = path, .e = e}, walk->context);
    }
}

bool pair_files_each(const char *directory,
                     void (*visit)(const struct pair_file *file, void *context), void *context,
                     struct error *e)
{
    struct walk walk = {visit, context};
    return watch_list(directory, meet, &walk, e);
}
