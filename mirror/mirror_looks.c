/* Looks, on threads that may wait, and what follows from them. */
#include "base/clock.h"
#include "mirror/mirror_parts.h"

static void look_free(struct mirror_look *look)
{
    LIST_REMOVE(look, link);
    if (look->upstream != NULL) {
        look->upstream->look = NULL;
    }
    policy_free(look->answer.policy);
    free(look->domain);
    free(look);
}

/* --- What is told --- */

static void log_changed(const struct mirror *mirror, const struct upstream *upstream,
                        const struct policy *before)
{
    const struct policy *policy = upstream->good.policy;
    struct policy_id ours;
    policy_id_for_record(BYTES(""), policy, &ours);
    log_event(
        mirror->options.log, LOG_LEVEL_INFO, "mirror.changed", LOG_TEXT("domain", upstream->domain),
        LOG_TEXT("mode", policy_mode_name(policy->mode)), LOG_NUMBER("max_age", policy->max_age_s),
        LOG_TEXT("their_id", upstream->good.id.text), LOG_TEXT("our_id", ours.text),
        LOG_TEXT("advice", "publish the new ids of its domains: "
                           "mtasts-host record --all"));
    CLEANUP_FREE char *doubt = upstream_doubt(upstream, clock_wall_s());
    if (doubt != NULL) {
        log_event(mirror->options.log, LOG_LEVEL_WARNING, "mirror.doubt",
                  LOG_TEXT("domain", upstream->domain), LOG_TEXT("problem", doubt));
    }
    if (before != NULL && upstream_replaces_all_mx(before, policy)) {
        log_event(mirror->options.log, LOG_LEVEL_WARNING, "mirror.hosts_replaced",
                  LOG_TEXT("domain", upstream->domain),
                  LOG_TEXT("advice", "none of the former mx is left; see that your domains' MX "
                                     "records name hosts of the new policy"));
    }
}

static void log_mended(const struct mirror *mirror, const struct upstream *upstream)
{
    log_event(mirror->options.log, LOG_LEVEL_INFO, "mirror.mended",
              LOG_TEXT("domain", upstream->domain), LOG_NUMBER("failures", upstream->failures));
}

static void log_failed(const struct mirror *mirror, const struct upstream *upstream)
{
    log_event(
        mirror->options.log, LOG_LEVEL_WARNING, "mirror.failed",
        LOG_TEXT("domain", upstream->domain), LOG_TEXT("problem", upstream->problem),
        LOG_TEXT("served", upstream->good.policy != NULL ? "the last good policy" : "nothing yet"));
}

/* --- One look --- */

static void take_good(struct mirror *mirror, struct upstream *upstream, struct look_answer *answer)
{
    struct policy *before =
        upstream->good.policy != NULL ? policy_ref(upstream->good.policy) : NULL;
    if (upstream->failures != 0) {
        log_mended(mirror, upstream);
    }
    enum upstream_news news = upstream_take(upstream, answer, clock_wall_s());
    mirror_keep(mirror, upstream);
    if (news == UPSTREAM_CHANGED) {
        log_changed(mirror, upstream, before);
        mirror->options.install(upstream->domain, policy_ref(upstream->good.policy),
                                mirror->options.context);
    }
    policy_free(before);
}

/* Back on the mirror's thread. */
static void look_deliver(void *context)
{
    struct mirror_look *look = context;
    struct mirror *mirror = look->mirror;
    struct upstream *upstream = look->upstream;
    if (upstream == NULL || atomic_load(&mirror->abandon)) {
        look_free(look);
        return;
    }
    if (look->good) {
        take_good(mirror, upstream, &look->answer);
    } else if (upstream_fail(upstream, &look->e, clock_wall_s()) == UPSTREAM_FAILED) {
        log_failed(mirror, upstream);
    }
    struct pace_known known = upstream_known(upstream);
    upstream->due_ms = clock_monotonic_ms() + pace_wait_ms(&mirror->pace, &known, arc4random());
    look_free(look);
}

/* On the pool's. */
static void look_run(void *context)
{
    struct mirror_look *look = context;
    look->good = !atomic_load(&look->mirror->abandon) &&
                 look_at_upstream(&look->question, &look->answer, &look->e);
    mailbox_post(look->mirror->mailbox, look_deliver, look);
}

static void begin(struct mirror *mirror, struct upstream *upstream)
{
    struct mirror_look *look = memory_zero(1, sizeof(*look));
    struct pace_known known = upstream_known(upstream);
    look->mirror = mirror;
    look->upstream = upstream;
    look->domain = memory_string(upstream->domain);
    look->question = (struct look_question){
        .domain = bytes_of(look->domain),
        .resolver = mirror->resolver,
        .ca_file = mirror->options.ca_file,
        .connect_to = mirror->options.connect_to,
        .timeout_ms = mirror->pace.timeout_ms,
        .abandon = &mirror->abandon,
        .known = upstream->good.id,
        .fetch = pace_fetch_is_due(&mirror->pace, &known, clock_wall_s()),
    };
    upstream->look = look;
    LIST_INSERT_HEAD(&mirror->looks, look, link);
    work_pool_add(mirror->pool, look_run, NULL, look);
}

int64_t mirror_begin_looks(struct mirror *mirror, int64_t now_ms)
{
    int64_t soonest_ms = -1;
    for (size_t i = 0; i < mirror->count; i++) {
        struct upstream *upstream = mirror->upstreams[i];
        if (upstream->look != NULL) {
            continue;
        }
        if (upstream->due_ms <= now_ms) {
            begin(mirror, upstream);
        } else if (soonest_ms < 0 || upstream->due_ms < soonest_ms) {
            soonest_ms = upstream->due_ms;
        }
    }
    return soonest_ms;
}

void mirror_abandon_look(struct upstream *upstream)
{
    if (upstream->look != NULL) {
        upstream->look->upstream = NULL;
        upstream->look = NULL;
    }
}

void mirror_free_looks(struct mirror *mirror)
{
    struct mirror_look *look = LIST_FIRST(&mirror->looks);
    while (look != NULL) {
        struct mirror_look *next = LIST_NEXT(look, link);
        look_free(look);
        look = next;
    }
}
