/* What a snapshot of certificates (lib/base/snapshot_part.h) has in it: what was read and checked,
 * with the identities of the files it came from. Pure: octets to structs and back. What is read is
 * not trusted: every length is checked.
 *
 *     record   size u32 (of what follows), chain u32 (its number), not_before i64, not_after i64,
 *              leaf u32, key u32, names u32, path u16 (lengths), name_count u16, rsa u8, files u8,
 *              0 u16, each file: device, inode, size u64, modified, changed i64 (ns);
 *              path and NUL, names with a NUL each, leaf, key
 *     extra    the chains; for each, in the order of their numbers: length u32, DER
 *
 * Whoever can write the file can have the keys in it. */
#ifndef LIB_CERTIFICATES_SNAPSHOT_FORMAT_H
#define LIB_CERTIFICATES_SNAPSHOT_FORMAT_H

#include "lib/base/snapshot_file.h"
#include "lib/certificates/pair.h"

enum {
    SNAPSHOT_RECORD_MAX = 4 * CERTIFICATE_FILE_MAX,
    SNAPSHOT_PART_MAX = SNAPSHOT_BLOCK + SNAPSHOT_RECORD_MAX, /* of a block */
    SNAPSHOT_CHAINS_MAX = 256 * 1024 * 1024,                  /* octets */
};

extern const struct snapshot_kind certificate_snapshot_kind;

void snapshot_add_chain(struct buffer *out, struct bytes der);
/* CHAIN is the number of its chain. */
void snapshot_add_record(struct buffer *out, const struct certificate_pair *pair, uint32_t chain);

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

#endif
