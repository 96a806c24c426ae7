#include <time.h>

#include <openssl/x509_vfy.h>

#include "checks/judge_parts.h"

enum { DAY_S = 24 * 3600, HUNDRED = 100 };

struct day {
    char text[sizeof("2026-11-24")];
};

static struct day day_of(int64_t time_s)
{
    struct day day = {"?"};
    time_t when = time_s;
    struct tm parts;
    if (gmtime_r(&when, &parts) != NULL) {
        (void)strftime(day.text, sizeof(day.text), "%Y-%m-%d", &parts);
    }
    return day;
}

/* What OpenSSL's verdict is about, besides dates of the leaf itself. */
static enum finding_kind kind_of(const struct observed_certificate *certificate,
                                 const struct judge_certificate_kinds *kinds)
{
    switch (certificate->verify_error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return kinds->self_signed;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return certificate->sent <= 1 ? kinds->chain_incomplete : kinds->untrusted;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_REJECTED:
        return kinds->untrusted;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return kinds->chain_expired;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return kinds->weak;
    default:
        return kinds->invalid;
    }
}

static bool is_weak(const struct observed_certificate *certificate)
{
    return strcmp(certificate->key, "RSA") == 0 && certificate->key_bits < RSA_BITS_MIN;
}

/* What is wrong with the leaf's own dates. */
static bool judge_dates(struct judge *judge, const struct observed_certificate *certificate,
                        const struct judge_certificate_kinds *kinds, const char *subject)
{
    int64_t now_s = judge->seen->time_s;
    if (certificate->not_after_s < now_s) {
        judge_add(judge, kinds->expired, subject, "the certificate expired on %s",
                  day_of(certificate->not_after_s).text);
        return false;
    }
    if (certificate->not_before_s > now_s) {
        judge_add(judge, kinds->not_yet_valid, subject, "the certificate is valid from %s on",
                  day_of(certificate->not_before_s).text);
        return false;
    }
    return true;
}

static void judge_end(struct judge *judge, const struct observed_certificate *certificate,
                      const struct judge_certificate_kinds *kinds, const char *subject)
{
    int64_t life_s = certificate->not_after_s - certificate->not_before_s;
    int64_t soon_s = life_s / HUNDRED * CERTIFICATE_SOON_PERCENT;
    int64_t left_s = certificate->not_after_s - judge->seen->time_s;
    if (left_s < (soon_s < CERTIFICATE_SOON_S ? soon_s : CERTIFICATE_SOON_S)) {
        judge_add(judge, kinds->expires_soon, subject, "the certificate ends on %s, in %lld days",
                  day_of(certificate->not_after_s).text, (long long)(left_s / DAY_S));
    }
}

void judge_certificate(struct judge *judge, const struct observed_certificate *certificate,
                       const struct judge_certificate_kinds *kinds, const char *subject)
{
    if (!certificate->seen) {
        return;
    }
    bool in_time = judge_dates(judge, certificate, kinds, subject);
    if (!certificate->name_matched) {
        judge_add(judge, kinds->wrong_name, subject, "the certificate names %s",
                  certificate->names[0] != '\0' ? certificate->names : "no DNS name");
    }
    bool weak = is_weak(certificate);
    if (weak) {
        judge_add(judge, kinds->weak, subject, "the certificate has an %s key of %u bits",
                  certificate->key, certificate->key_bits);
    }
    enum finding_kind kind = kind_of(certificate, kinds);
    bool told = (kind == kinds->weak && weak) || (kind == kinds->chain_expired && !in_time);
    if (!certificate->chain_verified && !told) {
        judge_add(judge, kind, subject, "%s (issued by %s, %zu sent)", certificate->why,
                  certificate->issuer, certificate->sent);
    }
    if (in_time && observed_certificate_is_good(certificate)) {
        judge_end(judge, certificate, kinds, subject);
    }
}
