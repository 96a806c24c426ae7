#include "snapshot_writer.h"

#include <search.h>

#include <openssl/crypto.h>

#include "base/file_stream.h"
#include "certificates/snapshot_format.h"

/* A chain that was met, and its number. */
struct numbered {
    const struct certificate_chain *chain;
    uint32_t number;
};

struct writer {
    struct file_stream *stream;
    struct buffer block; /* not written yet */
    const char *first_path;
    struct buffer chains;
    void *numbers; /* tsearch(3) of struct numbered */
    uint32_t chain_count;
    struct buffer index;
    uint64_t pairs;
};

static void writer_clear(struct writer *writer)
{
    file_stream_free(writer->stream);
    buffer_wipe(&writer->block); /* private keys */
    buffer_clear(&writer->chains);
    buffer_clear(&writer->index);
    tdestroy(writer->numbers, free);
}

/* --- Chains --- */

static int compare_numbered(const void *left, const void *right)
{
    uint64_t a = certificate_chain_serial(((const struct numbered *)left)->chain);
    uint64_t b = certificate_chain_serial(((const struct numbered *)right)->chain);
    return (a > b) - (a < b);
}

static uint32_t number_of(struct writer *writer, const struct certificate_chain *chain)
{
    struct numbered *sought = memory_alloc(sizeof(*sought));
    *sought = (struct numbered){chain, writer->chain_count};
    struct numbered **found = tsearch(sought, &writer->numbers, compare_numbered);
    if (found == NULL) {
        abort(); /* out of memory */
    }
    if (*found != sought) {
        free(sought);
        return (*found)->number;
    }
    snapshot_add_chain(&writer->chains, certificate_chain_der(chain));
    return writer->chain_count++;
}

/* --- Parts --- */

static bool write_part(struct writer *writer, struct bytes part, const char *first_path,
                       struct error *e)
{
    uint64_t offset = file_stream_size(writer->stream);
    const struct snapshot_part entry = {offset, part.n, snapshot_digest(part, offset),
                                        bytes_of(first_path)};
    snapshot_add_part(&writer->index, &entry);
    return file_stream_write(writer->stream, part, e);
}

static bool write_block(struct writer *writer, struct error *e)
{
    if (writer->block.n == 0) {
        return true;
    }
    bool written = write_part(writer, buffer_bytes(&writer->block), writer->first_path, e);
    OPENSSL_cleanse(writer->block.p, writer->block.n); /* its memory stays for the next */
    buffer_reset(&writer->block);
    return written;
}

static bool add_pair(struct writer *writer, const struct certificate_pair *pair, struct error *e)
{
    const char *path = certificate_pair_path(pair);
    if (certificate_pair_file_count(pair) == 0 || strlen(path) > SNAPSHOT_PATH_MAX) {
        return true;
    }
    if (writer->block.n == 0) {
        writer->first_path = path;
    }
    snapshot_add_record(&writer->block, pair, number_of(writer, certificate_pair_chain(pair)));
    writer->pairs++;
    return writer->block.n < SNAPSHOT_BLOCK || write_block(writer, e);
}

static bool finish(struct writer *writer, const char *path, struct error *e)
{
    if (!write_block(writer, e) || !write_part(writer, buffer_bytes(&writer->chains), "", e)) {
        return false;
    }
    if (writer->chains.overflow || writer->index.overflow || writer->block.overflow) {
        return error_set(e, ERROR_LIMIT, "%s would be too large; it is not written", path);
    }
    uint64_t offset = file_stream_size(writer->stream);
    struct bytes index = buffer_bytes(&writer->index);
    const struct snapshot_trailer trailer = {
        .index = {.offset = offset, .size = index.n, .digest = snapshot_digest(index, offset)},
        .pairs = writer->pairs,
    };
    CLEANUP(buffer_clear) struct buffer end = BUFFER(SNAPSHOT_TRAILER);
    snapshot_add_trailer(&end, &trailer);
    return file_stream_write(writer->stream, index, e) &&
           file_stream_write(writer->stream, buffer_bytes(&end), e) &&
           file_stream_commit(writer->stream, e);
}

bool snapshot_write(const char *path, struct certificate_pair *const *pairs, size_t count,
                    const _Atomic bool *stop, struct error *e)
{
    CLEANUP(writer_clear)
    struct writer writer = {.block = BUFFER(SNAPSHOT_PART_MAX),
                            .chains = BUFFER(SNAPSHOT_CHAINS_MAX),
                            .index = BUFFER(SNAPSHOT_INDEX_MAX)};
    if (!file_stream_open(path, 0600, &writer.stream, e)) {
        return false;
    }
    /* So that it hardly ever grows, which would leave keys where it was. */
    (void)buffer_reserve(&writer.block, (size_t)2 * SNAPSHOT_BLOCK);
    for (size_t i = 0; i < count; i++) {
        if (atomic_load_explicit(stop, memory_order_relaxed)) {
            return error_set(e, ERROR_RETRY, "%s is not written; the server stops", path);
        }
        if (!add_pair(&writer, pairs[i], e)) {
            return false;
        }
    }
    return finish(&writer, path, e);
}
