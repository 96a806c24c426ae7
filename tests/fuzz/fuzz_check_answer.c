/* Whatever a policy host answers: where the judgement has no error, a sender that goes by the RFC
 * has a policy; where a sender would have none, there is an error. The input's first line is the
 * status, its second the content type, its third where a redirect leads; the rest is the body. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "checks/findings.h"

enum { HTTP_OK = 200, STATUS_MAX = 999, VERSION = 13, NOW_S = 1795542000, YEAR_S = 31557600 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes take_line(struct bytes *rest)
{
    const char *end = rest->n != 0 ? memchr(rest->p, '\n', rest->n) : NULL;
    struct bytes line = {rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};
    *rest = bytes_skip(*rest, line.n + 1);
    return line;
}

static long status_of(struct bytes text)
{
    long status = 0;
    for (size_t i = 0; i < text.n && status <= STATUS_MAX; i++) {
        status = status * 10 + ((unsigned char)text.p[i] % 10);
    }
    return status % (STATUS_MAX + 1);
}

static bool is_plain(const char *type)
{
    size_t n = strlen("text/plain");
    return strncasecmp(type, "text/plain", n) == 0 && strchr("; \t", type[n]) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = {(const char *)data, size};
    struct bytes texts[] = {BYTES("v=STSv1; id=1;")};
    struct observation observation = {.domain = {.n = 1, .text = "d"},
                                      .time_s = NOW_S,
                                      .mx_trace.outcome = DNS_FOUND,
                                      .null_mx = true,
                                      .sts.trace.outcome = DNS_FOUND,
                                      .sts.texts = {.items = texts, .count = 1},
                                      .a.outcome = DNS_FOUND,
                                      .aaaa.outcome = DNS_EMPTY,
                                      .https_count = 1};
    struct observed_https https = {.address = "192.0.2.1",
                                   .outcome = OBSERVED_ANSWERED,
                                   .tls_version = VERSION,
                                   .tls12 = OBSERVED_YES,
                                   .tls13 = OBSERVED_YES,
                                   .certificate = {.seen = true,
                                                   .chain_verified = true,
                                                   .name_matched = true,
                                                   .not_before_s = NOW_S - YEAR_S,
                                                   .not_after_s = NOW_S + YEAR_S},
                                   .body = BUFFER(OBSERVATION_BODY_MAX)};
    https.status = status_of(take_line(&rest));
    https.content_type = memory_string_of(take_line(&rest));
    https.location = memory_string_of(take_line(&rest));
    buffer_add(&https.body, rest);
    https.body_too_long = https.body.overflow;
    observation_read_policy(&https);
    observation.https = &https;

    CLEANUP(findings_clear) struct findings findings = {0};
    findings_judge(&observation, NULL, &findings);
    enum finding_severity worst = FINDING_NOTE;
    bool error = findings_worst(&findings, &worst) && worst == FINDING_ERROR;
    bool usable = https.status == HTTP_OK && is_plain(https.content_type) && https.policy != NULL;
    if (error == usable) {
        abort();
    }
    buffer_clear(&https.body);
    policy_free(https.policy);
    diagnostics_clear(&https.remarks);
    free(https.content_type);
    free(https.location);
    return 0;
}
