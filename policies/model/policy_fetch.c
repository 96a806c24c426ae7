#include "policy_fetch.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/memory.h"
#include "lib/dns/lookup.h"
#include "lib/fetch/transfer.h"
#include "policies/model/policy.h"
#include "policies/model/policy_text.h"

/* A host's name and as many addresses as one look-up gives, with their brackets and commas. */
enum { RESOLVE_MAX = DNS_NAME_MAX + 2 * DNS_RECORDS_MAX * (DNS_ADDRESS_SIZE + 3) };

struct fetch {
    struct transfer *transfer;
    char *host;
    char *url;
    char *resolve;
};

static void fetch_clear(struct fetch *fetch)
{
    transfer_free(fetch->transfer);
    free(fetch->host);
    free(fetch->url);
    free(fetch->resolve);
}

/* What libcurl is to know of our resolver's answer. */
static bool resolve_host(struct fetch *fetch, const struct dns_resolver *resolver, struct error *e)
{
    CLEANUP(dns_address_set_clear) struct dns_address_set addresses = {0};
    struct dns_trace a;
    struct dns_trace aaaa;
    dns_trace_addresses(resolver, bytes_of(fetch->host), &addresses, &a, &aaaa);
    const struct dns_trace *failed = dns_outcome_is_failure(a.outcome)      ? &a
                                     : dns_outcome_is_failure(aaaa.outcome) ? &aaaa
                                                                            : NULL;
    if (addresses.count == 0 && failed != NULL) { /* one family is enough to connect */
        return error_set(e, ERROR_RETRY, "addresses of %s: %s", fetch->host, failed->why);
    }
    if (a.outcome == DNS_NO_NAME) {
        return error_set(e, ERROR_NOT_FOUND, "%s: no such name; the domain has no policy host",
                         fetch->host);
    }
    if (addresses.count == 0) {
        return error_set(e, ERROR_NOT_FOUND, "%s has no address; add A and AAAA records",
                         fetch->host);
    }
    CLEANUP(buffer_clear) struct buffer text = BUFFER(RESOLVE_MAX);
    buffer_printf(&text, "%s:443:", fetch->host);
    for (size_t i = 0; i < addresses.count; i++) {
        bool ipv6 = strchr(addresses.items[i], ':') != NULL;
        buffer_printf(&text, "%s%s%s%s", i == 0 ? "" : ",", ipv6 ? "[" : "", addresses.items[i],
                      ipv6 ? "]" : "");
    }
    fetch->resolve = buffer_take(&text);
    return true;
}

static bool explain_failure(const struct fetch *fetch, enum transfer_result result, struct error *e)
{
    static const struct {
        enum transfer_result result;
        enum error_code code;
        const char *advice;
    } rows[] = {
        {TRANSFER_NO_HOST, ERROR_NOT_FOUND, "the domain has no policy host in the DNS"},
        {TRANSFER_UNTRUSTED, ERROR_SYNTAX,
         "senders refuse the certificate: correct it, with its full chain"},
        {TRANSFER_NO_TLS, ERROR_SYNTAX,
         "senders need TLS 1.2 or newer, and a certificate for this name"},
        {TRANSFER_NO_TRUST_FILE, ERROR_SYNTAX, "name a readable file of CA certificates"},
        /* The URL is always https: it is HTTP/0.9, any text that is no HTTP, what is refused so. */
        {TRANSFER_WRONG_PROTOCOL, ERROR_SYNTAX, "the answer is not HTTP: correct the server"},
        {TRANSFER_WRONG_CODING, ERROR_SYNTAX, "serve it without a Content-Encoding"},
        {TRANSFER_LONG_HEAD, ERROR_SYNTAX, "correct the server"},
        {TRANSFER_WRONG_ANSWER, ERROR_SYNTAX, "the answer is not HTTP: correct the server"},
    };
    const char *what = transfer_why(fetch->transfer);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].result == result) {
            return error_set(e, rows[i].code, "%s: %s; %s", fetch->url, what, rows[i].advice);
        }
    }
    const char *refused = transfer_refused_address(fetch->transfer);
    if (refused != NULL) { /* and another of its addresses failed */
        return error_set(e, ERROR_RETRY, "%s: %s, and %s is not a public address; try again",
                         fetch->url, what, refused);
    }
    return error_set(e, ERROR_RETRY, "%s: %s; try again", fetch->url, what);
}

static bool refuse(const struct fetch *fetch, const struct policy_fetch_options *options,
                   struct error *e)
{
    const char *address = transfer_refused_address(fetch->transfer);
    return address_rule_refuse(address, options->rule_option, e) ||
           error_prefix(e, "%s: ", fetch->url);
}

/* RFC 8461 §3.3: 200 alone is success, redirects are not followed, the type is text/plain. */
static bool check_answer(const struct fetch *fetch, struct error *e)
{
    long status = transfer_status(fetch->transfer);
    const char *type = transfer_field(fetch->transfer, "Content-Type", 0);
    if (status == 404 || status == 410) {
        return error_set(e, ERROR_NOT_FOUND, "%s: status %ld; there is no policy: serve one there",
                         fetch->url, status);
    }
    if (status >= 300 && status <= 399) {
        return error_set(
            e, ERROR_SYNTAX,
            "%s: status %ld; senders follow no redirect (RFC 8461, section 3.3): serve "
            "the policy at this address itself",
            fetch->url, status);
    }
    if (status != 200) {
        return error_set(e, status >= 500 ? ERROR_RETRY : ERROR_SYNTAX,
                         "%s: status %ld; senders take nothing but 200: correct the server",
                         fetch->url, status);
    }
    if (!policy_text_is_plain(type)) {
        return error_set(e, ERROR_SYNTAX,
                         "%s: content type \"%s\"; senders ask for text/plain: correct the server",
                         fetch->url, dns_name_show(bytes_of(type != NULL ? type : "")).text);
    }
    return true;
}

static bool fetch_run(struct fetch *fetch, const struct policy_fetch_options *options, size_t max,
                      struct error *e)
{
    int64_t timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : POLICY_FETCH_MS;
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    if (options->resolver != NULL && options->connect_to == NULL &&
        !resolve_host(fetch, options->resolver, e)) {
        return false;
    }
    int64_t left_ms = until_ms - clock_monotonic_ms();
    fetch->transfer = transfer_new(&(struct transfer_request){
        .url = fetch->url,
        .protocols = "https",
        .timeout_ms = left_ms > 0 ? left_ms : 1, /* 0 is no end to libcurl */
        .abandon = options->abandon,
        .body_max = max,
        .connect_to = options->connect_to,
        .resolve = fetch->resolve,
        .trust = options->ca_file,
        .more_trust = options->more_ca_file,
        .rule = options->rule,
    });
    enum transfer_result result = transfer_run(fetch->transfer);
    if (result == TRANSFER_TOO_LONG) {
        /* A long page that says "not found" is above all not found. */
        return check_answer(fetch, e) &&
               error_set(e, ERROR_LIMIT,
                         "%s: more than %zu octets, which senders refuse (RFC 8461, section 3.3); "
                         "shorten the policy",
                         fetch->url, max);
    }
    if (result == TRANSFER_REFUSED) {
        return refuse(fetch, options, e);
    }
    if (result != TRANSFER_DONE) {
        return explain_failure(fetch, result, e);
    }
    return check_answer(fetch, e);
}

bool policy_fetch(struct bytes domain, const struct policy_fetch_options *options,
                  struct buffer *text, struct error *e)
{
    size_t room = text->max - text->n;
    CLEANUP(fetch_clear)
    struct fetch fetch = {.host = memory_printf(POLICY_HOST_PREFIX "%.*s", BYTES_ARG(domain))};
    fetch.url = memory_printf("https://%s/.well-known/mta-sts.txt", fetch.host);
    if (!fetch_run(&fetch, options, room < POLICY_BODY_MAX ? room : POLICY_BODY_MAX, e)) {
        return false;
    }
    buffer_add(text, buffer_bytes(transfer_body(fetch.transfer)));
    return true;
}
