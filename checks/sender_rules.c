#include "sender_rules.h"

#include <stdio.h>
#include <string.h>

#include "checks/observe.h"
#include "checks/sender_traits.h"

enum { KIB_64 = 65536, MIB_1 = 1048576 };

struct sender {
    const char *name;
    int64_t patience_ms;               /* for a whole fetch; 0: not established */
    size_t size_max;                   /* octets of a body; 0: not established */
    enum observed_answer asks_another; /* address, where the first is dead */
    bool unlimited;                    /* reads a body of any size */
    bool asks_one;                     /* address: the first, IPv4 before IPv6 */
};

/* The columns of the table below, in its order. */
static const struct sender senders[SENDER_COUNT] = {
    {"mox", .patience_ms = 60000, .size_max = KIB_64},
    {"postfix-mta-sts-resolver", .patience_ms = 4000, .size_max = KIB_64,
     .asks_another = OBSERVED_YES},
    {"postfix-tlspol", .patience_ms = 2000, .size_max = KIB_64, .asks_another = OBSERVED_YES},
    {"Stalwart", .patience_ms = 300000, .size_max = MIB_1},
    {"KumoMTA", .patience_ms = 20000},
    {"Maddy", .patience_ms = 0},
    {"mailauth", .patience_ms = 15000, .unlimited = true, .asks_another = OBSERVED_NO,
     .asks_one = true},
    {"Gmail", .size_max = KIB_64},
    {"Exchange Online", .patience_ms = 0},
};

/* What a letter of the table means. */
static const struct stance {
    char letter;
    enum sender_verdict verdict;
    const char *how;
} stances[] = {
    {'a', SENDER_ACCEPTS, NULL},
    {'r', SENDER_REFUSES, NULL},
    {'?', SENDER_NOT_ESTABLISHED, NULL},
    {'f', SENDER_ACCEPTS, "the first counts for it"},
    {'l', SENDER_ACCEPTS, "the last counts for it"},
    {'d', SENDER_ACCEPTS, "it takes one day instead"},
    {'c', SENDER_ACCEPTS, "it takes the longest that is allowed"},
    {'v', SENDER_ACCEPTS, "it converts the name"},
    {'m', SENDER_ACCEPTS, "it takes the mode for none"},
    {'e', SENDER_ACCEPTS, "up to 0.16.17 it enforced it: a TLS error was a bounce"},
    {'o', SENDER_NOT_ESTABLISHED, "it follows it, to where nobody looked here"},
    {'n', SENDER_REFUSES, "it takes the policy, but that pattern never matches"},
};

/* mox, postfix-mta-sts-resolver, postfix-tlspol, Stalwart, KumoMTA, Maddy, mailauth, Gmail,
 * Exchange Online: a letter each. */
static const struct rule {
    const char *what;
    char stance[SENDER_COUNT + 1];
} rules[TRAIT_COUNT] = {
    [TRAIT_RECORD_TWICE] = {"two STSv1 records", "rrr?r?r??"},
    [TRAIT_RECORD_OTHER_TEXT] = {"another TXT record beside the one", "aa??r?a??"},
    [TRAIT_RECORD_VERSION] = {"a record that does not begin with v=STSv1;", "?????????"},
    [TRAIT_RECORD_NO_ID] = {"a record without an id", "r?r???r??"},
    [TRAIT_RECORD_ID] = {"an id other than 1 to 32 letters and digits", "rar??aa??"},
    [TRAIT_RECORD_MALFORMED] = {"a malformed record", "ra???????"},
    [TRAIT_RECORD_LOOSE] = {"a record in another form than v=STSv1; id=ID;", "aa????a??"},
    [TRAIT_CERTIFICATE_NAMELESS] = {"a certificate without a subjectAltName", "r?r??r???"},
    [TRAIT_CERTIFICATE_WEAK] = {"a certificate with a weak key or signature", "?????????"},
    [TRAIT_STATUS] = {"a status other than 200", "rrrarrr??"},
    [TRAIT_STATUS_2XX] = {"a status of 2xx other than 200", "rrrarra??"},
    [TRAIT_REDIRECT] = {"a redirect", "rrrorrr??"},
    [TRAIT_CONTENT_TYPE] = {"a content type other than text/plain", "arrarra??"},
    [TRAIT_CONTENT_TYPE_CASE] = {"a content type not in lower case", "aaaaraa??"},
    [TRAIT_CONTENT_TYPE_PARAMETER] = {"a parameter of the content type", "aaaa?aa??"},
    [TRAIT_CONTENT_GZIP] = {"an answer compressed by gzip", "aaarrrr??"},
    [TRAIT_CONTENT_CODED] = {"an answer compressed otherwise than by gzip", "rrrrrrr??"},
    [TRAIT_BOM] = {"a byte order mark", "rrra?ra??"},
    [TRAIT_BLANK_LINE] = {"a blank line", "raraara??"},
    [TRAIT_NOT_ASCII] = {"non-ASCII without a charset", "araaaaa??"},
    [TRAIT_REPEATED] = {"a repeated field", "flflrll??"},
    [TRAIT_NO_VERSION] = {"no version", "rrra?rr??"},
    [TRAIT_NO_MODE] = {"no mode", "?r????m??"},
    [TRAIT_MODE_UNKNOWN] = {"a mode that is not known", "?r???????"},
    [TRAIT_MODE_TESTING] = {"mode testing", "aaaeaaaaa"},
    [TRAIT_NO_MAX_AGE] = {"no max_age, or none that is a number", "?r???????"},
    [TRAIT_MAX_AGE_LONG] = {"a max_age over 31557600", "arcdaar??"},
    [TRAIT_MAX_AGE_SHORT] = {"a max_age under an hour", "aaadaaa??"},
    [TRAIT_NO_MX] = {"no mx", "?r????r??"},
    [TRAIT_NONE_WITHOUT_MX] = {"mode none without an mx", "aaaraaa??"},
    [TRAIT_EXTENSION_COLON] = {"a colon in the value of an extension field", "aaaaara??"},
    [TRAIT_MX_DOT] = {"an mx with a trailing dot", "rnannan??"},
    [TRAIT_MX_UNICODE] = {"an mx that is not ASCII", "rrrv?vn??"},
    [TRAIT_INVALID] = {"a text that is no policy", "?????????"},
    [TRAIT_WILDCARD_DEPTH] = {"an MX host more than one label below a wildcard", "raarrrar?"},
};

/* The worst counts, and of equals what was met first. */
static void merge(struct sender_judgement *judgement, const struct sender_judgement *other)
{
    bool first = judgement->reason[0] == '\0' && other->verdict == judgement->verdict;
    if (other->verdict > judgement->verdict || first) {
        judgement->verdict = other->verdict;
        memcpy(judgement->reason, other->reason, sizeof(judgement->reason));
    }
}

static void add(struct sender_judgement *judgement, enum sender_verdict verdict, const char *what,
                const char *how)
{
    struct sender_judgement one = {.verdict = verdict};
    if (verdict != SENDER_ACCEPTS || how != NULL) {
        snprintf(one.reason, sizeof(one.reason), "%s%s%s", what, how != NULL ? ": " : "",
                 how != NULL ? how : "");
        merge(judgement, &one);
    }
}

static const struct stance *stance_of(size_t sender, unsigned trait)
{
    for (size_t i = 0; i < ARRAY_LENGTH(stances); i++) {
        if (stances[i].letter == rules[trait].stance[sender]) {
            return &stances[i];
        }
    }
    abort(); /* a typing error in the table */
}

static void add_traits(struct sender_judgement *judgement, size_t sender, sender_trait_set set)
{
    for (unsigned trait = 0; trait < TRAIT_COUNT; trait++) {
        if (sender_trait_has(set, trait)) {
            const struct stance *stance = stance_of(sender, trait);
            add(judgement, stance->verdict, rules[trait].what, stance->how);
        }
    }
}

/* --- one address --- */

static void add_size(struct sender_judgement *judgement, const struct sender *sender,
                     const struct observed_https *https)
{
    if (https->body.n <= KIB_64 || sender->unlimited) {
        return; /* the RFC's own bound, which nobody undercuts */
    }
    if (sender->size_max == 0) {
        add(judgement, SENDER_NOT_ESTABLISHED, "a body over 64 KiB", NULL);
    } else if (https->body.n > sender->size_max) {
        add(judgement, SENDER_REFUSES, "a body too long for it", NULL);
    }
}

static void add_time(struct sender_judgement *judgement, const struct sender *sender,
                     const struct observed_https *https)
{
    bool ended = https->outcome == OBSERVED_ANSWERED;
    if (sender->patience_ms != 0 && https->time_ms > sender->patience_ms) {
        add(judgement, SENDER_REFUSES, "an answer too slow for it", NULL);
    } else if (!ended && sender->patience_ms != 0 && sender->patience_ms <= OBSERVER_HTTPS_MS) {
        add(judgement, SENDER_REFUSES, "no answer in its time", NULL);
    } else if (!ended) {
        add(judgement, SENDER_NOT_ESTABLISHED, "no answer yet when we gave up", NULL);
    }
}

static bool is_dead(const struct observed_https *https)
{
    return https->outcome == OBSERVED_UNREACHABLE || https->outcome == OBSERVED_NO_CONNECT;
}

static struct sender_judgement judge_address(size_t number, const struct observation *observation,
                                             const struct observed_https *https)
{
    const struct sender *sender = &senders[number];
    struct sender_judgement judgement = {.sender = sender->name};
    if (https->outcome == OBSERVED_NOTHING) {
        add(&judgement, SENDER_NOT_ESTABLISHED, "it was not asked here", NULL);
    } else if (https->outcome == OBSERVED_TIMED_OUT) {
        add_time(&judgement, sender, https);
    } else if (https->outcome != OBSERVED_ANSWERED) {
        add(&judgement, SENDER_REFUSES, https->why, NULL);
    } else if (!observed_certificate_is_good(&https->certificate) &&
               sender_traits_of_certificate(&https->certificate) == 0) {
        add(&judgement, SENDER_REFUSES, "the policy host's certificate",
            https->certificate.chain_verified ? "it is not for this name" : https->certificate.why);
    } else {
        add_traits(&judgement, number,
                   sender_traits_of_certificate(&https->certificate) |
                       sender_traits_of_answer(https) |
                       sender_traits_of_mx(observation, https->policy));
        add_size(&judgement, sender, https);
        add_time(&judgement, sender, https);
    }
    return judgement;
}

/* --- all addresses --- */

static void say_address(struct sender_judgement *judgement, const struct observed_https *https)
{
    char reason[SENDER_REASON_SIZE];
    memcpy(reason, judgement->reason, sizeof(reason));
    snprintf(judgement->reason, sizeof(judgement->reason), "%s: %.200s", https->address, reason);
}

/* Some addresses are dead, and what the others gave is GOOD. */
static void weigh_dead(struct sender_judgement *good, const struct sender *sender,
                       const struct observed_https *dead)
{
    if (sender->asks_another == OBSERVED_YES) {
        add(good, SENDER_FALLS_BACK, dead->why, NULL);
    } else if (sender->asks_another == OBSERVED_NO) {
        add(good, SENDER_REFUSES, dead->why, NULL);
    } else {
        add(good, SENDER_NOT_ESTABLISHED, "whether it asks another address than a dead one", NULL);
    }
    say_address(good, dead);
}

/* Which address a sender asks first is chance (or IPv6 where it has it): the worst of those that
 * are alive counts, and what a dead one means depends on whether it asks another. */
static void judge_addresses(size_t number, const struct observation *observation,
                            struct sender_judgement *judgement)
{
    const struct sender *sender = &senders[number];
    const struct observed_https *dead = NULL;
    bool alive = false;
    size_t count = sender->asks_one ? 1 : observation->https_count;
    for (size_t i = 0; i < count; i++) {
        const struct observed_https *https = &observation->https[i];
        struct sender_judgement one = judge_address(number, observation, https);
        if (is_dead(https)) {
            dead = dead != NULL ? dead : https;
            continue;
        }
        if (observation->https_count > 1 && one.verdict != SENDER_ACCEPTS) {
            say_address(&one, https);
        }
        merge(judgement, &one);
        alive = true;
    }
    if (dead != NULL && !alive) {
        add(judgement, SENDER_REFUSES, dead->why, NULL);
    } else if (dead != NULL && judgement->verdict == SENDER_ACCEPTS) {
        weigh_dead(judgement, sender, dead);
    }
}

/* What is the same for all: without a record, or without a host, there is no policy. */
static const char *missing(const struct observation *observation, bool has_record)
{
    if (dns_outcome_is_failure(observation->sts.trace.outcome)) {
        return observation->sts.trace.why[0] != '\0' ? observation->sts.trace.why
                                                     : "the record was not asked for";
    }
    if (!has_record) {
        return "there is no STSv1 record";
    }
    return observation->https_count == 0 ? "the policy host has no address" : NULL;
}

void sender_rules_judge(const struct observation *observation,
                        struct sender_judgement ret_matrix[SENDER_COUNT])
{
    bool has_record = false;
    sender_trait_set record = sender_traits_of_record(&observation->sts, &has_record);
    const char *without = missing(observation, has_record);
    for (size_t i = 0; i < SENDER_COUNT; i++) {
        ret_matrix[i] = (struct sender_judgement){.sender = senders[i].name};
        if (without != NULL) {
            add(&ret_matrix[i], SENDER_REFUSES, without, NULL);
            continue;
        }
        add_traits(&ret_matrix[i], i, record);
        struct sender_judgement fetched = {.sender = senders[i].name};
        judge_addresses(i, observation, &fetched);
        merge(&ret_matrix[i], &fetched);
    }
}

const char *sender_verdict_name(enum sender_verdict verdict)
{
    static const char *const names[] = {
        [SENDER_ACCEPTS] = "accepts",
        [SENDER_FALLS_BACK] = "falls back",
        [SENDER_NOT_ESTABLISHED] = "not established",
        [SENDER_REFUSES] = "refuses",
    };
    return names[verdict];
}
