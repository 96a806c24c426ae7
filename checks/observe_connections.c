#include <stdio.h>
#include <string.h>

#include "checks/observe_parts.h"
#include "lib/base/clock.h"
#include "lib/fetch/transfer_group.h"
#include "policies/model/policy_text.h"

enum { SMTP_PORT = 25, HTTPS_PORT = 443, WAIT_MS = 1000, SMTP_TEXT_MAX = 64 * 1024 };

struct round;

/* One transfer to come. */
struct job {
    struct round *round;
    const char *host;
    struct observed_https *https; /* one of the two */
    struct observed_smtp *smtp;
    bool old_tls; /* a second look at https: TLS 1.2 alone */
    struct tls_witness witness;
    struct observed_certificate scratch; /* of that second look */
    int scratch_version;
    char scratch_group[OBSERVATION_GROUP_SIZE];
};

struct round {
    const struct observer *observer;
    struct transfer_group *group;
    struct job *jobs; /* has room for all that may come: observed_https twice */
    size_t count;
    size_t begun;
    char *policy_host;
};

static struct job *add_job(struct round *round, const char *host)
{
    struct job *job = &round->jobs[round->count++];
    job->round = round;
    job->host = host;
    return job;
}

/* --- What came --- */

static enum observed_outcome outcome_of(const struct transfer *transfer,
                                        enum transfer_result result)
{
    switch (result) {
    case TRANSFER_DONE:
    case TRANSFER_TOO_LONG:
        return OBSERVED_ANSWERED;
    case TRANSFER_NO_CONNECTION:
        return OBSERVED_UNREACHABLE;
    case TRANSFER_TIMED_OUT:
        return transfer_is_connected(transfer) ? OBSERVED_TIMED_OUT : OBSERVED_NO_CONNECT;
    case TRANSFER_NO_TLS:
        /* OpenSSL's words for its own refusal, and for the server's alert. */
        return strstr(transfer_why(transfer), "unsupported protocol") != NULL ||
                       strstr(transfer_why(transfer), "protocol version") != NULL
                   ? OBSERVED_TLS_TOO_OLD
                   : OBSERVED_NO_TLS;
    case TRANSFER_NO_STARTTLS:
        return OBSERVED_NO_STARTTLS;
    default:
        return OBSERVED_WRONG_ANSWER;
    }
}

static void take_answer(struct observed_https *https, const struct transfer *transfer)
{
    https->status = transfer_status(transfer);
    https->content_type = memory_string_or_null(transfer_field(transfer, "Content-Type", 0));
    https->content_coding = memory_string_or_null(transfer_field(transfer, "Content-Encoding", 0));
    https->location = memory_string_or_null(transfer_field(transfer, "Location", 0));
    const struct buffer *body = transfer_body(transfer);
    https->body = BUFFER(OBSERVATION_BODY_MAX);
    https->body_too_long = body->overflow;
    buffer_add(&https->body, buffer_bytes(body));
    observation_read_policy(https);
}

static void take_https(struct job *job, const struct transfer *transfer,
                       enum transfer_result result)
{
    struct observed_https *https = job->https;
    https->outcome = outcome_of(transfer, result);
    https->time_ms = transfer_time_ms(transfer);
    if (https->outcome == OBSERVED_ANSWERED) {
        take_answer(https, transfer);
    } else {
        safe_text_cut(bytes_of(transfer_why(transfer)),
                      sizeof(https->why) - SAFE_TEXT_ELLIPSIS_ROOM, https->why);
    }
    /* A server takes the newest that both know. */
    if (https->tls_version == TRANSFER_TLS_1_2) {
        https->tls12 = OBSERVED_YES;
        https->tls13 = OBSERVED_NO;
    } else if (https->tls_version == TRANSFER_TLS_1_3) {
        https->tls13 = OBSERVED_YES;
        struct job *again = add_job(job->round, job->host);
        again->https = https;
        again->old_tls = true;
    }
}

static void take_old_tls(struct job *job, const struct transfer *transfer,
                         enum transfer_result result)
{
    enum observed_outcome outcome = outcome_of(transfer, result);
    bool refused = outcome == OBSERVED_NO_TLS || outcome == OBSERVED_TLS_TOO_OLD;
    job->https->tls12 = outcome == OBSERVED_ANSWERED ? OBSERVED_YES
                        : refused                    ? OBSERVED_NO
                                                     : OBSERVED_UNKNOWN;
}

static void take_smtp(struct job *job, const struct transfer *transfer, enum transfer_result result)
{
    struct observed_smtp *smtp = job->smtp;
    smtp->outcome = outcome_of(transfer, result);
    smtp->time_ms = transfer_time_ms(transfer);
    bool offered = smtp->outcome == OBSERVED_ANSWERED || smtp->outcome == OBSERVED_NO_TLS ||
                   smtp->outcome == OBSERVED_TLS_TOO_OLD;
    smtp->starttls = offered                                 ? OBSERVED_YES
                     : smtp->outcome == OBSERVED_NO_STARTTLS ? OBSERVED_NO
                                                             : OBSERVED_UNKNOWN;
    if (smtp->outcome != OBSERVED_ANSWERED) {
        safe_text_cut(bytes_of(transfer_why(transfer)), sizeof(smtp->why) - SAFE_TEXT_ELLIPSIS_ROOM,
                      smtp->why);
    }
}

/* --- The asking --- */

static void on_done(struct transfer *transfer, enum transfer_result result, void *context)
{
    struct job *job = context;
    if (job->smtp != NULL) {
        take_smtp(job, transfer, result);
    } else if (job->old_tls) {
        take_old_tls(job, transfer, result);
    } else {
        take_https(job, transfer, result);
    }
}

static char *place_of(const char *address, int port)
{
    bool ipv6 = strchr(address, ':') != NULL;
    return memory_printf("%s%s%s:%d", ipv6 ? "[" : "", address, ipv6 ? "]" : "", port);
}

static struct transfer *begin_https(struct job *job)
{
    CLEANUP_FREE char *url = memory_printf("https://%s/.well-known/mta-sts.txt", job->host);
    CLEANUP_FREE char *place = place_of(job->https->address, HTTPS_PORT);
    return transfer_new(&(struct transfer_request){
        .url = url,
        .protocols = "https",
        .timeout_ms = OBSERVER_HTTPS_MS,
        .connect_ms = OBSERVER_CONNECT_MS,
        .body_max = OBSERVATION_BODY_MAX,
        .connect_only = job->old_tls,
        .connect_to = place,
        .unverified = true,
        .tls_max = job->old_tls ? TRANSFER_TLS_1_2 : 0,
        .tls_setup = tls_witness_setup,
        .tls_setup_context = &job->witness,
    });
}

static struct transfer *begin_smtp(struct job *job)
{
    CLEANUP_FREE char *url = memory_printf("smtp://%s:%d", job->host, SMTP_PORT);
    CLEANUP_FREE char *place = place_of(job->smtp->address, SMTP_PORT);
    return transfer_new(&(struct transfer_request){
        .url = url,
        .protocols = "smtp",
        .timeout_ms = OBSERVER_SMTP_MS,
        .connect_ms = OBSERVER_SMTP_MS,
        .body_max = SMTP_TEXT_MAX,
        .connect_only = true,
        .starttls = true,
        .connect_to = place,
        .unverified = true,
        .tls_setup = tls_witness_setup,
        .tls_setup_context = &job->witness,
    });
}

static void begin_next(struct round *round)
{
    struct job *job = &round->jobs[round->begun++];
    job->witness = (struct tls_witness){.trust = round->observer->trust, .host = job->host};
    if (job->old_tls) {
        job->witness.certificate = &job->scratch;
        job->witness.tls_version = &job->scratch_version;
        job->witness.group = job->scratch_group;
    } else if (job->smtp != NULL) {
        job->witness.certificate = &job->smtp->certificate;
        job->witness.tls_version = &job->smtp->tls_version;
        job->witness.group = job->smtp->group;
    } else {
        job->witness.certificate = &job->https->certificate;
        job->witness.tls_version = &job->https->tls_version;
        job->witness.group = job->https->group;
    }
    struct transfer *transfer = job->smtp != NULL ? begin_smtp(job) : begin_https(job);
    transfer_group_add(round->group, transfer, on_done, NULL, job);
}

static void add_all(struct round *round, struct observation *observation)
{
    for (size_t i = 0; i < observation->https_count; i++) {
        add_job(round, round->policy_host)->https = &observation->https[i];
    }
    for (size_t i = 0; i < observation->mx_count; i++) {
        struct observed_mx *mx = &observation->mx[i];
        for (size_t k = 0; k < mx->smtp_count; k++) {
            add_job(round, mx->host.text)->smtp = &mx->smtp[k];
        }
    }
}

static bool may_begin(const struct round *round, int64_t until_ms)
{
    return round->begun < round->count && clock_monotonic_ms() < until_ms;
}

void observe_connections(const struct observer *observer, struct observation *observation,
                         int64_t until_ms)
{
    size_t most = 2 * observation->https_count;
    for (size_t i = 0; i < observation->mx_count; i++) {
        most += observation->mx[i].smtp_count;
    }
    struct round round = {
        .observer = observer,
        .jobs = memory_zero(most, sizeof(struct job)),
        .policy_host = memory_printf(POLICY_HOST_PREFIX "%s", observation->domain.text),
    };
    struct error e;
    if (!transfer_group_new(OBSERVER_SOCKETS, &round.group, &e)) {
        abort(); /* a command that has no descriptor left */
    }
    add_all(&round, observation);
    while (may_begin(&round, until_ms) || transfer_group_count(round.group) != 0) {
        while (may_begin(&round, until_ms) &&
               transfer_group_count(round.group) < OBSERVER_SOCKETS) {
            begin_next(&round);
        }
        transfer_group_wait(round.group, WAIT_MS, -1);
        transfer_group_run(round.group);
    }
    observation->connections_left_out = round.count - round.begun;
    transfer_group_free(round.group);
    free(round.jobs);
    free(round.policy_host);
}
