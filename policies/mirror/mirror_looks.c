/* Looks, on threads that may wait, and what follows from them. */
#include "lib/base/clock.h"
#include "policies/mirror/mirror_parts.h"

/* So many of MIRROR_THREADS may look at upstreams that are not proven. Those that take all the time
 * there is keep nobody waiting but each other. */
enum { UNPROVEN_MAX = MIRROR_THREADS / 2 };

static void look_free(struct mirror_look *look)
{
    look->mirror->unproven -= look->unproven ? 1 : 0;
    LIST_REMOVE(look, link);
    address_rule_free(look->rule);
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
    upstream->took_ms = look->took_ms;
    upstream->due_ms = clock_monotonic_ms() + pace_wait_ms(&mirror->pace, &known, arc4random());
    look_free(look);
}

/* On the pool's. */
static void look_run(void *context)
{
    struct mirror_look *look = context;
    int64_t begun_ms = clock_monotonic_ms();
    look->good = !atomic_load(&look->mirror->abandon) &&
                 look_at_upstream(&look->question, &look->answer, &look->e);
    look->took_ms = clock_monotonic_ms() - begun_ms;
    mailbox_post(look->mirror->mailbox, look_deliver, look);
}

static struct address_rule *make_rule(const struct mirror *mirror)
{
    const struct settings_networks *networks = &mirror->pace.addresses;
    return address_rule_new(networks->items, networks->count,
                            settings_listen_on_loopback(mirror->options.settings));
}

static void begin(struct mirror *mirror, struct upstream *upstream)
{
    struct mirror_look *look = memory_zero(1, sizeof(*look));
    struct pace_known known = upstream_known(upstream);
    look->mirror = mirror;
    look->upstream = upstream;
    look->domain = memory_string(upstream->domain);
    look->rule = make_rule(mirror);
    look->unproven = !upstream_is_proven(upstream);
    mirror->unproven += look->unproven ? 1 : 0;
    look->question = (struct look_question){
        .domain = bytes_of(look->domain),
        .resolver = mirror->resolver,
        .ca_file = mirror->options.ca_file,
        .connect_to = mirror->options.connect_to,
        .timeout_ms = mirror->pace.timeout_ms,
        .abandon = &mirror->abandon,
        .rule = look->rule,
        .known = upstream->good.id,
        .fetch = pace_fetch_is_due(&mirror->pace, &known, clock_wall_s()),
    };
    upstream->look = look;
    LIST_INSERT_HEAD(&mirror->looks, look, link);
    work_pool_add(mirror->pool, look_run, NULL, look);
}

/* Of those that are due and not looked at, the one that has waited the longest: whoever used its
 * time up goes behind who was never looked at. NULL: there is none. */
static struct upstream *find_due(const struct mirror *mirror, bool proven, int64_t now_ms)
{
    struct upstream *found = NULL;
    for (size_t i = 0; i < mirror->count; i++) {
        struct upstream *upstream = mirror->upstreams[i];
        if (upstream->look == NULL && upstream->due_ms <= now_ms &&
            upstream_is_proven(upstream) == proven &&
            (found == NULL || upstream->due_ms < found->due_ms)) {
            found = upstream;
        }
    }
    return found;
}

static int64_t find_soonest_ms(const struct mirror *mirror, int64_t now_ms)
{
    int64_t soonest_ms = -1;
    for (size_t i = 0; i < mirror->count; i++) {
        const struct upstream *upstream = mirror->upstreams[i];
        if (upstream->look == NULL && upstream->due_ms > now_ms &&
            (soonest_ms < 0 || upstream->due_ms < soonest_ms)) {
            soonest_ms = upstream->due_ms;
        }
    }
    return soonest_ms;
}

int64_t mirror_begin_looks(struct mirror *mirror, int64_t now_ms)
{
    struct upstream *upstream = NULL;
    while ((upstream = find_due(mirror, true, now_ms)) != NULL) {
        begin(mirror, upstream);
    }
    while (mirror->unproven < UNPROVEN_MAX &&
           (upstream = find_due(mirror, false, now_ms)) != NULL) {
        begin(mirror, upstream);
    }
    return find_soonest_ms(mirror, now_ms); /* those that wait still go on when a look ends */
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
