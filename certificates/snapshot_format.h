/* The layout of a snapshot of certificates: what was read and checked, with the identities of the
 * files it came from. Pure: octets to structs and back. What is read is not trusted: every length
 * is checked, every part has a digest.
 *
 *     block | block | … | chains | index | trailer
 *
 *     block    records, sorted by path, about SNAPSHOT_BLOCK octets of them
 *     record   size u32 (of what follows), chain u32 (its number), not_before i64, not_after i64,
 *              leaf u32, key u32, names u32, path u16 (lengths), name_count u16, rsa u8, files u8,
 *              0 u16, each file: device, inode, size u64, modified, changed i64 (ns);
 *              path and NUL, names with a NUL each, leaf, key
 *     chains   for each, in the order of their numbers: length u32, DER
 *     index    for each part before it: offset u64, size u64, digest u64, first path u16
 *              (length), path and NUL (of the chains "")
 *     trailer  "mta-sts snapshot", program's version (32 octets), index offset u64, size u64,
 *              digest u64, pairs u64, digest of the trailer before it u64
 *
 * Numbers are little-endian. A digest is XXH3 with the part's offset as seed: it finds damage.
 * Whoever can write the file can have the keys in it. Another version of the program does not read
 * it, since it may check what this one did not. */
#ifndef CERTIFICATES_SNAPSHOT_FORMAT_H
#define CERTIFICATES_SNAPSHOT_FORMAT_H

#include "base/buffer.h"
#include "certificates/pair.h"

enum {
    SNAPSHOT_BLOCK = 32 * 1024,
    SNAPSHOT_RECORD_MAX = 4 * CERTIFICATE_FILE_MAX,
    SNAPSHOT_PART_MAX = SNAPSHOT_BLOCK + SNAPSHOT_RECORD_MAX, /* of a block */
    SNAPSHOT_CHAINS_MAX = 256 * 1024 * 1024,                  /* octets */
    SNAPSHOT_INDEX_MAX = 256 * 1024 * 1024,
    SNAPSHOT_PATH_MAX = 4096,
    SNAPSHOT_TRAILER = 16 + 32 + 5 * 8,
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
    uint64_t pairs;
};

void snapshot_add_chain(struct buffer *out, struct bytes der);
/* CHAIN is the number of its chain. */
void snapshot_add_record(struct buffer *out, const struct certificate_pair *pair, uint32_t chain);
void snapshot_add_part(struct buffer *out, const struct snapshot_part *part);
void snapshot_add_trailer(struct buffer *out, const struct snapshot_trailer *trailer);

/* Each takes one off the front of *IN; false: damaged. What is returned borrows. */
bool snapshot_take_chain(struct bytes *in, struct bytes *ret_der);
struct snapshot_record {
    struct pair_parts parts; /* without the chain */
    uint32_t chain;
    struct file_identity files[CERTIFICATE_PAIR_FILES_MAX];
};
/* The path of the record at the front. NULL: damaged. */
const char *snapshot_peek_path(struct bytes in);
bool snapshot_skip_record(struct bytes *in);
/* RET_RECORD must stay where it is: its parts point into it. */
bool snapshot_read_record(struct bytes in, struct snapshot_record *ret_record);
bool snapshot_take_part(struct bytes *in, struct snapshot_part *ret_part);
/* IN are the file's last SNAPSHOT_TRAILER octets, of FILE_SIZE. */
bool snapshot_read_trailer(struct bytes in, uint64_t file_size,
                           struct snapshot_trailer *ret_trailer);

#endif
