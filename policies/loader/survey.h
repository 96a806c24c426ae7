/* What `status` counts by looking at every domain and every certificate: a million of them take a
 * second, so it is done in slices of a few milliseconds, between which the loader takes changes.
 *
 *     survey_begin(&survey, &sources);
 *     while (survey_step(&survey)) … a change or two …
 *     … survey.result …
 *     survey_clear(&survey);
 *
 * What changes while it is under way may be counted or not; all else is, once. */
#ifndef POLICIES_LOADER_SURVEY_H
#define POLICIES_LOADER_SURVEY_H

#include "lib/certificates/certificate_table.h"
#include "lib/certificates/live/expiry.h"
#include "policies/loader/loader.h"

struct survey_sources {
    struct policy_index *policies;
    struct certificate_table *table;
    bool wants_certificates; /* else no name is without */
    int64_t now_s;           /* wall clock */
    int64_t now_ms;          /* monotonic */
};

/* Zero-initialised is over, with nothing found. */
struct survey {
    struct survey_sources sources;
    enum { SURVEY_OVER, SURVEY_DOMAINS, SURVEY_CERTIFICATES } stage;
    struct loader_findings result;
    struct expiry_news news; /* who tells of it clears it */
};

/* What was found before is forgotten. The sources are borrowed until it is over. */
void survey_begin(struct survey *survey, const struct survey_sources *sources);
/* False: it is over, and the result stands. */
bool survey_step(struct survey *survey);
static inline bool survey_is_under_way(const struct survey *survey)
{
    return survey->stage != SURVEY_OVER;
}
void survey_clear(struct survey *survey);

#endif
