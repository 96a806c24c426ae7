#include "renewal_wait.h"

static bool is_missing(const struct error *e)
{
    return e->code == ERROR_NOT_FOUND;
}

bool renewal_mark_read(struct acme_store *store, const char *host, struct renewal_mark *ret_mark,
                       struct error *e)
{
    struct renewal_mark mark = {0};
    struct acme_store_certificate certificate;
    if (acme_store_find_certificate(store, host, &certificate, e)) {
        mark.certificate_id = certificate.id;
        acme_store_certificate_clear(&certificate);
    } else if (!is_missing(e)) {
        return false;
    }
    struct acme_store_host row;
    if (acme_store_find_host(store, host, &row, e)) {
        mark.trouble = row.trouble;
        mark.failures = row.failures;
        mark.next_s = row.next_s;
        mark.problem = TAKE(row.problem);
        acme_store_host_clear(&row);
    } else if (!is_missing(e)) {
        return false;
    }
    *ret_mark = mark;
    return true;
}

void renewal_mark_clear(struct renewal_mark *mark)
{
    free(mark->problem);
    *mark = (struct renewal_mark){0};
}

enum renewal_outcome renewal_outcome(const struct renewal_mark *before,
                                     const struct renewal_mark *after, int64_t asked_s)
{
    if (after->certificate_id > before->certificate_id) {
        return RENEWAL_DONE;
    }
    /* A request may put the next try of an old trouble at once, which is no new one; a new one has
     * its next try ahead, or is another or one more. */
    bool new = after->trouble != before->trouble || after->failures > before->failures ||
               (after->next_s != before->next_s && after->next_s > asked_s);
    return after->trouble != ACME_HOST_FINE && new ? RENEWAL_FAILED : RENEWAL_UNDER_WAY;
}
