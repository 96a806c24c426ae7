#include "snapshot_stream.h"

#include "lib/base/file_stream.h"

struct snapshot_stream {
    struct file_stream *file;
    const char *path;
    struct bytes magic;
    struct buffer block;    /* not written yet */
    const char *first_path; /* NULL: it has no record */
    struct buffer index;
    uint64_t records;
};

bool snapshot_stream_open(const char *path, const struct snapshot_kind *kind,
                          struct snapshot_stream **ret_stream, struct error *e)
{
    struct file_stream *file = NULL;
    if (!file_stream_open(path, 0600, &file, e)) {
        return false;
    }
    struct snapshot_stream *stream = memory_zero(1, sizeof(*stream));
    stream->file = file;
    stream->path = path;
    stream->magic = kind->magic;
    stream->block = BUFFER(kind->block_max);
    stream->index = BUFFER(SNAPSHOT_INDEX_MAX);
    /* So that it hardly ever grows, which would leave secrets where it was. */
    (void)buffer_reserve(&stream->block, (size_t)2 * SNAPSHOT_BLOCK);
    *ret_stream = stream;
    return true;
}

void snapshot_stream_free(struct snapshot_stream *stream)
{
    if (stream != NULL) {
        file_stream_free(stream->file);
        buffer_wipe(&stream->block);
        buffer_clear(&stream->index);
        free(stream);
    }
}

static bool write_part(struct snapshot_stream *stream, struct bytes part, const char *first_path,
                       struct error *e)
{
    uint64_t offset = file_stream_size(stream->file);
    const struct snapshot_part entry = {offset, part.n, snapshot_digest(part, offset),
                                        bytes_of(first_path)};
    snapshot_add_part(&stream->index, &entry);
    return file_stream_write(stream->file, part, e);
}

static bool write_block(struct snapshot_stream *stream, struct error *e)
{
    if (stream->first_path == NULL) {
        return true;
    }
    if (stream->block.overflow) {
        return error_set(e, ERROR_LIMIT, "%s would be too large; it is not written", stream->path);
    }
    bool written = write_part(stream, buffer_bytes(&stream->block), stream->first_path, e);
    buffer_erase(&stream->block); /* its memory stays for the next */
    stream->first_path = NULL;
    return written;
}

struct buffer *snapshot_stream_block(struct snapshot_stream *stream)
{
    return &stream->block;
}

bool snapshot_stream_added(struct snapshot_stream *stream, const char *path, struct error *e)
{
    stream->first_path = stream->first_path != NULL ? stream->first_path : path;
    stream->records++;
    return stream->block.n < SNAPSHOT_BLOCK || write_block(stream, e);
}

bool snapshot_stream_commit(struct snapshot_stream *stream, const struct buffer *extra,
                            struct error *e)
{
    if (!write_block(stream, e) || !write_part(stream, buffer_bytes(extra), "", e)) {
        return false;
    }
    if (extra->overflow || stream->index.overflow) {
        return error_set(e, ERROR_LIMIT, "%s would be too large; it is not written", stream->path);
    }
    uint64_t offset = file_stream_size(stream->file);
    struct bytes index = buffer_bytes(&stream->index);
    const struct snapshot_trailer trailer = {
        .index = {.offset = offset, .size = index.n, .digest = snapshot_digest(index, offset)},
        .records = stream->records,
    };
    CLEANUP(buffer_clear) struct buffer end = BUFFER(SNAPSHOT_TRAILER);
    snapshot_add_trailer(&end, stream->magic, &trailer);
    return file_stream_write(stream->file, index, e) &&
           file_stream_write(stream->file, buffer_bytes(&end), e) &&
           file_stream_commit(stream->file, e);
}
