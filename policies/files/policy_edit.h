/* Changes what one policy says in the text of a policy file and leaves every other octet alone.
 * Pure: text in, text out. Its id is not looked at: id_edit.h gives the result a new one.
 *
 *     struct policy_edit edit = {
 *         .section = ID_EDIT_DOMAINS, .name = BYTES("example.org"), .basis = shared_policy,
 *         .set_mode = true, .mode = POLICY_NONE, .set_max_age = true, .max_age_s = 86400};
 *     if (!policy_edit_apply(text, &edit, &result, e)) …
 *
 * What stands in the text afterwards:
 * - mode and max_age: the new value in the place of the old one, in its quotes where it had some. A
 *   max_age that was left out gets a line of its own below, or stands behind the last pair of a
 * flow mapping.
 * - an mx that is added stands behind the last one, in the list's own style (an item on a line, or
 *   behind a comma); one that is removed takes its line, with a comment on it, or its comma away.
 * - a domain that names a shared policy and gets one of its own: `example.org: google` becomes
 *   `example.org: {mode: …, mx: […], max_age: …}`; of a mapping that names it, the pair `policy`
 *   gives way to those three, and to the shared policy's `tlsrpt`. */
#ifndef POLICIES_FILES_POLICY_EDIT_H
#define POLICIES_FILES_POLICY_EDIT_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/dns/name.h"
#include "policies/files/id_edit.h"
#include "policies/model/policy.h"

/* What is not set stays as it is. */
struct policy_edit {
    enum id_edit_section section;
    struct bytes name; /* normalised domain, or the shared policy's name */
    /* The shared policy that the domain uses: it then gets one of its own, which says the same but
     * for what is set here. NULL: such a domain is an error. Not looked at where the domain has one
     * of its own already. */
    const struct policy *basis;
    /* Of that policy, as in struct policy_file_entry: the domain keeps it, where it has none of its
     * own. */
    struct bytes basis_tlsrpt;
    bool set_mode;
    enum policy_mode mode;
    bool set_max_age;
    uint32_t max_age_s;
    const struct dns_name *mx_add; /* normalised patterns; one that is there already is no change */
    size_t mx_add_count;
    const struct dns_name *mx_remove; /* the same; one that is not there is no change */
    size_t mx_remove_count;
};

/* Appends TEXT, a policy file without errors, with EDIT made, to RET_TEXT; made twice it is made
 * once. The result has been parsed again: the entry says what was meant, and every other one what
 * it said. Fails, with line and column in E and RET_TEXT as it was, where that cannot be done
 * safely: TEXT has an error, what must change stands behind an alias or has an anchor, is a block
 * scalar, or shares its line with what stays (ERROR_CONFLICT); where there is no such entry
 * (ERROR_NOT_FOUND); where the policy would not be valid (ERROR_SYNTAX, ERROR_LIMIT). */
bool policy_edit_apply(struct bytes text, const struct policy_edit *edit, struct buffer *ret_text,
                       struct error *e) MUST_USE;

/* The policy that EDIT makes of BEFORE; the caller frees it with policy_free. */
bool policy_edit_meant(const struct policy_edit *edit, const struct policy *before,
                       struct policy **ret_policy, struct error *e) MUST_USE;

#endif
