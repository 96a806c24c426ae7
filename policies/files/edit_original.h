/* A policy file as it was before it is edited in place: its text, what it says, and where that
 * stands. Used by id_edit* and policy_edit* alone. */
#ifndef POLICIES_FILES_EDIT_ORIGINAL_H
#define POLICIES_FILES_EDIT_ORIGINAL_H

#include "lib/yaml/yaml.h"
#include "policies/files/id_edit.h"
#include "policies/files/policy_file.h"

struct edit_original {
    struct bytes text; /* borrowed */
    struct policy_file_defaults defaults;
    struct policy_file file;
    struct yaml_document document;
};

/* TEXT is a policy file without errors, or E has the first of them with its place. MAX_AGE_S is
 * what policies have that do not say: whichever, but no value that the edit writes, or one that
 * comes to where none stood would look like no change. */
bool edit_original_read(struct bytes text, uint32_t max_age_s, struct edit_original *ret_original,
                        struct error *e) MUST_USE;
void edit_original_clear(struct edit_original *original);

/* NULL: there is none, and E is ERROR_NOT_FOUND. */
const struct policy_file_entry *edit_original_find(const struct edit_original *original,
                                                   enum id_edit_section section, struct bytes name,
                                                   struct error *e);
/* The pair that ENTRY was read from. */
const struct yaml_pair *edit_original_pair(const struct edit_original *original,
                                           enum id_edit_section section,
                                           const struct policy_file_entry *entry);

/* Reads a text that came of an edit of ORIGINAL; BEFORE stands before the first error. */
bool edit_parse(const struct edit_original *original, struct bytes text, const char *before,
                struct policy_file *ret_file, struct error *e) MUST_USE;

/* Same name, policy or mirror, shared policy and tlsrpt. */
bool edit_same_but_for_id(const struct policy_file_entry *a, const struct policy_file_entry *b);

#endif
