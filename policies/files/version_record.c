#include "version_record.h"

#include "lib/base/snapshot_numbers.h"
#include "lib/base/snapshot_part.h"
#include "lib/yaml/yaml.h"
#include "policies/files/policy_file_entry.h"

enum { FORMAT = 1, DIGEST = 8 };
enum { ENTRY_MIN = 8 };                /* octets: a mirror */
enum { LOW_BITS = 0x7f, MORE = 0x80 }; /* of an octet of a number */
enum { KIND_BITS = 3, WITH_ID = 4, WITH_TLSRPT = 8 };
enum kind { KIND_SHARED, KIND_POLICY, KIND_MIRROR };

/* --- Writing --- */

static void add_number(struct buffer *out, size_t value)
{
    for (; value > LOW_BITS; value >>= 7) {
        snapshot_add_number(out, (value & LOW_BITS) | MORE, 1);
    }
    snapshot_add_number(out, value, 1);
}

static void add_text(struct buffer *out, struct bytes text)
{
    add_number(out, text.n);
    buffer_add(out, text);
}

static void add_place(struct buffer *out, const struct policy_file_place *place)
{
    add_number(out, place->line);
    add_number(out, place->column);
}

static void add_policy(struct buffer *out, const struct policy *policy)
{
    snapshot_add_number(out, policy->mode, 1);
    add_number(out, policy->max_age_s);
    buffer_add(out, (struct bytes){(const char *)policy->digest, POLICY_DIGEST_OCTETS});
    add_text(out, policy_body(policy));
}

static unsigned kind_of(const struct policy_file_entry *entry)
{
    return entry->policy != NULL ? KIND_POLICY : entry->mirror != NULL ? KIND_MIRROR : KIND_SHARED;
}

static void add_entry(struct buffer *out, const struct policy_file_entry *entry)
{
    unsigned kind = kind_of(entry);
    snapshot_add_number(
        out, kind | (entry->id.n != 0 ? WITH_ID : 0) | (entry->tlsrpt.n != 0 ? WITH_TLSRPT : 0), 1);
    add_text(out, entry->name);
    add_place(out, &entry->place);
    if (kind == KIND_POLICY) {
        add_policy(out, entry->policy);
    } else if (kind == KIND_MIRROR) {
        add_text(out, dns_name_bytes(&entry->mirror->domain));
        snapshot_add_number(out, entry->mirror->mode, 1);
    } else {
        add_text(out, entry->shared);
        add_place(out, &entry->shared_place);
    }
    if (entry->id.n != 0) {
        add_text(out, entry->id);
        add_place(out, &entry->id_place);
    }
    if (entry->tlsrpt.n != 0) {
        add_text(out, entry->tlsrpt);
    }
}

void version_record_add(struct buffer *out, const struct policy_file *file)
{
    size_t start = out->n;
    snapshot_add_number(out, FORMAT, 4);
    add_number(out, file->policy_count);
    add_number(out, file->domain_count);
    for (size_t i = 0; i < file->policy_count && !out->overflow; i++) {
        add_entry(out, &file->policies[i]);
    }
    for (size_t i = 0; i < file->domain_count && !out->overflow; i++) {
        add_entry(out, &file->domains[i]);
    }
    snapshot_add_number(out, snapshot_digest(bytes_skip(buffer_bytes(out), start), 0), DIGEST);
}

/* --- Reading --- */

typedef bool normalise(struct bytes text, struct dns_name *ret_name, struct error *e);

/* What is left of a record, and what becomes of it. */
struct reading {
    struct bytes in;
    struct policy_file_memory *memory; /* of the file that it becomes */
    bool damaged;                      /* sticky */
};

static struct bytes take_octets(struct reading *reading, size_t n)
{
    struct bytes taken = {"", 0};
    reading->damaged = reading->damaged || !snapshot_read(&reading->in, n, &taken);
    return taken;
}

/* Less than 2^35. Only as it is written: without a last octet that adds nothing. */
static uint64_t take_number(struct reading *reading)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 5 * 7; shift += 7) {
        struct bytes octet = take_octets(reading, 1);
        unsigned bits = octet.n != 0 ? (unsigned char)octet.p[0] : 0;
        value |= (uint64_t)(bits & LOW_BITS) << shift;
        if ((bits & MORE) == 0) {
            reading->damaged = reading->damaged || (shift != 0 && bits == 0);
            return value;
        }
    }
    reading->damaged = true;
    return 0;
}

static uint32_t take_u32(struct reading *reading)
{
    uint64_t value = take_number(reading);
    reading->damaged = reading->damaged || value > UINT32_MAX;
    return (uint32_t)value;
}

static unsigned take_choice(struct reading *reading, unsigned last)
{
    struct bytes octet = take_octets(reading, 1);
    unsigned value = octet.n != 0 ? (unsigned char)octet.p[0] : 0;
    reading->damaged = reading->damaged || value > last;
    return value <= last ? value : 0;
}

/* Borrows from the record. */
static struct bytes take_text(struct reading *reading)
{
    return take_octets(reading, take_number(reading));
}

static struct bytes take_name(struct reading *reading, normalise *as, struct dns_name *ret_name)
{
    struct bytes text = take_text(reading);
    struct error ignored;
    reading->damaged = reading->damaged || !as(text, ret_name, &ignored) ||
                       !bytes_equal(text, dns_name_bytes(ret_name));
    return text;
}

static struct policy_file_place take_place(struct reading *reading)
{
    unsigned line = take_u32(reading);
    return (struct policy_file_place){line, take_u32(reading)};
}

static void take_policy(struct reading *reading, struct policy_file_entry *entry)
{
    enum policy_mode mode = take_choice(reading, POLICY_NONE);
    uint32_t max_age_s = take_u32(reading);
    struct bytes digest = take_octets(reading, POLICY_DIGEST_OCTETS);
    struct bytes body = take_text(reading);
    if (!reading->damaged) {
        entry->policy = policy_restore(mode, max_age_s, body, (const unsigned char *)digest.p);
        reading->damaged = entry->policy == NULL;
    }
}

static void take_mirror(struct reading *reading, struct policy_file_entry *entry)
{
    struct dns_name domain;
    (void)take_name(reading, policy_file_normalise_domain, &domain);
    enum policy_mode mode = take_choice(reading, POLICY_ENFORCE);
    if (!reading->damaged) {
        entry->mirror = memory_zero(1, sizeof(*entry->mirror));
        entry->mirror->domain = domain;
        entry->mirror->mode = mode;
    }
}

static void take_shared(struct reading *reading, struct policy_file_entry *entry)
{
    struct dns_name name;
    entry->shared = policy_file_memory_copy(reading->memory,
                                            take_name(reading, policy_file_name_normalise, &name));
    entry->shared_place = take_place(reading);
}

/* Only where it is said to be there; and then it is not empty. */
static struct bytes take_extra(struct reading *reading)
{
    struct bytes text = take_text(reading);
    reading->damaged = reading->damaged || text.n == 0;
    return policy_file_memory_copy(reading->memory, text);
}

static void take_entry(struct reading *reading, bool of_domain, struct policy_file_entry *entry)
{
    struct dns_name name;
    normalise *as = of_domain ? policy_file_normalise_domain : policy_file_name_normalise;
    unsigned head = take_choice(reading, KIND_MIRROR | WITH_ID | WITH_TLSRPT);
    unsigned kind = head & KIND_BITS;
    entry->name = policy_file_memory_copy(reading->memory, take_name(reading, as, &name));
    entry->place = take_place(reading);
    if (kind == KIND_POLICY) {
        take_policy(reading, entry);
    } else if (kind == KIND_MIRROR) {
        reading->damaged = reading->damaged || of_domain;
        take_mirror(reading, entry);
    } else {
        reading->damaged = reading->damaged || kind != KIND_SHARED || !of_domain;
        take_shared(reading, entry);
    }
    if ((head & WITH_ID) != 0) {
        entry->id = take_extra(reading);
        entry->id_place = take_place(reading);
    }
    if ((head & WITH_TLSRPT) != 0) {
        entry->tlsrpt = take_extra(reading);
    }
    reading->damaged = reading->damaged || entry->tlsrpt.n > POLICY_FILE_TLSRPT_MAX;
}

/* NULL: there are none. */
static struct policy_file_entry *take_entries(struct reading *reading, bool of_domains,
                                              size_t count, size_t *ret_count)
{
    reading->damaged = reading->damaged || count > reading->in.n / ENTRY_MIN;
    if (reading->damaged || count == 0) {
        return NULL;
    }
    struct policy_file_entry *entries = memory_zero(count, sizeof(*entries));
    size_t done = 0;
    while (done < count && !reading->damaged) {
        take_entry(reading, of_domains, &entries[done]);
        reading->damaged = reading->damaged || (done > 0 && bytes_compare(entries[done - 1].name,
                                                                          entries[done].name) >= 0);
        done++;
    }
    *ret_count = done;
    return entries;
}

/* Whether IN ends with the digest of what is before it, which it is without then. */
static bool take_digest(struct bytes *in)
{
    if (in->n < DIGEST) {
        return false;
    }
    struct bytes end = bytes_skip(*in, in->n - DIGEST);
    in->n -= DIGEST;
    return snapshot_read_number(&end, DIGEST) == snapshot_digest(*in, 0);
}

bool version_record_read(struct bytes in, struct policy_file *ret_file)
{
    if (!take_digest(&in) || snapshot_read_number(&in, 4) != FORMAT) {
        return false;
    }
    struct policy_file file;
    policy_file_init(&file);
    struct reading reading = {.in = in, .memory = file.memory};
    size_t policies = take_number(&reading);
    size_t domains = take_number(&reading);
    file.policies = take_entries(&reading, false, policies, &file.policy_count);
    file.domains = take_entries(&reading, true, domains, &file.domain_count);
    if (reading.damaged || reading.in.n != 0) {
        policy_file_clear(&file);
        return false;
    }
    *ret_file = file;
    return true;
}

uint64_t version_record_reader(const struct policy_file_defaults *defaults)
{
    CLEANUP_FREE char *all = memory_printf("%d %u %s %s %s", FORMAT, (unsigned)defaults->max_age_s,
                                           MTASTS_VERSION, yaml_library(), dns_name_library());
    return snapshot_digest(bytes_of(all), 0);
}
