#include "mx_survey.h"

#include <string.h>

#include "lib/base/parallel.h"

enum { RESULTS_WAITING = 256 };

struct result {
    struct dns_mx_set mx;
    struct error *e; /* NULL: known */
};

struct work {
    const struct mx_survey *survey;
    struct result *results; /* by number modulo the room for them */
    size_t room;
};

static void add_itself(struct bytes domain, struct dns_mx_set *mx)
{
    ARRAY_GROW(mx->items, mx->count, mx->capacity);
    struct dns_mx *itself = &mx->items[mx->count++];
    *itself = (struct dns_mx){.host.n = (unsigned char)domain.n};
    memcpy(itself->host.text, domain.p, domain.n);
}

bool mx_survey_one(const struct dns_resolver *resolver, struct bytes domain,
                   struct dns_mx_set *ret_mx, struct error *e)
{
    struct dns_mx_set mx = {0};
    if (!dns_lookup_mx(resolver, domain, &mx, e)) {
        return false;
    }
    if (mx.count == 0 && !mx.null_mx) {
        add_itself(domain, &mx);
    }
    *ret_mx = mx;
    return true;
}

static void look_up(size_t number, void *own, void *context)
{
    (void)own;
    const struct work *work = context;
    const struct mx_survey *survey = work->survey;
    struct result *result = &work->results[number % work->room];
    struct error e;
    *result = (struct result){0};
    if (!mx_survey_one(survey->resolver, survey->domain(number, survey->context), &result->mx,
                       &e)) {
        result->e = memory_alloc(sizeof(e));
        *result->e = e;
    }
}

static void take(size_t number, void *context)
{
    const struct work *work = context;
    const struct mx_survey *survey = work->survey;
    struct result *result = &work->results[number % work->room];
    survey->take(number, result->e == NULL ? &result->mx : NULL, result->e, survey->context);
    dns_mx_set_clear(&result->mx);
    free(result->e);
}

void mx_survey_run(const struct mx_survey *survey)
{
    /* Besides those that wait to be taken, each thread has one in its hands. */
    struct work work = {.survey = survey, .room = RESULTS_WAITING + 2 * PARALLEL_THREADS_MAX};
    work.results = memory_zero(work.room, sizeof(work.results[0]));
    (void)parallel_run(&(struct parallel_jobs){
        .count = survey->count,
        .work = look_up,
        .take = take,
        .ahead = RESULTS_WAITING,
        .context = &work,
        .threads = MX_SURVEY_AT_ONCE,
    });
    free(work.results);
}
