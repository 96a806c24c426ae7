/* What the walk must never get wrong, for a unit test and a fuzz target. */
#ifndef TESTS_UNIT_LIB_CERTIFICATES_USUAL_LEAF_AGREES_H
#define TESTS_UNIT_LIB_CERTIFICATES_USUAL_LEAF_AGREES_H

#include <time.h>

#include <openssl/x509.h>

#include "lib/certificates/certificate_check.h"
#include "lib/certificates/san_names.h"
#include "lib/certificates/usual_leaf.h"

static bool time_agrees(const ASN1_TIME *theirs, int64_t ours)
{
    struct tm tm = {0};
    return ASN1_TIME_to_tm(theirs, &tm) == 1 && (int64_t)timegm(&tm) == ours;
}

static bool names_agree(const struct certificate_view *view, struct bytes alt_names)
{
    CLEANUP(buffer_clear) struct buffer ours = BUFFER(SAN_NAMES_OCTETS);
    CLEANUP(buffer_clear) struct buffer theirs = BUFFER(SAN_NAMES_OCTETS);
    struct error e;
    struct bytes name;
    size_t written = 0;
    size_t count = 0;
    size_t their_count = 0;
    for (; usual_leaf_next_name(&alt_names, &name); written++) {
        count += written < CERTIFICATE_NAMES_MAX && san_names_add(name, &ours);
    }
    bool read =
        san_names_read(certificate_view_extensions(view), "a.pem", &theirs, &their_count, &e);
    return read ? count == their_count && bytes_equal(buffer_bytes(&ours), buffer_bytes(&theirs))
                : count == 0 || written > CERTIFICATE_NAMES_MAX;
}

/* NULL where DER is not of the usual form, or OpenSSL takes it and sees the same in it; else what
 * it does not. *RET_USUAL: whether it is of the usual form. */
static const char *usual_leaf_agrees(struct bytes der, struct curves *curves, bool *ret_usual)
{
    struct usual_leaf usual;
    struct error e;
    *ret_usual = usual_leaf_read(der, &usual);
    if (!*ret_usual) {
        return NULL;
    }
    struct bytes rest = der;
    struct certificate_view *view = certificate_view_take(&rest, curves);
    const unsigned char *p = (const unsigned char *)der.p;
    X509 *full = d2i_X509(NULL, &p, (long)der.n);
    const char *wrong = NULL;
    if (view == NULL || full == NULL) {
        wrong = "it is damaged";
    } else if (rest.n != 0) {
        wrong = "there is more behind it";
    } else if (!certificate_view_is_signed_strongly(view)) {
        wrong = "its signature is weak";
    } else if (!time_agrees(certificate_view_not_before(view), usual.not_before) ||
               !time_agrees(certificate_view_not_after(view), usual.not_after)) {
        wrong = "the dates are others";
    } else if (!names_agree(view, usual.alt_names)) {
        wrong = "the names are others";
    } else {
        struct certificate_key key = {0};
        bool on_curve = certificate_key_of_point(usual.point, usual.curve, curves, &key);
        const struct certificate_key *theirs = certificate_view_key(view);
        if (on_curve != (theirs->kind == CERTIFICATE_KEY_EC) ||
            (on_curve && (key.group != theirs->group ||
                          EC_POINT_cmp(key.group, key.point, theirs->point, NULL) != 0))) {
            wrong = "the key is another";
        } else if (on_curve && (!certificate_check_strength(view, "a.pem", 1, &e) ||
                                !certificate_check_key(view, "a.pem", &e))) {
            wrong = "it is refused";
        }
        certificate_key_clear(&key);
    }
    X509_free(full);
    certificate_view_free(view);
    return wrong;
}

#endif
