#include "snapshot_writer.h"

#include <search.h>

#include "lib/base/snapshot_stream.h"
#include "lib/certificates/snapshot_format.h"

/* A chain that was met, and its number. */
struct numbered {
    const struct certificate_chain *chain;
    uint32_t number;
};

struct writer {
    struct snapshot_stream *stream;
    struct buffer chains;
    void *numbers; /* tsearch(3) of struct numbered */
    uint32_t chain_count;
};

static void writer_clear(struct writer *writer)
{
    snapshot_stream_free(writer->stream);
    buffer_clear(&writer->chains);
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

static bool add_pair(struct writer *writer, const struct certificate_pair *pair, struct error *e)
{
    const char *path = certificate_pair_path(pair);
    if (certificate_pair_file_count(pair) == 0 || strlen(path) > SNAPSHOT_PATH_MAX) {
        return true;
    }
    snapshot_add_record(snapshot_stream_block(writer->stream), pair,
                        number_of(writer, certificate_pair_chain(pair)));
    return snapshot_stream_added(writer->stream, path, e);
}

bool snapshot_write(const char *path, struct certificate_pair *const *pairs, size_t count,
                    const _Atomic bool *stop, struct error *e)
{
    CLEANUP(writer_clear) struct writer writer = {.chains = BUFFER(SNAPSHOT_CHAINS_MAX)};
    if (!snapshot_stream_open(path, &certificate_snapshot_kind, &writer.stream, e)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (atomic_load_explicit(stop, memory_order_relaxed)) {
            return error_set(e, ERROR_RETRY, "%s is not written; the server stops", path);
        }
        if (!add_pair(&writer, pairs[i], e)) {
            return false;
        }
    }
    return snapshot_stream_commit(writer.stream, &writer.chains, e);
}
