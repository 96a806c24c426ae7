#include "question.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/dns/wire_name.h"

struct walk {
    const struct dns_question *question;
    ldns_rdf *name; /* where the CNAMEs have led so far; owned */
    struct dns_trace trace;
};

static ldns_rr *find_alias(const ldns_rr_list *answers, const ldns_rdf *name)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(answers); i++) {
        ldns_rr *rr = ldns_rr_list_rr(answers, i);
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME && ldns_rr_rd_count(rr) == 1 &&
            ldns_dname_compare(ldns_rr_owner(rr), name) == 0) {
            return rr;
        }
    }
    return NULL;
}

static void note_ttl(struct walk *walk, const ldns_rr *rr)
{
    if (walk->trace.outcome != DNS_FOUND || ldns_rr_ttl(rr) < walk->trace.ttl_s) {
        walk->trace.ttl_s = ldns_rr_ttl(rr);
    }
    walk->trace.outcome = DNS_FOUND;
}

/* Takes the records that stand where the walk is. */
static bool take_records(struct walk *walk, const ldns_rr_list *answers, size_t *ret_count,
                         struct error *e)
{
    const struct dns_question *question = walk->question;
    size_t count = 0;
    for (size_t i = 0; i < ldns_rr_list_rr_count(answers); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(answers, i);
        if (ldns_rr_get_type(rr) != question->type || ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN ||
            ldns_dname_compare(ldns_rr_owner(rr), walk->name) != 0) {
            continue;
        }
        if (++count > DNS_RECORDS_MAX) {
            return error_set(e, ERROR_LIMIT, "more than %d %s records; remove what is not needed",
                             DNS_RECORDS_MAX, question->type_name);
        }
        if (!question->take(rr, question->set, e)) {
            return false;
        }
        note_ttl(walk, rr);
    }
    *ret_count = count;
    return true;
}

/* Goes on to where ALIAS leads. False: one too many. */
static bool follow(struct walk *walk, const ldns_rr *alias)
{
    if (walk->trace.alias_count == DNS_ALIASES_MAX) {
        return false;
    }
    ldns_rdf_deep_free(walk->name);
    walk->name = ldns_rdf_clone(ldns_rr_rdf(alias, 0));
    struct dns_name *to = &walk->trace.aliases[walk->trace.alias_count++];
    CLEANUP_FREE char *text = dns_wire_name_text(walk->name);
    /* Escapes may make it longer than a name can be. */
    to->n = (unsigned char)(strlen(text) < DNS_NAME_MAX ? strlen(text) : DNS_NAME_MAX);
    for (size_t i = 0; i < to->n; i++) {
        to->text[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
    }
    to->text[to->n] = '\0';
    return true;
}

static bool too_many_aliases(struct walk *walk, struct error *e)
{
    walk->trace.outcome = DNS_ALIAS_LOOP;
    return error_set(e, ERROR_LIMIT, "more than %d CNAMEs in a row; shorten the chain",
                     DNS_ALIASES_MAX);
}

/* One question asked, and the CNAMEs of its answer followed. *RET_DONE: there is no more to ask. */
static bool ask_once(const struct dns_resolver *resolver, struct walk *walk, bool *ret_done,
                     struct error *e)
{
    CLEANUP_FREE char *text = dns_wire_name_text(walk->name);
    ldns_pkt *packet = NULL;
    const struct dns_resolver_question question = {bytes_of(text), walk->question->type,
                                                   walk->question->until_ms};
    if (!dns_resolver_ask_outcome(resolver, &question, &packet, &walk->trace.outcome, e)) {
        return false;
    }
    const ldns_rr_list *answers = ldns_pkt_answer(packet);
    size_t aliases_before = walk->trace.alias_count;
    size_t count = 0;
    const ldns_rr *alias = NULL;
    bool ok = true;
    while (ok && (alias = find_alias(answers, walk->name)) != NULL) {
        ok = follow(walk, alias) || too_many_aliases(walk, e);
    }
    ok = ok && take_records(walk, answers, &count, e);
    if (ok && ldns_pkt_get_rcode(packet) == LDNS_RCODE_NXDOMAIN) {
        ok = error_set(e, ERROR_NOT_FOUND, "there is no such name in the DNS; correct or add it");
    }
    /* Servers that are no resolvers leave the end of a chain out. */
    *ret_done = count != 0 || walk->trace.alias_count == aliases_before;
    ldns_pkt_free(packet);
    return ok;
}

static bool walk_begin(struct walk *walk, struct error *e)
{
    char text[DNS_NAME_MAX + 2];
    struct bytes name = walk->question->name;
    if (name.n != 0 && name.n <= DNS_NAME_MAX && memchr(name.p, '\0', name.n) == NULL) {
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        walk->name = ldns_dname_new_frm_str(text);
    }
    if (walk->name == NULL) {
        walk->trace.outcome = DNS_UNUSABLE;
        return error_set(e, ERROR_SYNTAX, "\"%s\" is not a DNS name; correct it",
                         dns_name_show(name).text);
    }
    return true;
}

static bool take_nothing(const ldns_rr *rr, void *set, struct error *e)
{
    (void)rr;
    (void)set;
    (void)e;
    return true;
}

/* Resolvers answer a circle of CNAMEs by SERVFAIL. Asked for one CNAME after the other they tell
 * it. */
static void look_for_loop(const struct dns_resolver *resolver, struct dns_trace *trace,
                          const struct dns_question *question)
{
    const struct dns_question ask = {.name = question->name,
                                     .type = LDNS_RR_TYPE_CNAME,
                                     .type_name = "CNAME",
                                     .take = take_nothing,
                                     .until_ms = question->until_ms};
    struct walk walk = {.question = &ask};
    struct error e;
    bool done = !walk_begin(&walk, &e);
    while (!done) {
        size_t aliases_before = walk.trace.alias_count;
        bool ended = false;
        done = !ask_once(resolver, &walk, &ended, &e) || walk.trace.alias_count == aliases_before;
    }
    ldns_rdf_deep_free(walk.name);
    if (walk.trace.outcome == DNS_ALIAS_LOOP) {
        trace->outcome = DNS_ALIAS_LOOP;
    }
    trace->alias_count = walk.trace.alias_count;
    memcpy(trace->aliases, walk.trace.aliases, sizeof(trace->aliases));
}

static void tell_trace(const struct dns_resolver *resolver, struct walk *walk, bool ok,
                       const struct error *e)
{
    struct dns_trace *trace = walk->question->trace;
    if (trace == NULL) {
        return;
    }
    *trace = walk->trace;
    if (ok) {
        trace->outcome = trace->outcome == DNS_FOUND ? DNS_FOUND : DNS_EMPTY;
        return;
    }
    if (e->code == ERROR_NOT_FOUND) {
        trace->outcome = DNS_NO_NAME;
    } else if (e->code != ERROR_RETRY && trace->outcome != DNS_ALIAS_LOOP) {
        trace->outcome = DNS_UNUSABLE;
    }
    safe_text_cut(bytes_of(e->text), sizeof(trace->why) - SAFE_TEXT_ELLIPSIS_ROOM, trace->why);
    if (trace->outcome == DNS_FAILED && trace->alias_count == 0) {
        look_for_loop(resolver, trace, walk->question);
    }
}

bool dns_question_ask(const struct dns_resolver *resolver, const struct dns_question *question,
                      struct error *e)
{
    struct walk walk = {.question = question};
    bool ok = walk_begin(&walk, e);
    bool done = !ok;
    while (ok && !done) {
        ok = ask_once(resolver, &walk, &done, e);
    }
    ldns_rdf_deep_free(walk.name);
    tell_trace(resolver, &walk, ok, e);
    return ok ||
           error_prefix(e, "%s of %s: ", question->type_name, dns_name_show(question->name).text);
}
