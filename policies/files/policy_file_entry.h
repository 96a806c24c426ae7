/* One entry of a policy file: what stands behind the name of a shared policy or of a domain. Used
 * by what makes a struct policy_file alone. */
#ifndef POLICIES_FILES_POLICY_FILE_ENTRY_H
#define POLICIES_FILES_POLICY_FILE_ENTRY_H

#include <obstack.h>

#include "lib/dns/name.h"
#include "lib/yaml/fields.h"
#include "policies/files/policy_file.h"

enum {
    POLICY_FILE_MX_MAX = 256,      /* patterns of one policy; each is compared with each */
    POLICY_FILE_TLSRPT_MAX = 4096, /* octets of one `tlsrpt`, encoded */
};

struct policy_file_memory {
    struct obstack texts;
};

/* What reading keeps from one entry to the next. */
struct policy_file_reader {
    struct fields_context fields; /* `user` is this reader */
    const struct policy_file_defaults *defaults;
    struct policy_file_memory *memory;
    struct dns_name *mx; /* of the entry at hand */
    size_t mx_count;
    size_t mx_capacity;
    struct buffer tlsrpt; /* of the entry at hand */
    size_t bodies;        /* octets of all policies so far */
    struct error e;       /* of the call at hand: a fresh one each time is a kilobyte to clear */
};

/* Empty, but with its memory. */
void policy_file_init(struct policy_file *file);

/* Both read PAIR's value into ENTRY, whose `name` is set, and add an error for all that is wrong
 * with it. */
void policy_file_read_policy(const struct yaml_pair *pair, struct policy_file_reader *reader,
                             struct policy_file_entry *entry);
void policy_file_read_domain(const struct yaml_pair *pair, struct policy_file_reader *reader,
                             struct policy_file_entry *entry);

/* A shared policy's name is one DNS label, since it is one in `_mta-sts.NAME.sts.provider.example`:
 * its lower-case form goes to RET_NAME. */
bool policy_file_name_normalise(struct bytes text, struct dns_name *ret_name, struct error *e)
    MUST_USE;

/* `mirror` of a shared policy (`user` of CONTEXT is the reader); of a domain, which has none; and
 * what stands beside it: MODE is the highest that is served. */
bool policy_file_read_mirror(const struct yaml_pair *pair, struct policy_file_entry *entry,
                             struct fields_context *context);
bool policy_file_refuse_mirror(const struct yaml_pair *pair, void *target,
                               struct fields_context *context);
void policy_file_complete_mirror(const struct yaml_pair *pair, enum policy_mode mode,
                                 struct policy_file_reader *reader,
                                 struct policy_file_entry *entry);

/* A copy that lives as long as the file. */
struct bytes policy_file_memory_keep(struct policy_file_memory *memory, struct bytes text);
struct bytes policy_file_keep(struct policy_file_reader *reader, struct bytes text);

static inline struct policy_file_place policy_file_place_of(const struct yaml_place *place)
{
    return (struct policy_file_place){place->line, place->column};
}

#endif
