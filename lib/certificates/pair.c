#include "pair.h"

#include <stdatomic.h>

#include "lib/base/secret_memory.h"

/* One allocation beside the key's, so that a million of them are small: what varies lies in
 * `octets`. */
struct certificate_pair {
    atomic_uint references;
    uint32_t leaf_length;
    uint32_t key_length;
    uint32_t path_length; /* with its NUL */
    uint16_t name_count;
    uint8_t file_count;
    bool rsa; /* of the key, hence of the leaf */
    atomic_bool withdrawn;
    uint8_t told;
    char *key; /* in secret memory */
    struct certificate_chain *chain;
    uint64_t serial;
    int64_t not_before;
    int64_t not_after;
    /* The files' identities; a uint32_t for each name, where it begins among the names; leaf; path;
     * names, each with a NUL. */
    char octets[];
};

/* The cache's keys: the one thing that all pairs of a process share. */
static uint64_t next_serial(void)
{
    static atomic_uint_fast64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

static size_t files_size(const struct certificate_pair *pair)
{
    return pair->file_count * sizeof(struct file_identity);
}

static const uint32_t *name_starts(const struct certificate_pair *pair)
{
    return (const uint32_t *)(const void *)(pair->octets + files_size(pair));
}

static const char *leaf_of(const struct certificate_pair *pair)
{
    return (const char *)(name_starts(pair) + pair->name_count);
}

static char *append(char *end, const void *p, size_t n)
{
    if (n != 0) {
        memcpy(end, p, n);
    }
    return end + n;
}

/* Where each of the names begins. */
static char *append_starts(char *end, struct bytes names, size_t count)
{
    size_t start = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t kept = (uint32_t)start;
        end = append(end, &kept, sizeof(kept));
        start += strlen(names.p + start) + 1;
    }
    return end;
}

struct certificate_pair *certificate_pair_new(const struct pair_parts *parts)
{
    size_t path_length = strlen(parts->path) + 1;
    size_t size = parts->file_count * sizeof(struct file_identity) +
                  parts->name_count * sizeof(uint32_t) + parts->leaf.n + path_length +
                  parts->names.n;
    struct certificate_pair *pair = memory_alloc(sizeof(*pair) + size);
    *pair = (struct certificate_pair){
        .leaf_length = (uint32_t)parts->leaf.n,
        .key_length = (uint32_t)parts->key.n,
        .path_length = (uint32_t)path_length,
        .name_count = (uint16_t)parts->name_count,
        .file_count = (uint8_t)parts->file_count,
        .rsa = parts->rsa,
        .key = secret_memory_copy(parts->key),
        .chain = certificate_chain_ref(parts->chain),
        .serial = next_serial(),
        .not_before = parts->not_before,
        .not_after = parts->not_after,
    };
    atomic_init(&pair->references, 1);
    char *end = append(pair->octets, parts->files, files_size(pair));
    end = append_starts(end, parts->names, parts->name_count);
    end = append(end, parts->leaf.p, parts->leaf.n);
    end = append(end, parts->path, path_length);
    (void)append(end, parts->names.p, parts->names.n);
    return pair;
}

struct certificate_pair *certificate_pair_ref(struct certificate_pair *pair)
{
    atomic_fetch_add_explicit(&pair->references, 1, memory_order_relaxed);
    return pair;
}

void certificate_pair_unref(struct certificate_pair *pair)
{
    if (pair != NULL &&
        atomic_fetch_sub_explicit(&pair->references, 1, memory_order_acq_rel) == 1) {
        secret_memory_free(pair->key, pair->key_length);
        certificate_chain_unref(pair->chain);
        free(pair);
    }
}

void certificate_pair_withdraw(struct certificate_pair *pair, bool withdrawn)
{
    atomic_store_explicit(&pair->withdrawn, withdrawn, memory_order_release);
}

bool certificate_pair_is_withdrawn(const struct certificate_pair *pair)
{
    return atomic_load_explicit(&pair->withdrawn, memory_order_acquire);
}

unsigned certificate_pair_told(const struct certificate_pair *pair)
{
    return pair->told;
}

void certificate_pair_set_told(struct certificate_pair *pair, unsigned told)
{
    pair->told = (uint8_t)told;
}

size_t certificate_pair_name_count(const struct certificate_pair *pair)
{
    return pair->name_count;
}

struct bytes certificate_pair_name(const struct certificate_pair *pair, size_t i)
{
    const char *names = certificate_pair_path(pair) + pair->path_length;
    return bytes_of(names + name_starts(pair)[i]);
}

struct bytes certificate_pair_names(const struct certificate_pair *pair)
{
    struct bytes last = certificate_pair_name(pair, pair->name_count - 1U);
    const char *names = certificate_pair_path(pair) + pair->path_length;
    return (struct bytes){names, (size_t)(last.p + last.n + 1 - names)};
}

int64_t certificate_pair_not_before(const struct certificate_pair *pair)
{
    return pair->not_before;
}

int64_t certificate_pair_not_after(const struct certificate_pair *pair)
{
    return pair->not_after;
}

enum certificate_validity certificate_pair_validity(const struct certificate_pair *pair,
                                                    int64_t now_s)
{
    return now_s < pair->not_before  ? CERTIFICATE_NOT_YET_VALID
           : now_s > pair->not_after ? CERTIFICATE_EXPIRED
                                     : CERTIFICATE_VALID;
}

bool certificate_pair_is_rsa(const struct certificate_pair *pair)
{
    return pair->rsa;
}

const char *certificate_pair_path(const struct certificate_pair *pair)
{
    return leaf_of(pair) + pair->leaf_length;
}

uint64_t certificate_pair_serial(const struct certificate_pair *pair)
{
    return pair->serial;
}

struct bytes certificate_pair_leaf(const struct certificate_pair *pair)
{
    return (struct bytes){leaf_of(pair), pair->leaf_length};
}

struct certificate_chain *certificate_pair_chain(const struct certificate_pair *pair)
{
    return pair->chain;
}

struct bytes certificate_pair_key(const struct certificate_pair *pair)
{
    return (struct bytes){pair->key, pair->key_length};
}

size_t certificate_pair_file_count(const struct certificate_pair *pair)
{
    return pair->file_count;
}

const struct file_identity *certificate_pair_files(const struct certificate_pair *pair)
{
    return (const struct file_identity *)(const void *)pair->octets;
}
