#include "snapshot_format.h"

#include "lib/base/snapshot_numbers.h"

enum { RECORD_FIXED = 44, FILE_OCTETS = SNAPSHOT_IDENTITY };

const struct snapshot_kind certificate_snapshot_kind = {
    .magic = {"mta-sts snapshot", SNAPSHOT_MAGIC},
    .block_max = SNAPSHOT_PART_MAX,
    .peek_path = snapshot_peek_path,
    .skip_record = snapshot_skip_record,
};

/* --- Chains --- */

void snapshot_add_chain(struct buffer *out, struct bytes der)
{
    snapshot_add_number(out, der.n, 4);
    buffer_add(out, der);
}

bool snapshot_take_chain(struct bytes *in, struct bytes *ret_der)
{
    if (in->n < 4) {
        return false;
    }
    size_t n = snapshot_take_number(in, 4);
    return n <= CERTIFICATE_FILE_MAX && snapshot_take(in, n, ret_der);
}

/* --- Records --- */

void snapshot_add_record(struct buffer *out, const struct certificate_pair *pair, uint32_t chain)
{
    struct bytes leaf = certificate_pair_leaf(pair);
    struct bytes key = certificate_pair_key(pair);
    struct bytes names = certificate_pair_names(pair);
    size_t files = certificate_pair_file_count(pair);
    size_t path_length = strlen(certificate_pair_path(pair));
    snapshot_add_number(
        out, RECORD_FIXED + files * FILE_OCTETS + path_length + 1 + names.n + leaf.n + key.n, 4);
    snapshot_add_number(out, chain, 4);
    snapshot_add_number(out, (uint64_t)certificate_pair_not_before(pair), 8);
    snapshot_add_number(out, (uint64_t)certificate_pair_not_after(pair), 8);
    snapshot_add_number(out, leaf.n, 4);
    snapshot_add_number(out, key.n, 4);
    snapshot_add_number(out, names.n, 4);
    snapshot_add_number(out, path_length, 2);
    snapshot_add_number(out, certificate_pair_name_count(pair), 2);
    snapshot_add_number(out, certificate_pair_is_rsa(pair), 1);
    snapshot_add_number(out, (uint8_t)files, 1);
    snapshot_add_number(out, 0, 2);
    snapshot_add_number(out, 0, 4);
    for (size_t i = 0; i < files; i++) {
        snapshot_add_identity(out, &certificate_pair_files(pair)[i]);
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
    size_t n = snapshot_take_number(in, 4);
    return n >= RECORD_FIXED && n <= SNAPSHOT_RECORD_MAX && snapshot_take(in, n, ret_body);
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
    record->chain = (uint32_t)snapshot_take_number(body, 4);
    record->parts.not_before = (int64_t)snapshot_take_number(body, 8);
    record->parts.not_after = (int64_t)snapshot_take_number(body, 8);
    lengths->leaf = (uint32_t)snapshot_take_number(body, 4);
    lengths->key = (uint32_t)snapshot_take_number(body, 4);
    lengths->names = (uint32_t)snapshot_take_number(body, 4);
    lengths->path = (uint16_t)snapshot_take_number(body, 2);
    record->parts.name_count = snapshot_take_number(body, 2);
    record->parts.rsa = snapshot_take_number(body, 1) != 0;
    lengths->files = (uint8_t)snapshot_take_number(body, 1);
    (void)snapshot_take_number(body, 2);
    (void)snapshot_take_number(body, 4);
}

static void read_files(struct bytes *body, struct snapshot_record *record, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        record->files[i] = snapshot_take_identity(body);
    }
    record->parts.files = record->files;
    record->parts.file_count = count;
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
    bool whole = snapshot_take(&body, (size_t)lengths.files * FILE_OCTETS, &files) &&
                 snapshot_take_path(&body, lengths.path, &path);
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
    return snapshot_take_path(&body, lengths.path, &parts->path) &&
           snapshot_take(&body, lengths.names, &parts->names) &&
           snapshot_take(&body, lengths.leaf, &parts->leaf) &&
           snapshot_take(&body, lengths.key, &parts->key) && body.n == 0 && parts->leaf.n != 0 &&
           parts->key.n != 0 && are_names(parts->names, parts->name_count);
}
