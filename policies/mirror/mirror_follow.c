/* Which providers are followed, and what is kept of them. */
#include "lib/base/clock.h"
#include "policies/mirror/mirror_parts.h"

void mirror_keep(struct mirror *mirror, struct upstream *upstream)
{
    struct error e;
    if (!upstream->unkept) {
        return;
    }
    upstream->unkept =
        !mirror_copy_write(mirror->copies, bytes_of(upstream->domain), &upstream->good, &e);
    if (upstream->unkept && !mirror->unkept_told) {
        log_event(mirror->options.log, LOG_LEVEL_ERROR, "mirror.unkept",
                  LOG_TEXT("domain", upstream->domain), LOG_TEXT("problem", e.text),
                  LOG_TEXT("advice", "make room, or let mtasts-host write there: a restart would "
                                     "serve the text before"));
    }
    mirror->unkept_told = upstream->unkept;
}

static struct upstream *take_out(struct mirror *mirror, const char *domain)
{
    for (size_t i = 0; i < mirror->count; i++) {
        struct upstream *upstream = mirror->upstreams[i];
        if (upstream != NULL && strcmp(upstream->domain, domain) == 0) {
            mirror->upstreams[i] = NULL;
            return upstream;
        }
    }
    return NULL;
}

/* One that was not followed before: the copy of the last run counts. */
static struct upstream *begin(struct mirror *mirror, const char *domain)
{
    struct error e;
    struct upstream *upstream = upstream_new(domain);
    if (mirror_copy_read(mirror->copies, bytes_of(domain), &upstream->good, &e)) {
        mirror->options.install(domain, policy_ref(upstream->good.policy), mirror->options.context);
    } else if (e.code != ERROR_NOT_FOUND) {
        log_event(mirror->options.log, LOG_LEVEL_WARNING, "mirror.copy", LOG_TEXT("domain", domain),
                  LOG_TEXT("problem", e.text));
    }
    struct pace_known known = upstream_known(upstream);
    upstream->due_ms = clock_monotonic_ms() + pace_first_wait_ms(&known, arc4random());
    return upstream;
}

/* Its copy stays: a file that is gone for a moment comes back to it. */
static void leave(struct upstream *upstream)
{
    mirror_abandon_look(upstream);
    upstream_free(upstream);
}

/* Takes the place of the list before; DOMAINS are sorted. */
void mirror_take_up(struct mirror *mirror, char **domains, size_t count)
{
    struct upstream **upstreams = memory_zero(count, sizeof(struct upstream *));
    for (size_t i = 0; i < count; i++) {
        upstreams[i] = take_out(mirror, domains[i]);
        if (upstreams[i] == NULL) {
            upstreams[i] = begin(mirror, domains[i]);
        }
    }
    for (size_t i = 0; i < mirror->count; i++) {
        if (mirror->upstreams[i] != NULL) {
            leave(mirror->upstreams[i]);
        }
    }
    free(mirror->upstreams);
    mirror->upstreams = upstreams;
    mirror->count = count;
}
