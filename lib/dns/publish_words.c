#include "publish_words.h"

#include "lib/dns/tsig.h"

struct words {
    unsigned code;
    bool of_all;
    const char *name;
    const char *advice; /* %KEY, %FILE and %ZONE are filled in */
};

/* RFC 8945 §3. */
static const struct words tsig_words[] = {
    {DNS_TSIG_BADSIG, true, "BADSIG",
     "the secret in %FILE is not the server's: copy it from there"},
    /* Knot says it of every name that its ACL refuses. */
    {DNS_TSIG_BADKEY, false, "BADKEY",
     "give the server the key %KEY of %FILE, and allow it to update this name (BIND: "
     "update-policy; Knot: acl with action update)"},
    {DNS_TSIG_BADTIME, true, "BADTIME", "set this machine's clock, or the server's"},
    {DNS_TSIG_BADTRUNC, true, "BADTRUNC", "let the server take whole signatures"},
};

/* RFC 1035 §4.1.1 and RFC 2136 §2.2. */
static const struct words rcode_words[] = {
    {LDNS_RCODE_FORMERR, true, "FORMERR", "name a server that takes updates in dns.update.server"},
    {LDNS_RCODE_SERVFAIL, false, "SERVFAIL",
     "look into its log (a zone that is frozen or was not loaded, no room for its journal)"},
    {LDNS_RCODE_NXDOMAIN, false, "NXDOMAIN", "somebody else changed it meanwhile: run this again"},
    {LDNS_RCODE_NOTIMPL, true, "NOTIMP",
     "it takes no updates: name one that does in dns.update.server, or publish by dns.hook"},
    {LDNS_RCODE_REFUSED, false, "REFUSED",
     "allow the key %KEY to update this name (BIND: update-policy or allow-update; Knot: acl with "
     "action update)"},
    {LDNS_RCODE_YXDOMAIN, false, "YXDOMAIN", "somebody else changed it meanwhile: run this again"},
    {LDNS_RCODE_YXRRSET, false, "YXRRSET", "somebody else changed it meanwhile: run this again"},
    {LDNS_RCODE_NXRRSET, false, "NXRRSET", "somebody else changed it meanwhile: run this again"},
    {LDNS_RCODE_NOTAUTH, false, "NOTAUTH",
     "it is not the primary of zone %ZONE, or the key %KEY may not update it: name the primary in "
     "dns.update.server, or allow the key"},
    {LDNS_RCODE_NOTZONE, false, "NOTZONE",
     "the name is not in zone %ZONE: correct dns.update.zone"},
};

static const struct words *find(const struct words *rows, size_t count, unsigned code)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].code == code) {
            return &rows[i];
        }
    }
    return NULL;
}

static const struct words *words_for(unsigned rcode, unsigned tsig_error)
{
    const struct words *words = find(tsig_words, ARRAY_LENGTH(tsig_words), tsig_error);
    return words != NULL ? words : find(rcode_words, ARRAY_LENGTH(rcode_words), rcode);
}

struct mark {
    const char *mark;
    const char *text;
};

/* The one of MARKS that ADVICE begins with; one of them must be. */
static const struct mark *find_mark(const struct mark *marks, const char *advice)
{
    while (strncmp(advice, marks->mark, strlen(marks->mark)) != 0) {
        marks++;
    }
    return marks;
}

static void fill_in(const char *advice, const struct publish_refusal *refusal, struct buffer *out)
{
    const struct mark marks[] = {
        {"%KEY", refusal->key_name},
        {"%FILE", refusal->key_file},
        {"%ZONE", refusal->zone},
        {"%", "%"},
    };
    for (;;) {
        size_t n = strcspn(advice, "%");
        buffer_add(out, (struct bytes){advice, n});
        advice += n;
        if (*advice == '\0') {
            return;
        }
        const struct mark *mark = find_mark(marks, advice);
        buffer_add_string(out, mark->text);
        advice += strlen(mark->mark);
    }
}

void publish_refusal_words(const struct publish_refusal *refusal, struct buffer *out)
{
    const struct words *words = words_for(refusal->rcode, refusal->tsig_error);
    const struct words *rcode = words_for(refusal->rcode, 0);
    buffer_printf(out, "DNS server %s refuses to change zone %s: ", refusal->server, refusal->zone);
    if (rcode != NULL) {
        buffer_add_string(out, rcode->name);
    } else {
        buffer_printf(out, "RCODE %u", refusal->rcode);
    }
    if (words != rcode && words != NULL) {
        buffer_printf(out, " (%s)", words->name);
    }
    buffer_add_string(out, "; ");
    fill_in(words != NULL ? words->advice : "look into its log", refusal, out);
}

bool publish_refusal_is_of_all(unsigned rcode, unsigned tsig_error)
{
    const struct words *words = words_for(rcode, tsig_error);
    return words != NULL && words->of_all;
}

bool publish_refusal_is_conflict(unsigned rcode)
{
    return rcode == LDNS_RCODE_NXDOMAIN || rcode == LDNS_RCODE_YXDOMAIN ||
           rcode == LDNS_RCODE_NXRRSET || rcode == LDNS_RCODE_YXRRSET;
}
