#include "publish_zone.h"

#include "lib/base/file.h"
#include "lib/dns/publish_words.h"
#include "lib/dns/update_message.h"

enum {
    WORDS_MAX = 1400,
    LOSSES_MAX = 3, /* of the server, one after the other, no update taken between */
};

struct job {
    const struct publish_zone *zone;
    struct dns_primary primary;
    ldns_rdf *apex;
    /* What is to be changed; items[i] is that of changes[i]. */
    struct dns_change *changes;
    struct dns_publish_item **items;
    size_t count;
    size_t refusals; /* of single names, one after the other */
    unsigned losses;
    bool any_taken;
    bool given_up; /* nothing more is tried */
    char why[WORDS_MAX];
};

static void give_up(struct job *job, const char *why)
{
    job->given_up = true;
    (void)snprintf(job->why, sizeof(job->why), "%s", why);
}

static void fail_range(struct job *job, size_t first, size_t n, const char *why)
{
    for (size_t i = first; i < first + n; i++) {
        publish_fail(job->zone->progress, job->items[i], "%s", why);
    }
}

static void free_standing(const ldns_rr_list *list)
{
    ldns_rr_list_deep_free((ldns_rr_list *)list); /* ours; messages only read it */
}

/* --- what stands --- */

/* Asks for N names from FIRST on. The caller frees the array with free_asked(). */
static bool ask_range(struct job *job, size_t first, size_t n, struct dns_asked **ret_asked,
                      struct error *e)
{
    *ret_asked = memory_zero(n, sizeof(**ret_asked));
    for (size_t i = 0; i < n; i++) {
        (*ret_asked)[i].owner = ldns_rr_owner(job->changes[first + i].wanted);
    }
    return dns_primary_ask(&job->primary, *ret_asked, n, e);
}

static void free_asked(struct dns_asked *asked, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free_standing(asked[i].standing);
    }
    free(asked);
}

/* Whether STANDING is what CHANGE is to bring about. */
static bool is_as_wanted(const struct dns_change *change, const ldns_rr_list *standing)
{
    return change->away ? ldns_rr_list_rr_count(standing) == 0
                        : dns_record_stands(change->wanted, standing, true);
}

/* Whether what stood before was taken away: a wildcard may show through by now. */
static bool is_taken_away(const struct dns_change *change, const ldns_rr_list *standing)
{
    return change->away && change->before != NULL && !dns_record_same(change->before, standing);
}

static void take_standing(struct dns_change *change, struct dns_asked *asked)
{
    free_standing(change->before);
    change->before = TAKE(asked->standing);
}

/* Moves change FROM to place TO, and what is there to FROM. */
static void swap(struct job *job, size_t to, size_t from)
{
    struct dns_change change = job->changes[to];
    struct dns_publish_item *item = job->items[to];
    job->changes[to] = job->changes[from];
    job->items[to] = job->items[from];
    job->changes[from] = change;
    job->items[from] = item;
}

/* Reads what stands at N names from FIRST on and decides what can be: what is there already has
 * OUTCOME. The number of the others, which are then the first of the range. */
static size_t look(struct job *job, size_t first, size_t n, enum dns_publish_outcome outcome)
{
    struct error e;
    struct dns_asked *asked = NULL;
    size_t left = 0;
    bool all = ask_range(job, first, n, &asked, &e);
    for (size_t i = 0; i < n; i++) {
        struct dns_change *change = &job->changes[first + i];
        if (!asked[i].answered) {
            publish_fail(job->zone->progress, job->items[first + i], "%s", e.text);
        } else if (asked[i].standing == NULL) {
            publish_fail(job->zone->progress, job->items[first + i], "DNS server %s: %s",
                         dns_primary_text(&job->primary), asked[i].error.text);
        } else if (is_as_wanted(change, asked[i].standing) ||
                   (outcome == DNS_PUBLISHED && is_taken_away(change, asked[i].standing))) {
            publish_decide(job->zone->progress, job->items[first + i], outcome);
        } else if (change->away && !publish_may_go(job->items[first + i], asked[i].standing)) {
            publish_decide(job->zone->progress, job->items[first + i], DNS_PUBLISH_KEPT);
        } else {
            take_standing(change, &asked[i]);
            swap(job, first + left++, first + i);
        }
    }
    if (!all) {
        give_up(job, e.text);
    }
    free_asked(asked, n);
    return left;
}

/* What was taken counts when it is read back. */
static void confirm(struct job *job, size_t first, size_t n)
{
    size_t left = look(job, first, n, DNS_PUBLISHED);
    for (size_t i = first; i < first + left; i++) {
        publish_fail(job->zone->progress, job->items[i],
                     "DNS server %s took the change, and something else stands there; look for "
                     "other records at this name or somebody else's change, and run this again",
                     dns_primary_text(&job->primary));
    }
}

/* --- changing it --- */

static void change_range(struct job *job, size_t first, size_t n);

static void describe(const struct job *job, const struct dns_update_reply *reply,
                     struct buffer *words)
{
    const struct dns_publish_options *options = job->zone->progress->options;
    publish_refusal_words(&(struct publish_refusal){.server = dns_primary_text(&job->primary),
                                                    .zone = job->zone->apex,
                                                    .key_name = options->key->name,
                                                    .key_file = options->key_file,
                                                    .rcode = reply->rcode,
                                                    .tsig_error = reply->tsig_error},
                          words);
}

/* Whether what was read BEFORE was made up from a wildcard, by what is read NOW, after its
 * prerequisite did not hold: the same; or nothing, where a record of ours that was published
 * meanwhile stands between the two (RFC 4592 §2.2.1). */
static bool was_from_wildcard(const struct dns_change *change, const ldns_rr_list *now)
{
    return !change->from_wildcard && ldns_rr_list_rr_count(change->before) != 0 &&
           (ldns_rr_list_rr_count(now) == 0 || dns_record_same(change->before, now));
}

/* A prerequisite of name I did not hold: who changed it, if anybody did? */
static void settle_conflict(struct job *job, size_t i, const char *words)
{
    struct error e;
    struct dns_asked *asked = NULL;
    struct dns_change *change = &job->changes[i];
    struct publish_progress *progress = job->zone->progress;
    bool told = ask_range(job, i, 1, &asked, &e) && asked[0].standing != NULL;
    bool wildcard = told && was_from_wildcard(change, asked[0].standing);
    if (told && (is_as_wanted(change, asked[0].standing) || (wildcard && change->away))) {
        publish_decide(progress, job->items[i], DNS_PUBLISH_STOOD);
    } else if (wildcard) {
        change->from_wildcard = true;
        change_range(job, i, 1);
    } else {
        publish_fail(progress, job->items[i], "%s", words);
    }
    free_asked(asked, 1);
}

static void refuse_one(struct job *job, size_t i, const struct dns_update_reply *reply,
                       const char *words)
{
    if (publish_refusal_is_conflict(reply->rcode)) {
        settle_conflict(job, i, words);
        return;
    }
    publish_fail(job->zone->progress, job->items[i], "%s", words);
    if (++job->refusals >= DNS_PUBLISH_REFUSALS && !job->any_taken) {
        give_up(job, words); /* it will not take any: not worth a question for each */
    }
}

/* The whole message is refused where one of its names is: halves tell which. */
static void refuse(struct job *job, size_t first, size_t n, const struct dns_update_reply *reply)
{
    CLEANUP(buffer_clear) struct buffer words = BUFFER(WORDS_MAX);
    describe(job, reply, &words);
    if (publish_refusal_is_of_all(reply->rcode, reply->tsig_error)) {
        give_up(job, buffer_bytes(&words).p);
        fail_range(job, first, n, job->why);
    } else if (n == 1) {
        refuse_one(job, first, reply, buffer_bytes(&words).p);
    } else {
        change_range(job, first, n / 2);
        change_range(job, first + n / 2, n - n / 2);
    }
}

/* The update may have been done, or not, or in part by the time that we look. */
static void recover(struct job *job, size_t first, size_t n, const struct error *e)
{
    if (++job->losses >= LOSSES_MAX) {
        give_up(job, e->text);
        fail_range(job, first, n, e->text);
        return;
    }
    size_t left = look(job, first, n, DNS_PUBLISHED);
    /* A server may close after each answer (RFC 7766 §6.2.3): the change goes first on a
     * connection. */
    file_close(&job->primary.fd);
    if (left != 0) {
        change_range(job, first, left);
    }
}

static void change_range(struct job *job, size_t first, size_t n)
{
    if (job->given_up) {
        fail_range(job, first, n, job->why);
        return;
    }
    struct dns_update_reply reply;
    ldns_pkt *message = dns_update_message(job->apex, &job->changes[first], n);
    dns_primary_update(&job->primary, message, &reply);
    ldns_pkt_free(message);
    switch (reply.outcome) {
    case DNS_UPDATE_TAKEN:
        job->any_taken = true;
        job->losses = 0;
        job->refusals = 0;
        confirm(job, first, n);
        break;
    case DNS_UPDATE_REFUSED:
        refuse(job, first, n, &reply);
        break;
    case DNS_UPDATE_STRANGE:
        error_format_prefix(&reply.error, "DNS server %s: ", dns_primary_text(&job->primary));
        give_up(job, reply.error.text);
        fail_range(job, first, n, job->why);
        break;
    case DNS_UPDATE_LOST:
        recover(job, first, n, &reply.error);
        break;
    }
}

static void change_all(struct job *job, size_t count)
{
    for (size_t first = 0; first < count;) {
        size_t n = dns_update_fit(&job->changes[first], count - first);
        if (dns_change_octets(&job->changes[first]) > DNS_UPDATE_OCTETS) {
            fail_range(job, first, n, "what stands there is too much for one message; delete it");
        } else {
            change_range(job, first, n);
        }
        first += n;
    }
}

/* What the server did not say, as it was lost, was decided by look(). */
static void leave_all(struct job *job, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        publish_decide(job->zone->progress, job->items[i], DNS_PUBLISH_DIFFERS);
    }
}

/* Makes what is wanted; what cannot be is decided. */
static void prepare(struct job *job)
{
    const struct publish_zone *zone = job->zone;
    job->changes = memory_zero(zone->count, sizeof(*job->changes));
    job->items = memory_zero(zone->count, sizeof(struct dns_publish_item *));
    for (size_t i = 0; i < zone->count; i++) {
        struct error e;
        ldns_rr *wanted = NULL;
        if (dns_record_make(&zone->items[i]->record, &wanted, &e)) {
            job->items[job->count] = zone->items[i];
            job->changes[job->count++] =
                (struct dns_change){.wanted = wanted, .away = zone->items[i]->may_go != NULL};
        } else {
            publish_fail(zone->progress, zone->items[i], "%s", e.text);
        }
    }
}

static void clear(struct job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        ldns_rr_free((ldns_rr *)job->changes[i].wanted); /* made by prepare() */
        free_standing(job->changes[i].before);
    }
    free(job->changes);
    free(job->items);
    ldns_rdf_deep_free(job->apex);
    dns_primary_close(&job->primary);
}

void publish_zone_run(const struct publish_zone *zone)
{
    struct job job = {.zone = zone};
    struct error e;
    dns_primary_open(&job.primary);
    memcpy(job.primary.servers, zone->servers, sizeof(zone->servers));
    job.primary.server_count = zone->server_count;
    job.primary.key = zone->progress->options->key;
    job.apex = dns_owner_new(bytes_of(zone->apex), &e);
    if (job.apex == NULL) {
        abort(); /* it was a name before */
    }
    prepare(&job);
    if (job.count != 0) {
        size_t left = look(&job, 0, job.count, DNS_PUBLISH_STOOD);
        if (zone->progress->options->look_only) {
            leave_all(&job, left);
        } else {
            change_all(&job, left);
        }
    }
    clear(&job);
}
