#include "name_question.h"

#include <stdlib.h>

#include "lib/base/clock.h"

enum { WHY_MAX = 900 };

struct name_question {
    struct work work;
    _Atomic bool dropped;
    _Atomic bool begun;      /* in the lane that it is in */
    name_question_done done; /* of the ACME thread alone */
    void *context;
    char *name;
    bool asks_caa;
    struct dns_caa_request caa; /* its texts are ours */
    char **issuers;
    char *account_uri;
    struct name_answer answer;
};

static void question_free(struct work *work)
{
    struct name_question *question = (struct name_question *)work;
    for (size_t i = 0; i < question->caa.issuer_count; i++) {
        free(question->issuers[i]);
    }
    free(question->issuers);
    free(question->account_uri);
    free(question->name);
    dns_address_set_clear(&question->answer.addresses);
    free(question);
}

/* --- On the pool's threads --- */

static bool ask_caa(struct name_question *question, const struct dns_resolver *resolver,
                    struct dns_trace *trace, struct error *e)
{
    CLEANUP(buffer_clear) struct buffer why = BUFFER(WHY_MAX);
    bool allowed = false;
    question->caa.trace = trace;
    return dns_caa_allows(resolver, &question->caa, &allowed, &why, e) &&
           (allowed || error_set(e, ERROR_CONFLICT, "%.*s", BYTES_ARG(buffer_bytes(&why))));
}

/* CAs validate DNSSEC: to them a bogus answer is none, and no permission either (CA/Browser Forum
 * Baseline Requirements, 3.2.2.8.1 and 3.2.2.9). It is the zone that has to change, so it is told
 * apart from servers that did not answer just now. */
static void tell_bogus(const struct name_question *question, struct error *e)
{
    struct error why = *e;
    error_format(e, ERROR_CONFLICT,
                 "DNSSEC validation of %s fails, so that no CA takes its answers (%s); correct the "
                 "zone's signatures, or its DS record",
                 question->name, why.text);
}

static bool ask(struct name_question *question, const struct dns_resolver *resolver)
{
    struct name_answer *answer = &question->answer;
    struct dns_trace trace = {0};
    bool good = question->asks_caa
                    ? ask_caa(question, resolver, &trace, &answer->error)
                    : dns_lookup_addresses_traced(resolver, bytes_of(question->name),
                                                  &answer->addresses, &trace, &answer->error);
    if (!good && trace.outcome == DNS_BOGUS) {
        tell_bogus(question, &answer->error);
    }
    return good;
}

static void question_run(struct work *work)
{
    struct name_question *question = (struct name_question *)work;
    const struct acme *acme = work->acme;
    bool slow = work->lane == WORK_SLOW;
    if (atomic_load(&acme->thread.abandon) || atomic_load(&question->dropped)) {
        return;
    }
    atomic_store(&question->begun, true);
    int64_t begun_ms = clock_monotonic_ms();
    struct name_answer *answer = &question->answer;
    answer->good = ask(question, slow ? acme->resolvers.slow : acme->resolvers.quick);
    int64_t took_ms = clock_monotonic_ms() - begun_ms;
    answer->slow = answer->slow || took_ms >= NAME_QUICK_MS;
    answer->late = !answer->good && answer->error.code == ERROR_RETRY &&
                   took_ms >= (slow ? NAME_SLOW_MS : NAME_QUICK_MS);
}

/* --- Back on the ACME thread --- */

static void question_done(struct work *work)
{
    struct name_question *question = (struct name_question *)work;
    struct name_answer *answer = &question->answer;
    bool wanted = !atomic_load(&question->dropped);
    if (wanted && answer->late && work->lane == WORK_QUICK) {
        work->lane = WORK_SLOW;
        atomic_store(&question->begun, false);
        acme_work(work->acme, work);
        return;
    }
    if (wanted) {
        question->done(answer, question->context);
    }
    question_free(work);
}

bool name_question_is_slow(const struct name_question *question)
{
    return question->work.lane == WORK_SLOW;
}

bool name_question_had_turn(const struct name_question *question)
{
    return atomic_load(&question->begun);
}

void name_question_drop(struct name_question *question)
{
    if (question != NULL) {
        atomic_store(&question->dropped, true); /* it is freed when its thread is done with it */
    }
}

/* --- Asked --- */

static struct name_question *question_new(const char *name, bool slow, name_question_done done,
                                          void *context)
{
    struct name_question *question = memory_zero(1, sizeof(*question));
    question->work = (struct work){
        .run = question_run,
        .done = question_done,
        .free = question_free,
        .lane = slow ? WORK_SLOW : WORK_QUICK,
    };
    question->name = memory_string(name);
    question->done = done;
    question->context = context;
    return question;
}

struct name_question *name_question_addresses(struct acme *acme, const char *host, bool slow,
                                              name_question_done done, void *context)
{
    struct name_question *question = question_new(host, slow, done, context);
    acme_work(acme, &question->work);
    return question;
}

struct name_question *name_question_caa(struct acme *acme, const struct dns_caa_request *request,
                                        bool slow, name_question_done done, void *context)
{
    CLEANUP_FREE char *name = memory_string_of(request->name);
    struct name_question *question = question_new(name, slow, done, context);
    question->asks_caa = true;
    question->issuers = memory_zero(request->issuer_count, sizeof(char *));
    for (size_t i = 0; i < request->issuer_count; i++) {
        question->issuers[i] = memory_string(request->issuers[i]);
    }
    question->account_uri = memory_string_or_null(request->account_uri);
    question->caa = (struct dns_caa_request){
        .name = bytes_of(question->name),
        .issuers = (const char *const *)question->issuers,
        .issuer_count = request->issuer_count,
        .account_uri = question->account_uri,
        .method = request->method, /* a literal */
    };
    acme_work(acme, &question->work);
    return question;
}
