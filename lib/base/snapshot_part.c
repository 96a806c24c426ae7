#include "snapshot_part.h"

#include <xxhash.h>

#include "lib/base/snapshot_numbers.h"

enum { VERSION_LENGTH = 32 };

_Static_assert(sizeof(MTASTS_VERSION) <= VERSION_LENGTH, "the version fits");

uint64_t snapshot_digest(struct bytes part, uint64_t offset)
{
    return XXH3_64bits_withSeed(part.p, part.n, offset);
}

static void add_place(struct buffer *out, const struct snapshot_part *part)
{
    snapshot_add_number(out, part->offset, 8);
    snapshot_add_number(out, part->size, 8);
    snapshot_add_number(out, part->digest, 8);
}

static void take_place(struct bytes *in, struct snapshot_part *part)
{
    part->offset = snapshot_take_number(in, 8);
    part->size = snapshot_take_number(in, 8);
    part->digest = snapshot_take_number(in, 8);
}

void snapshot_add_part(struct buffer *out, const struct snapshot_part *part)
{
    add_place(out, part);
    snapshot_add_number(out, part->first_path.n, 2);
    buffer_add(out, part->first_path);
    snapshot_add_number(out, 0, 1);
}

bool snapshot_take_path(struct bytes *in, size_t length, const char **ret_path)
{
    struct bytes path;
    if (length > SNAPSHOT_PATH_MAX || !snapshot_take(in, length + 1, &path) ||
        memchr(path.p, '\0', path.n) != path.p + length) {
        return false;
    }
    *ret_path = path.p;
    return true;
}

bool snapshot_take_part(struct bytes *in, struct snapshot_part *ret_part)
{
    if (in->n < 3 * 8 + 2) {
        return false;
    }
    struct snapshot_part part = {0};
    take_place(in, &part);
    size_t length = snapshot_take_number(in, 2);
    const char *path = NULL;
    if (!snapshot_take_path(in, length, &path)) {
        return false;
    }
    part.first_path = (struct bytes){path, length};
    *ret_part = part;
    return true;
}

void snapshot_add_trailer(struct buffer *out, struct bytes magic,
                          const struct snapshot_trailer *trailer)
{
    char version[VERSION_LENGTH] = MTASTS_VERSION;
    size_t start = out->n;
    buffer_add(out, magic);
    buffer_add(out, (struct bytes){version, sizeof(version)});
    add_place(out, &trailer->index);
    snapshot_add_number(out, trailer->records, 8);
    snapshot_add_number(out, snapshot_digest(bytes_skip(buffer_bytes(out), start), 0), 8);
}

bool snapshot_read_trailer(struct bytes in, struct bytes magic, uint64_t file_size,
                           struct snapshot_trailer *ret_trailer)
{
    char want[VERSION_LENGTH] = MTASTS_VERSION;
    struct bytes digested = {in.p, SNAPSHOT_TRAILER - sizeof(uint64_t)};
    struct bytes found;
    struct bytes version;
    if (in.n != SNAPSHOT_TRAILER || file_size < SNAPSHOT_TRAILER ||
        !snapshot_take(&in, SNAPSHOT_MAGIC, &found) ||
        !snapshot_take(&in, sizeof(want), &version) || !bytes_equal(found, magic) ||
        !bytes_equal(version, (struct bytes){want, sizeof(want)})) {
        return false;
    }
    struct snapshot_trailer trailer = {0};
    take_place(&in, &trailer.index);
    trailer.records = snapshot_take_number(&in, 8);
    if (snapshot_take_number(&in, 8) != snapshot_digest(digested, 0) ||
        trailer.index.size > SNAPSHOT_INDEX_MAX ||
        trailer.index.offset + trailer.index.size != file_size - SNAPSHOT_TRAILER ||
        trailer.index.offset > file_size) {
        return false;
    }
    *ret_trailer = trailer;
    return true;
}
