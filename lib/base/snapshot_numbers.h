/* Numbers of a snapshot (lib/base/snapshot_part.h), little-endian. What is missing at the end of
 * *IN reads as 0: look at the length first, or take what follows. */
#ifndef LIB_BASE_SNAPSHOT_NUMBERS_H
#define LIB_BASE_SNAPSHOT_NUMBERS_H

#include <endian.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/file.h"

enum { SNAPSHOT_IDENTITY = 5 * 8 }; /* octets of a file's identity */

static inline void snapshot_add_number(struct buffer *out, uint64_t value, size_t octets)
{
    uint64_t little = htole64(value);
    buffer_add(out, (struct bytes){(const char *)&little, octets});
}

static inline bool snapshot_take(struct bytes *in, size_t n, struct bytes *ret_taken)
{
    if (in->n < n) {
        return false;
    }
    *ret_taken = (struct bytes){in->p, n};
    *in = bytes_skip(*in, n);
    return true;
}

static inline uint64_t snapshot_take_number(struct bytes *in, size_t octets)
{
    struct bytes taken;
    uint64_t little = 0;
    if (snapshot_take(in, octets, &taken)) {
        memcpy(&little, taken.p, octets);
    }
    return le64toh(little);
}

static inline void snapshot_add_identity(struct buffer *out, const struct file_identity *file)
{
    snapshot_add_number(out, file->device, 8);
    snapshot_add_number(out, file->inode, 8);
    snapshot_add_number(out, file->size, 8);
    snapshot_add_number(out, (uint64_t)file->modified_ns, 8);
    snapshot_add_number(out, (uint64_t)file->changed_ns, 8);
}

static inline struct file_identity snapshot_take_identity(struct bytes *in)
{
    struct file_identity file;
    file.device = snapshot_take_number(in, 8);
    file.inode = snapshot_take_number(in, 8);
    file.size = snapshot_take_number(in, 8);
    file.modified_ns = (int64_t)snapshot_take_number(in, 8);
    file.changed_ns = (int64_t)snapshot_take_number(in, 8);
    return file;
}

#endif
