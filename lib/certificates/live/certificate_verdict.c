#include "certificate_verdict.h"

#include <stdio.h>
#include <time.h>

#define VALIDITIES (CERTIFICATE_EXPIRED + 1)

/* Served, then coming. */
static const enum certificate_verdict VERDICTS[VALIDITIES][VALIDITIES] = {
    [CERTIFICATE_NOT_YET_VALID] = {CERTIFICATE_TAKEN, CERTIFICATE_TAKEN, CERTIFICATE_TAKEN},
    [CERTIFICATE_VALID] = {CERTIFICATE_REFUSED, CERTIFICATE_TAKEN, CERTIFICATE_REFUSED},
    [CERTIFICATE_EXPIRED] = {CERTIFICATE_TAKEN, CERTIFICATE_TAKEN, CERTIFICATE_TAKEN},
};

/* The one that is served is valid. */
static int64_t again_s(const struct certificate_pair *served, const struct certificate_pair *coming,
                       int64_t now_s)
{
    int64_t expired_s = certificate_pair_not_after(served) + 1;
    int64_t begins_s = certificate_pair_not_before(coming);
    return begins_s > now_s && begins_s < expired_s ? begins_s : expired_s;
}

enum certificate_verdict certificate_verdict_find(const struct certificate_pair *served,
                                                  const struct certificate_pair *coming,
                                                  int64_t now_s, int64_t *ret_again_s)
{
    if (served == NULL) {
        return CERTIFICATE_TAKEN;
    }
    enum certificate_validity before = certificate_pair_validity(served, now_s);
    enum certificate_validity after = certificate_pair_validity(coming, now_s);
    enum certificate_verdict verdict = VERDICTS[before][after];
    if (verdict == CERTIFICATE_REFUSED) {
        *ret_again_s = again_s(served, coming, now_s);
    }
    bool both = before == CERTIFICATE_VALID && after == CERTIFICATE_VALID;
    bool sooner = certificate_pair_not_after(coming) < certificate_pair_not_after(served);
    return both && sooner ? CERTIFICATE_TAKEN_ENDS_SOONER : verdict;
}

/* --- Words --- */

struct moment {
    char text[32];
};

static struct moment moment_of(int64_t time_s)
{
    struct moment moment = {"?"};
    time_t t = (time_t)time_s;
    struct tm tm;
    if (gmtime_r(&t, &tm) != NULL) {
        (void)strftime(moment.text, sizeof(moment.text), "%Y-%m-%d %H:%M:%S UTC", &tm);
    }
    return moment;
}

void certificate_verdict_explain(const struct certificate_pair *served,
                                 const struct certificate_pair *coming, int64_t now_s,
                                 struct error *e)
{
    struct moment until = moment_of(certificate_pair_not_after(served));
    if (certificate_pair_validity(coming, now_s) == CERTIFICATE_EXPIRED) {
        error_format(e, ERROR_CONFLICT,
                     "the certificate that was put here has expired on %s, so the one before it, "
                     "valid until %s, stays in use; put one here that is valid",
                     moment_of(certificate_pair_not_after(coming)).text, until.text);
        return;
    }
    error_format(e, ERROR_CONFLICT,
                 "the certificate that was put here is not valid before %s, so the one before it, "
                 "valid until %s, stays in use; put one here that is valid, or wait: it is taken "
                 "when it is",
                 moment_of(certificate_pair_not_before(coming)).text, until.text);
}

char *certificate_verdict_note(const struct certificate_pair *served,
                               const struct certificate_pair *coming)
{
    return memory_printf("the certificate that was put here is in use now; it ends on %s, sooner "
                         "than the one before it, which was valid until %s",
                         moment_of(certificate_pair_not_after(coming)).text,
                         moment_of(certificate_pair_not_after(served)).text);
}
