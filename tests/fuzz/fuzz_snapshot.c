/* The snapshot of certificates: whatever the file has in it, what is found has names in their
 * normal form, and is the path that was asked for. The input is a block of records, to which an
 * index and a trailer with right digests are made, so that damage is not seen by those; or the file
 * as a whole. */
#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/certificates/snapshot_format.h"
#include "lib/certificates/snapshot_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct certificate_pair *pair, const char *path)
{
    assert(strcmp(certificate_pair_path(pair), path) == 0);
    assert(certificate_pair_name_count(pair) != 0);
    assert(certificate_pair_leaf(pair).n != 0 && certificate_pair_key(pair).n != 0);
    for (size_t i = 0; i < certificate_pair_name_count(pair); i++) {
        struct bytes name = certificate_pair_name(pair, i);
        struct dns_name again;
        struct error e;
        name = bytes_starts_with(name, BYTES("*.")) ? bytes_skip(name, 2) : name;
        bool good = dns_name_normalise(name, &again, &e);
        assert(good && bytes_equal(name, dns_name_bytes(&again)));
        (void)good;
    }
}

/* Asks for each record of BLOCK, as who knows what is in it, and for one that is hardly there. */
static void ask(const struct snapshot *snapshot, struct bytes block)
{
    struct snapshot_cursor *cursor = snapshot_cursor_new(snapshot);
    const struct file_identity no_file = {0};
    certificate_pair_unref(snapshot_find(cursor, "/a.pem", &no_file, 1));
    do {
        struct snapshot_record record;
        if (snapshot_read_record(block, &record)) {
            const char *path = record.parts.path;
            struct certificate_pair *pair =
                snapshot_find(cursor, path, record.files, record.parts.file_count);
            if (pair != NULL) {
                check(pair, path);
                certificate_pair_unref(pair);
            }
        }
    } while (snapshot_skip_record(&block));
    snapshot_cursor_free(cursor);
}

static void add_part(struct buffer *file, struct buffer *index, struct bytes part,
                     const char *first_path)
{
    const struct snapshot_part entry = {file->n, part.n, snapshot_digest(part, file->n),
                                        bytes_of(first_path)};
    snapshot_add_part(index, &entry);
    buffer_add(file, part);
}

static void add_end(struct buffer *file, struct bytes index)
{
    const struct snapshot_trailer trailer = {
        .index = {.offset = file->n, .size = index.n, .digest = snapshot_digest(index, file->n)}};
    buffer_add(file, index);
    snapshot_add_trailer(file, certificate_snapshot_kind.magic, &trailer);
}

static void try(struct bytes file, struct bytes block)
{
    struct chain_pool *pool = chain_pool_new();
    int fd = memfd_create("snapshot", MFD_CLOEXEC);
    bool written = fd >= 0 && write(fd, file.p, file.n) == (ssize_t)file.n;
    assert(written);
    (void)written;
    struct snapshot *snapshot = snapshot_open_fd(fd, pool);
    if (snapshot != NULL) {
        ask(snapshot, block);
    }
    snapshot_close(snapshot);
    assert(chain_pool_count(pool) == 0);
    chain_pool_unref(pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { FILE_MAX = 1 << 22 };
    struct bytes input = {(const char *)data, size};
    CLEANUP(buffer_clear) struct buffer file = BUFFER(FILE_MAX);
    CLEANUP(buffer_clear) struct buffer index = BUFFER(FILE_MAX);
    CLEANUP(buffer_clear) struct buffer chains = BUFFER(FILE_MAX);
    const char *first = snapshot_peek_path(input);
    snapshot_add_chain(&chains, BYTES("a chain"));
    add_part(&file, &index, input, first != NULL ? first : "/");
    add_part(&file, &index, buffer_bytes(&chains), "");
    add_end(&file, buffer_bytes(&index));
    try(buffer_bytes(&file), input);

    /* The input as chains, then as an index, then as all of it. */
    buffer_reset(&file);
    buffer_reset(&index);
    add_part(&file, &index, input, "");
    add_end(&file, buffer_bytes(&index));
    try(buffer_bytes(&file), input);
    buffer_reset(&file);
    add_end(&file, input);
    try(buffer_bytes(&file), input);
    try(input, input);
    return 0;
}
