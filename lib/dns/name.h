/* Host names in the one form that everything behind the input uses: lower-case A-labels, no
 * trailing dot. */
#ifndef LIB_DNS_NAME_H
#define LIB_DNS_NAME_H

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/safe_text.h"

enum {
    DNS_LABEL_MAX = 63,
    DNS_NAME_MAX = 253, /* in text, without the trailing dot */
};

/* A normalised name, NUL-terminated. */
struct dns_name {
    unsigned char n;
    char text[DNS_NAME_MAX + 1];
};

static inline struct bytes dns_name_bytes(const struct dns_name *name)
{
    return (struct bytes){name->text, name->n};
}

/* Repairs upper case, one trailing dot, and U-labels (to A-labels by libidn2, IDNA 2008
 * non-transitional with UTS 46 mapping). Refuses, saying what to do: empty names and labels, labels
 * over 63 and names over 253 octets, characters other than letters, digits and inner hyphens
 * (underscores get words of their own), IPv4 and IPv6 literals (bare or in brackets), a name whose
 * last label is all digits, white space. A-labels that do not decode stay as they are: the DNS has
 * such names (xn--ls8h.la), and dns_name_is_idna tells. Normalising a result again
 * gives the same. */
bool dns_name_normalise(struct bytes text, struct dns_name *ret_name, struct error *e) MUST_USE;

/* Whether all A-labels of NAME, normalised or a pattern, are valid by IDNA. */
bool dns_name_is_idna(struct bytes name);

/* The one reading of a name that a client sends (SNI, Host, :authority), and the last step of the
 * above: ASCII letters become lower-case, and one trailing dot goes. False: empty, over
 * DNS_NAME_MAX, or with an octet other than letters, digits, hyphens, underscores and dots. What
 * breaks DNS's other rules (empty labels, a hyphen at an end) stays: no name of ours is like it. */
bool dns_name_fold(struct bytes text, struct dns_name *ret_name) MUST_USE;

/* What else the result depends on: the version of libidn2, whose tables change. */
const char *dns_name_library(void);

enum { DNS_NAME_SHOWN_MAX = 80 };

/* TEXT from outside made fit for a message (lib/base/safe_text.h); what passes DNS_NAME_SHOWN_MAX
 * octets is cut to an ellipsis. */
struct dns_name_shown {
    char text[DNS_NAME_SHOWN_MAX + SAFE_TEXT_ELLIPSIS_ROOM];
};
struct dns_name_shown dns_name_show(struct bytes text);

/* Whether NAME is APEX or lies under it; both normalised. */
bool dns_name_is_under(struct bytes name, struct bytes apex);

#endif
