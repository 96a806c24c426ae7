/* The form `{mirror: gmail.com, mode: testing}` of a shared policy. */
#include "policies/files/policy_file_entry.h"

/* Terms of its own that a mirror cannot have: policy_mirror.h says why. */
static const char *const refused[] = {"mx", "max_age", "id"};

bool policy_file_read_mirror(const struct yaml_pair *pair, struct policy_file_entry *entry,
                             struct fields_context *context)
{
    struct policy_file_reader *reader = context->user;
    struct dns_name domain;
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    if (!policy_file_normalise_domain(text, &domain, &reader->e)) {
        return fields_error(context, &pair->value_place, "%s", reader->e.text);
    }
    if (entry->mirror == NULL) { /* else the key stands there twice, which is told */
        entry->mirror = memory_zero(1, sizeof(*entry->mirror));
        entry->mirror->domain = domain;
    }
    return true;
}

bool policy_file_refuse_mirror(const struct yaml_pair *pair, void *target,
                               struct fields_context *context)
{
    (void)target;
    return fields_error(context, &pair->key->start,
                        "a domain cannot be a mirror itself; define a shared policy with this "
                        "mirror below policies:, and name that");
}

static bool is_refused(struct bytes key)
{
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        if (bytes_equal(key, bytes_of(refused[i]))) {
            return true;
        }
    }
    return false;
}

void policy_file_complete_mirror(const struct yaml_pair *pair, enum policy_mode mode,
                                 struct policy_file_reader *reader, struct policy_file_entry *entry)
{
    for (size_t i = 0; i < pair->value->count; i++) {
        const struct yaml_node *key = pair->value->pairs[i].key;
        if (is_refused(key->text)) {
            (void)fields_error(
                &reader->fields, &key->start,
                "policy %.*s is a mirror and has %.*s of its own; remove one of them",
                BYTES_ARG(entry->name), BYTES_ARG(key->text));
        }
    }
    if (mode == POLICY_NONE) {
        (void)fields_error(&reader->fields, &pair->key->start,
                           "policy %.*s is a mirror in mode none, which would follow nothing; "
                           "write testing, or leave the mode out",
                           BYTES_ARG(entry->name));
    }
    if (entry->mirror != NULL) {
        entry->mirror->mode = mode;
    }
}
