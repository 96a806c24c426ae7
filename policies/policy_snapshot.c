#include "policy_snapshot.h"

#include "base/snapshot_numbers.h"
#include "config/yaml.h"
#include "policies/policy_file_entry.h"

enum { FORMAT = 1, SIZE = 4 };
enum { RECORD_MIN = 2 + 1 + SNAPSHOT_IDENTITY + 2 * 4 };
enum { ENTRY_MIN = 4 + 8 + 1 + 4 + 8 + 4 };
enum kind { KIND_SHARED, KIND_POLICY, KIND_MIRROR };

const struct snapshot_kind policy_snapshot_kind = {
    .magic = {"mta-sts policies", SNAPSHOT_MAGIC},
    .block_max = SNAPSHOT_BLOCK + POLICY_SNAPSHOT_RECORD_MAX,
    .peek_path = policy_snapshot_peek_path,
    .skip_record = policy_snapshot_skip,
};

void policy_snapshot_add_extra(struct buffer *out, const struct policy_file_defaults *defaults)
{
    snapshot_add_number(out, FORMAT, 4);
    snapshot_add_number(out, defaults->max_age_s, 4);
    buffer_add_string(out, yaml_library());
    buffer_add(out, BYTES("\0"));
    buffer_add_string(out, dns_name_library());
    buffer_add(out, BYTES("\0"));
}

/* --- Writing --- */

static void add_text(struct buffer *out, struct bytes text)
{
    snapshot_add_number(out, text.n, 4);
    buffer_add(out, text);
}

static void add_place(struct buffer *out, const struct policy_file_place *place)
{
    snapshot_add_number(out, place->line, 4);
    snapshot_add_number(out, place->column, 4);
}

static void add_policy(struct buffer *out, const struct policy *policy)
{
    snapshot_add_number(out, policy->mode, 1);
    snapshot_add_number(out, policy->max_age_s, 4);
    buffer_add(out, (struct bytes){(const char *)policy->digest, POLICY_DIGEST_OCTETS});
    add_text(out, policy_body(policy));
}

static void add_entry(struct buffer *out, const struct policy_file_entry *entry)
{
    add_text(out, entry->name);
    add_place(out, &entry->place);
    if (entry->policy != NULL) {
        snapshot_add_number(out, KIND_POLICY, 1);
        add_policy(out, entry->policy);
    } else if (entry->mirror != NULL) {
        snapshot_add_number(out, KIND_MIRROR, 1);
        add_text(out, dns_name_bytes(&entry->mirror->domain));
        snapshot_add_number(out, entry->mirror->mode, 1);
    } else {
        snapshot_add_number(out, KIND_SHARED, 1);
        add_text(out, entry->shared);
        add_place(out, &entry->shared_place);
    }
    add_text(out, entry->id);
    add_place(out, &entry->id_place);
    add_text(out, entry->tlsrpt);
}

void policy_snapshot_add(struct buffer *out, const char *path, const struct file_identity *identity,
                         const struct policy_file *file)
{
    size_t start = out->n;
    size_t length = strlen(path);
    snapshot_add_number(out, 0, SIZE); /* not known yet */
    snapshot_add_number(out, length, 2);
    buffer_add(out, (struct bytes){path, length + 1});
    snapshot_add_identity(out, identity);
    snapshot_add_number(out, file->policy_count, 4);
    snapshot_add_number(out, file->domain_count, 4);
    for (size_t i = 0; i < file->policy_count; i++) {
        add_entry(out, &file->policies[i]);
    }
    for (size_t i = 0; i < file->domain_count; i++) {
        add_entry(out, &file->domains[i]);
    }
    if (!out->overflow) {
        uint32_t size = htole32((uint32_t)(out->n - start - SIZE));
        memcpy(out->p + start, &size, SIZE);
    }
}

/* --- Passing --- */

/* The body of the record at the front of *IN. */
static bool take_record(struct bytes *in, struct bytes *ret_body)
{
    if (in->n < SIZE) {
        return false;
    }
    size_t n = snapshot_take_number(in, SIZE);
    return n >= RECORD_MIN && n <= POLICY_SNAPSHOT_RECORD_MAX && snapshot_take(in, n, ret_body);
}

bool policy_snapshot_skip(struct bytes *in)
{
    struct bytes body;
    return take_record(in, &body);
}

static bool take_path(struct bytes *body, const char **ret_path)
{
    size_t length = snapshot_take_number(body, 2);
    return snapshot_take_path(body, length, ret_path);
}

const char *policy_snapshot_peek_path(struct bytes in)
{
    struct bytes body;
    const char *path = NULL;
    return take_record(&in, &body) && take_path(&body, &path) ? path : NULL;
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
    reading->damaged = reading->damaged || !snapshot_take(&reading->in, n, &taken);
    return taken;
}

static uint32_t take_u32(struct reading *reading)
{
    reading->damaged = reading->damaged || reading->in.n < 4;
    return (uint32_t)snapshot_take_number(&reading->in, 4);
}

static unsigned take_choice(struct reading *reading, unsigned last)
{
    unsigned value = (unsigned)snapshot_take_number(&reading->in, 1);
    reading->damaged = reading->damaged || value > last;
    return value <= last ? value : 0;
}

/* Borrows from the record. */
static struct bytes take_text(struct reading *reading)
{
    return take_octets(reading, take_u32(reading));
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
    entry->shared = policy_file_memory_keep(reading->memory,
                                            take_name(reading, policy_file_name_normalise, &name));
    entry->shared_place = take_place(reading);
}

static void take_entry(struct reading *reading, bool of_domain, struct policy_file_entry *entry)
{
    struct dns_name name;
    normalise *as = of_domain ? policy_file_normalise_domain : policy_file_name_normalise;
    entry->name = policy_file_memory_keep(reading->memory, take_name(reading, as, &name));
    entry->place = take_place(reading);
    unsigned kind = take_choice(reading, KIND_MIRROR);
    if (kind == KIND_POLICY) {
        take_policy(reading, entry);
    } else if (kind == KIND_MIRROR) {
        reading->damaged = reading->damaged || of_domain;
        take_mirror(reading, entry);
    } else {
        reading->damaged = reading->damaged || !of_domain;
        take_shared(reading, entry);
    }
    entry->id = policy_file_memory_keep(reading->memory, take_text(reading));
    entry->id_place = take_place(reading);
    entry->tlsrpt = policy_file_memory_keep(reading->memory, take_text(reading));
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

bool policy_snapshot_read(struct bytes in, const struct file_identity *identity,
                          struct policy_file *ret_file)
{
    struct reading reading = {0};
    const char *path = NULL;
    if (!take_record(&in, &reading.in) || !take_path(&reading.in, &path) ||
        reading.in.n < SNAPSHOT_IDENTITY + 2 * 4) {
        return false;
    }
    struct file_identity was = snapshot_take_identity(&reading.in);
    if (!file_identity_equal(&was, identity)) {
        return false;
    }
    struct policy_file file;
    policy_file_init(&file);
    reading.memory = file.memory;
    size_t policies = take_u32(&reading);
    size_t domains = take_u32(&reading);
    file.policies = take_entries(&reading, false, policies, &file.policy_count);
    file.domains = take_entries(&reading, true, domains, &file.domain_count);
    if (reading.damaged || reading.in.n != 0) {
        policy_file_clear(&file);
        return false;
    }
    *ret_file = file;
    return true;
}
