#include "caa.h"

#include "lib/base/memory.h"
#include "lib/dns/lookup.h"
#include "lib/dns/name.h"

enum { ISSUERS_TEXT_MAX = 200 }; /* of the list in the message */

/* How near a property comes to allowing us, the nearest last. */
enum fit { FIT_NONE, FIT_OTHER_ACCOUNT, FIT_OTHER_METHOD, FIT_ALL };

/* What the records say together. */
struct evaluation {
    const struct dns_caa_request *request;
    bool has_issue;
    bool has_malformed;
    struct bytes unknown; /* the tag of a critical property that is not known; empty: none */
    enum fit fit;
    struct dns_caa_record nearest; /* what FIT is of */
    struct buffer *issuers;        /* who may, for the message */
};

/* The properties that an issuer of certificates for servers knows; issuemail (RFC 9495) among them,
 * since it says nothing about those. */
static bool is_known(struct bytes tag)
{
    static const char *const known[] = {"issue", "issuewild", "iodef", "issuemail"};
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (bytes_equal_nocase(tag, bytes_of(known[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_our_issuer(const struct dns_caa_request *request, struct bytes issuer)
{
    for (size_t i = 0; i < request->issuer_count; i++) {
        if (bytes_equal_nocase(issuer, bytes_of(request->issuers[i]))) {
            return true;
        }
    }
    return false;
}

/* METHODS are joined by commas (RFC 8657 §4). */
static bool lists_method(struct bytes methods, struct bytes method)
{
    while (methods.n != 0) {
        const char *comma = memchr(methods.p, ',', methods.n);
        size_t n = comma != NULL ? (size_t)(comma - methods.p) : methods.n;
        if (bytes_equal((struct bytes){methods.p, n}, method)) {
            return true;
        }
        methods = bytes_skip(methods, n + 1);
    }
    return false;
}

static enum fit fit_of(const struct dns_caa_request *request, const struct dns_caa_record *record)
{
    if (record->malformed || !is_our_issuer(request, record->issuer)) {
        return FIT_NONE;
    }
    /* RFC 8657 §3: compared as they are written. */
    if (record->has_account_uri && request->account_uri != NULL &&
        !bytes_equal(record->account_uri, bytes_of(request->account_uri))) {
        return FIT_OTHER_ACCOUNT;
    }
    if (record->has_methods && !lists_method(record->methods, bytes_of(request->method))) {
        return FIT_OTHER_METHOD;
    }
    return FIT_ALL;
}

static void take_record(struct evaluation *evaluation, const struct dns_caa_record *record)
{
    if (record->critical && !is_known(record->tag)) {
        evaluation->unknown = record->tag;
    }
    /* RFC 8659 §4.3: issuewild is for wildcards alone, which no host here is. */
    if (!bytes_equal_nocase(record->tag, BYTES("issue"))) {
        return;
    }
    enum fit fit = fit_of(evaluation->request, record);
    if (!evaluation->has_issue || fit > evaluation->fit) {
        evaluation->fit = fit;
        evaluation->nearest = *record;
    }
    evaluation->has_issue = true;
    evaluation->has_malformed = evaluation->has_malformed || record->malformed;
    if (record->issuer.n != 0) {
        buffer_printf(evaluation->issuers, "%s%s", evaluation->issuers->n != 0 ? ", " : "",
                      dns_name_show(record->issuer).text);
    }
}

/* Why no property of OWNER's allows us. */
static void explain(const struct evaluation *evaluation, const char *owner, struct buffer *why)
{
    const struct dns_caa_request *request = evaluation->request;
    const struct dns_caa_record *nearest = &evaluation->nearest;
    struct dns_name_shown issuer = dns_name_show(nearest->issuer);
    struct dns_name_shown place = dns_name_show(bytes_of(owner));
    buffer_printf(why, "CAA of %s ", place.text);
    if (evaluation->unknown.n != 0) {
        buffer_printf(why,
                      "has the critical property \"%s\", which forbids every CA that does not know "
                      "it; remove it, or its critical flag",
                      dns_name_show(evaluation->unknown).text);
        return;
    }
    switch (evaluation->fit) {
    case FIT_OTHER_ACCOUNT:
        buffer_printf(why, "allows %s for the account %s only; change its accounturi to %s",
                      issuer.text, dns_name_show(nearest->account_uri).text, request->account_uri);
        return;
    case FIT_OTHER_METHOD:
        buffer_printf(why, "allows %s by the methods \"%s\" only; add %s to its validationmethods",
                      issuer.text, dns_name_show(nearest->methods).text, request->method);
        return;
    default:
        buffer_printf(why, "allows %s%s%s%s; add: %s. CAA 0 issue \"%s\"",
                      evaluation->issuers->n != 0 ? evaluation->issuers->p : "no CA",
                      evaluation->issuers->overflow ? ", …" : "",
                      evaluation->issuers->n != 0 ? " only" : "",
                      evaluation->has_malformed ? " (an issue property is malformed)" : "",
                      place.text, request->issuers[0]);
    }
}

static bool evaluate(const struct dns_caa_set *set, const struct dns_caa_request *request,
                     bool *ret_allowed, struct buffer *why, struct error *e)
{
    CLEANUP(buffer_clear) struct buffer issuers = BUFFER(ISSUERS_TEXT_MAX);
    struct evaluation evaluation = {.request = request, .issuers = &issuers};
    for (size_t i = 0; i < set->count; i++) {
        struct dns_caa_record record;
        if (!dns_caa_parse(set->items[i], &record)) {
            return error_set(e, ERROR_SYNTAX,
                             "CAA of %s: a record that is damaged; publish it again",
                             dns_name_show(bytes_of(set->owner)).text);
        }
        take_record(&evaluation, &record);
    }
    bool allowed =
        evaluation.unknown.n == 0 && (!evaluation.has_issue || evaluation.fit == FIT_ALL);
    if (!allowed) {
        explain(&evaluation, set->owner, why);
    }
    *ret_allowed = allowed;
    return true;
}

/* The records of NAME or of the nearest name above it that has any; the root is not asked (RFC 8659
 * §3). What cannot be looked up may forbid, so it stops the climb. */
static bool find_relevant(const struct dns_resolver *resolver,
                          const struct dns_caa_request *request, struct dns_caa_set *ret_set,
                          struct error *e)
{
    int64_t until_ms = dns_resolver_until_ms(resolver);
    struct bytes name = request->name;
    while (name.n != 0 && ret_set->count == 0) {
        struct error failure;
        if (!dns_lookup_caa_until(resolver, name, until_ms, ret_set, request->trace, &failure) &&
            failure.code != ERROR_NOT_FOUND) {
            *e = failure;
            return false;
        }
        const char *dot = memchr(name.p, '.', name.n);
        name = bytes_skip(name, dot != NULL ? (size_t)(dot - name.p) + 1 : name.n);
    }
    return true;
}

bool dns_caa_allows(const struct dns_resolver *resolver, const struct dns_caa_request *request,
                    bool *ret_allowed, struct buffer *why, struct error *e)
{
    CLEANUP(dns_caa_set_clear) struct dns_caa_set set = {0};
    if (request->issuer_count == 0) {
        *ret_allowed = true;
        return true;
    }
    return find_relevant(resolver, request, &set, e) &&
           evaluate(&set, request, ret_allowed, why, e);
}
