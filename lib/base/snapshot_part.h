/* What every snapshot is made of, whatever its records say: what was read and checked once, so that
 * the next start need not. Pure: octets to structs and back. What is read is not trusted: every
 * length is checked, every part has a digest.
 *
 *     block | block | … | extra | index | trailer
 *
 *     block    records, sorted by path, about SNAPSHOT_BLOCK octets of them
 *     extra    one part of the kind's own
 *     index    for each part before it: offset u64, size u64, digest u64, first path u16
 *              (length), path and NUL (of the extra part "")
 *     trailer  the kind's magic (16 octets), program's version (32 octets), index offset u64, size
 *              u64, digest u64, records u64, digest of the trailer before it u64
 *
 * Numbers are little-endian. A digest is XXH3 with the part's offset as seed: it finds damage, not
 * forgery. Another version of the program does not read it, since it may check what this one did
 * not. */
#ifndef LIB_BASE_SNAPSHOT_PART_H
#define LIB_BASE_SNAPSHOT_PART_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"

enum {
    SNAPSHOT_BLOCK = 32 * 1024,
    SNAPSHOT_INDEX_MAX = 256 * 1024 * 1024,
    SNAPSHOT_PATH_MAX = 4096,
    SNAPSHOT_MAGIC = 16,
    SNAPSHOT_TRAILER = SNAPSHOT_MAGIC + 32 + 5 * 8,
};

uint64_t snapshot_digest(struct bytes part, uint64_t offset);

struct snapshot_part {
    uint64_t offset;
    uint64_t size;
    uint64_t digest;
    struct bytes first_path; /* without its NUL, which is there */
};

struct snapshot_trailer {
    struct snapshot_part index;
    uint64_t records;
};

void snapshot_add_part(struct buffer *out, const struct snapshot_part *part);
/* MAGIC has SNAPSHOT_MAGIC octets. */
void snapshot_add_trailer(struct buffer *out, struct bytes magic,
                          const struct snapshot_trailer *trailer);

/* Each takes one off the front of *IN; false: damaged. What is returned borrows. */
bool snapshot_take_part(struct bytes *in, struct snapshot_part *ret_part) MUST_USE;
/* A path of LENGTH octets with its NUL. */
bool snapshot_take_path(struct bytes *in, size_t length, const char **ret_path) MUST_USE;
/* IN are the file's last SNAPSHOT_TRAILER octets, of FILE_SIZE. */
bool snapshot_read_trailer(struct bytes in, struct bytes magic, uint64_t file_size,
                           struct snapshot_trailer *ret_trailer) MUST_USE;

#endif
