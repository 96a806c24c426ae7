/* What an edit of a policy is as octets that go and come. Used by policy_edit.c and
 * domain_edit.c alone. */
#ifndef POLICIES_FILES_POLICY_EDIT_PLACE_H
#define POLICIES_FILES_POLICY_EDIT_PLACE_H

#include "lib/yaml/yaml.h"
#include "policies/files/policy_edit.h"

/* `remove` octets at `offset` give way to `text`. */
struct policy_edit_splice {
    size_t offset;
    size_t remove;
    char *text; /* owned */
    size_t order;
};

/* Zero-initialised is empty. */
struct policy_edit_splices {
    struct policy_edit_splice *items;
    size_t count;
    size_t capacity;
};

/* TEXT is taken. */
void policy_edit_splice_add(struct policy_edit_splices *splices, size_t offset, size_t remove,
                            char *text);
/* In the order of the text, and those at one place in the order in which they were added. */
void policy_edit_splices_sort(struct policy_edit_splices *splices);
void policy_edit_splices_clear(struct policy_edit_splices *splices);

/* PAIR's value is what the domain or the shared policy has; BEFORE is what it says, MEANT what it
 * shall say. Fails with line and column where that cannot be done safely. */
bool policy_edit_place_terms(struct bytes text, const struct yaml_pair *pair,
                             const struct policy *before, const struct policy *meant,
                             struct policy_edit_splices *splices, struct error *e) MUST_USE;
/* The same where PAIR's value names a shared policy, whose TLSRPT (may be empty) comes with it. */
bool policy_edit_place_own(struct bytes text, const struct yaml_pair *pair,
                           const struct policy *meant, struct bytes tlsrpt,
                           struct policy_edit_splices *splices, struct error *e) MUST_USE;

/* `mode: …, mx: […], max_age: …` and, where URIS is not empty, `tlsrpt: […]`, with SEPARATOR
 * between them; keys and patterns in quotes where QUOTED. The caller frees it. */
char *policy_edit_terms(const struct policy *meant, struct bytes uris, bool quoted,
                        const char *separator);
/* `SEPARATOR tlsrpt: […]` with QUOTE round the key, or "" where URIS is empty. */
char *policy_edit_tlsrpt(struct bytes uris, const char *quote, const char *separator);

/* --- policy_edit_mx.c --- */

/* The patterns of POLICY. */
struct policy_edit_mx {
    struct bytes *items;
    size_t count;
    size_t capacity;
};
void policy_edit_mx_of(const struct policy *policy, struct policy_edit_mx *ret_mx);
void policy_edit_mx_clear(struct policy_edit_mx *mx);

/* `[mx1.example.org, "*.example.org"]`; all of them in quotes where QUOTED. */
char *policy_edit_mx_list(const struct policy *policy, bool quoted);

/* The list that stands in PAIR, which has the key `mx`, from that of BEFORE to that of MEANT. */
bool policy_edit_place_mx(struct bytes text, const struct yaml_pair *pair,
                          const struct policy *before, const struct policy *meant,
                          struct policy_edit_splices *splices, struct error *e) MUST_USE;

#endif
