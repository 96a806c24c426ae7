#include "snapshot_format.h"

#include <endian.h>
#include <xxhash.h>

#define MAGIC BYTES("mta-sts snapshot")
enum { VERSION_LENGTH = 32, RECORD_FIXED = 44, FILE_OCTETS = 40 };

_Static_assert(sizeof(MTASTS_VERSION) <= VERSION_LENGTH, "the version fits");

uint64_t snapshot_digest(struct bytes part, uint64_t offset)
{
    return XXH3_64bits_withSeed(part.p, part.n, offset);
}

/* --- Numbers --- */

static void add_u8(struct buffer *out, uint8_t value)
{
    buffer_add(out, (struct bytes){(const char *)&value, sizeof(value)});
}

static void add_u16(struct buffer *out, size_t value)
{
    uint16_t little = htole16((uint16_t)value);
    buffer_add(out, (struct bytes){(const char *)&little, sizeof(little)});
}

static void add_u32(struct buffer *out, size_t value)
{
    uint32_t little = htole32((uint32_t)value);
    buffer_add(out, (struct bytes){(const char *)&little, sizeof(little)});
}

static void add_u64(struct buffer *out, uint64_t value)
{
    uint64_t little = htole64(value);
    buffer_add(out, (struct bytes){(const char *)&little, sizeof(little)});
}

static inline bool take(struct bytes *in, size_t n, struct bytes *ret_taken)
{
    if (in->n < n) {
        return false;
    }
    *ret_taken = (struct bytes){in->p, n};
    *in = bytes_skip(*in, n);
    return true;
}

/* A number of N octets; what is missing reads as 0, and is noticed by who takes what follows. */
static inline uint64_t take_number(struct bytes *in, size_t n)
{
    struct bytes taken;
    uint64_t little = 0;
    if (take(in, n, &taken)) {
        memcpy(&little, taken.p, n);
    }
    return le64toh(little);
}

static uint16_t take_u16(struct bytes *in)
{
    return (uint16_t)take_number(in, 2);
}

static uint32_t take_u32(struct bytes *in)
{
    return (uint32_t)take_number(in, 4);
}

static uint64_t take_u64(struct bytes *in)
{
    return take_number(in, 8);
}

/* --- Chains --- */

void snapshot_add_chain(struct buffer *out, struct bytes der)
{
    add_u32(out, der.n);
    buffer_add(out, der);
}

bool snapshot_take_chain(struct bytes *in, struct bytes *ret_der)
{
    if (in->n < 4) {
        return false;
    }
    uint32_t n = take_u32(in);
    return n <= CERTIFICATE_FILE_MAX && take(in, n, ret_der);
}

/* --- Records --- */

void snapshot_add_record(struct buffer *out, const struct certificate_pair *pair, uint32_t chain)
{
    struct bytes leaf = certificate_pair_leaf(pair);
    struct bytes key = certificate_pair_key(pair);
    struct bytes names = certificate_pair_names(pair);
    size_t files = certificate_pair_file_count(pair);
    size_t path_length = strlen(certificate_pair_path(pair));
    add_u32(out, RECORD_FIXED + files * FILE_OCTETS + path_length + 1 + names.n + leaf.n + key.n);
    add_u32(out, chain);
    add_u64(out, (uint64_t)certificate_pair_not_before(pair));
    add_u64(out, (uint64_t)certificate_pair_not_after(pair));
    add_u32(out, leaf.n);
    add_u32(out, key.n);
    add_u32(out, names.n);
    add_u16(out, path_length);
    add_u16(out, certificate_pair_name_count(pair));
    add_u8(out, certificate_pair_is_rsa(pair));
    add_u8(out, (uint8_t)files);
    add_u16(out, 0);
    add_u32(out, 0);
    for (size_t i = 0; i < files; i++) {
        const struct file_identity *file = &certificate_pair_files(pair)[i];
        add_u64(out, file->device);
        add_u64(out, file->inode);
        add_u64(out, file->size);
        add_u64(out, (uint64_t)file->modified_ns);
        add_u64(out, (uint64_t)file->changed_ns);
    }
    buffer_add(out, (struct bytes){certificate_pair_path(pair), path_length + 1});
    buffer_add(out, names);
    buffer_add(out, leaf);
    buffer_add(out, key);
}

/* The body of the record at the front of *IN. */
static bool take_record(struct bytes *in, struct bytes *ret_body)
{
    if (in->n < 4) {
        return false;
    }
    uint32_t n = take_u32(in);
    return n >= RECORD_FIXED && n <= SNAPSHOT_RECORD_MAX && take(in, n, ret_body);
}

bool snapshot_skip_record(struct bytes *in)
{
    struct bytes body;
    return take_record(in, &body);
}

/* What stands at fixed places, and the lengths of the rest. */
struct lengths {
    uint32_t leaf;
    uint32_t key;
    uint32_t names;
    uint16_t path;
    uint8_t files;
};

static void read_fixed(struct bytes *body, struct snapshot_record *record, struct lengths *lengths)
{
    record->chain = take_u32(body);
    record->parts.not_before = (int64_t)take_u64(body);
    record->parts.not_after = (int64_t)take_u64(body);
    lengths->leaf = take_u32(body);
    lengths->key = take_u32(body);
    lengths->names = take_u32(body);
    lengths->path = take_u16(body);
    record->parts.name_count = take_u16(body);
    record->parts.rsa = take_number(body, 1) != 0;
    lengths->files = (uint8_t)take_number(body, 1);
    (void)take_u16(body);
    (void)take_u32(body);
}

static void read_files(struct bytes *body, struct snapshot_record *record, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct file_identity *file = &record->files[i];
        file->device = take_u64(body);
        file->inode = take_u64(body);
        file->size = take_u64(body);
        file->modified_ns = (int64_t)take_u64(body);
        file->changed_ns = (int64_t)take_u64(body);
    }
    record->parts.files = record->files;
    record->parts.file_count = count;
}

/* A path of LENGTH octets with its NUL. */
static bool take_path(struct bytes *body, size_t length, const char **ret_path)
{
    struct bytes path;
    if (length > SNAPSHOT_PATH_MAX || !take(body, length + 1, &path) ||
        memchr(path.p, '\0', path.n) != path.p + length) {
        return false;
    }
    *ret_path = path.p;
    return true;
}

static bool is_name(struct bytes name)
{
    struct dns_name normal;
    struct error ignored;
    name = bytes_starts_with(name, BYTES("*.")) ? bytes_skip(name, 2) : name;
    return name.n != 0 && dns_name_normalise(name, &normal, &ignored) &&
           bytes_equal(name, dns_name_bytes(&normal));
}

static bool are_names(struct bytes names, size_t count)
{
    if (count == 0 || count > CERTIFICATE_NAMES_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const char *end = names.n != 0 ? memchr(names.p, '\0', names.n) : NULL;
        size_t n = end != NULL ? (size_t)(end - names.p) : 0;
        if (n == 0 || n > DNS_NAME_MAX || !is_name((struct bytes){names.p, n})) {
            return false;
        }
        names = bytes_skip(names, n + 1);
    }
    return names.n == 0;
}

const char *snapshot_peek_path(struct bytes in)
{
    struct bytes body;
    struct snapshot_record record = {0};
    struct lengths lengths;
    struct bytes files;
    const char *path = NULL;
    if (!take_record(&in, &body)) {
        return NULL;
    }
    read_fixed(&body, &record, &lengths);
    bool whole = take(&body, (size_t)lengths.files * FILE_OCTETS, &files) &&
                 take_path(&body, lengths.path, &path);
    return whole ? path : NULL;
}

bool snapshot_read_record(struct bytes in, struct snapshot_record *ret_record)
{
    struct bytes body;
    struct lengths lengths;
    if (!take_record(&in, &body)) {
        return false;
    }
    *ret_record = (struct snapshot_record){0};
    read_fixed(&body, ret_record, &lengths);
    if (lengths.files == 0 || lengths.files > CERTIFICATE_PAIR_FILES_MAX ||
        body.n < (size_t)lengths.files * FILE_OCTETS) {
        return false;
    }
    read_files(&body, ret_record, lengths.files);
    struct pair_parts *parts = &ret_record->parts;
    return take_path(&body, lengths.path, &parts->path) &&
           take(&body, lengths.names, &parts->names) && take(&body, lengths.leaf, &parts->leaf) &&
           take(&body, lengths.key, &parts->key) && body.n == 0 && parts->leaf.n != 0 &&
           parts->key.n != 0 && are_names(parts->names, parts->name_count);
}

/* --- Index and trailer --- */

void snapshot_add_part(struct buffer *out, const struct snapshot_part *part)
{
    add_u64(out, part->offset);
    add_u64(out, part->size);
    add_u64(out, part->digest);
    add_u16(out, part->first_path.n);
    buffer_add(out, part->first_path);
    add_u8(out, 0);
}

static void take_place(struct bytes *in, struct snapshot_part *part)
{
    part->offset = take_u64(in);
    part->size = take_u64(in);
    part->digest = take_u64(in);
}

bool snapshot_take_part(struct bytes *in, struct snapshot_part *ret_part)
{
    if (in->n < 3 * 8 + 2) {
        return false;
    }
    struct snapshot_part part = {0};
    take_place(in, &part);
    size_t length = take_u16(in);
    const char *path = NULL;
    if (!take_path(in, length, &path)) {
        return false;
    }
    part.first_path = (struct bytes){path, length};
    *ret_part = part;
    return true;
}

void snapshot_add_trailer(struct buffer *out, const struct snapshot_trailer *trailer)
{
    char version[VERSION_LENGTH] = MTASTS_VERSION;
    size_t start = out->n;
    buffer_add(out, MAGIC);
    buffer_add(out, (struct bytes){version, sizeof(version)});
    add_u64(out, trailer->index.offset);
    add_u64(out, trailer->index.size);
    add_u64(out, trailer->index.digest);
    add_u64(out, trailer->pairs);
    add_u64(out, snapshot_digest(bytes_skip(buffer_bytes(out), start), 0));
}

bool snapshot_read_trailer(struct bytes in, uint64_t file_size,
                           struct snapshot_trailer *ret_trailer)
{
    char want[VERSION_LENGTH] = MTASTS_VERSION;
    struct bytes digested = {in.p, SNAPSHOT_TRAILER - sizeof(uint64_t)};
    struct bytes magic;
    struct bytes version;
    if (in.n != SNAPSHOT_TRAILER || file_size < SNAPSHOT_TRAILER || !take(&in, MAGIC.n, &magic) ||
        !take(&in, sizeof(want), &version) || !bytes_equal(magic, MAGIC) ||
        !bytes_equal(version, (struct bytes){want, sizeof(want)})) {
        return false;
    }
    struct snapshot_trailer trailer = {0};
    take_place(&in, &trailer.index);
    trailer.pairs = take_u64(&in);
    if (take_u64(&in) != snapshot_digest(digested, 0) || trailer.index.size > SNAPSHOT_INDEX_MAX ||
        trailer.index.offset + trailer.index.size != file_size - SNAPSHOT_TRAILER ||
        trailer.index.offset > file_size) {
        return false;
    }
    *ret_trailer = trailer;
    return true;
}
