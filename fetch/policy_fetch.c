#include "policy_fetch.h"

#include <string.h>

#include <curl/curl.h>

#include "base/memory.h"
#include "dns/lookup.h"
#include "policies/policy.h"

/* A host's name and as many addresses as one look-up gives, with their brackets and commas. */
enum { RESOLVE_MAX = DNS_NAME_MAX + 2 * DNS_RECORDS_MAX * (DNS_ADDRESS_SIZE + 3) };

struct fetch {
    CURL *curl;
    char *host;
    char *url;
    struct curl_slist *resolve;
    struct curl_slist *connect_to;
    struct buffer body;
    char message[CURL_ERROR_SIZE];
};

static void fetch_clear(struct fetch *fetch)
{
    curl_easy_cleanup(fetch->curl);
    curl_slist_free_all(fetch->resolve);
    curl_slist_free_all(fetch->connect_to);
    buffer_clear(&fetch->body);
    free(fetch->host);
    free(fetch->url);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t take_body(char *octets, size_t size, size_t n, void *context)
{
    struct fetch *fetch = context;
    buffer_add(&fetch->body, (struct bytes){octets, size * n});
    return fetch->body.overflow ? 0 : size * n; /* less than all: libcurl breaks off */
}

/* Options only fail where memory is out, or where this libcurl lacks what we build on. */
static void require(CURLcode result)
{
    if (result != CURLE_OK) {
        abort();
    }
}

/* A macro, as libcurl's own checks of the value's type only see a literal option. */
#define SET_OPTION(fetch, option, value) require(curl_easy_setopt((fetch)->curl, (option), (value)))

static struct curl_slist *list_of(const char *text)
{
    struct curl_slist *list = curl_slist_append(NULL, text);
    if (list == NULL) {
        abort(); /* out of memory */
    }
    return list;
}

/* Gives libcurl the addresses that our resolver knows. */
static bool resolve_host(struct fetch *fetch, const struct dns_resolver *resolver, struct error *e)
{
    CLEANUP(dns_address_set_clear) struct dns_address_set addresses = {0};
    if (!dns_lookup_addresses(resolver, bytes_of(fetch->host), &addresses, e)) {
        return false;
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
    fetch->resolve = list_of(text.p);
    SET_OPTION(fetch, CURLOPT_RESOLVE, fetch->resolve);
    return true;
}

static void set_trust(struct fetch *fetch, const char *ca_file)
{
    SET_OPTION(fetch, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET_OPTION(fetch, CURLOPT_SSL_VERIFYPEER, 1L);
    SET_OPTION(fetch, CURLOPT_SSL_VERIFYHOST, 2L);
    if (ca_file != NULL) {
        SET_OPTION(fetch, CURLOPT_CAINFO, ca_file);
        SET_OPTION(fetch, CURLOPT_CAPATH, NULL); /* trust in the file alone */
    }
}

static void set_options(struct fetch *fetch, const struct policy_fetch_options *options)
{
    int64_t timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : POLICY_FETCH_MS;
    SET_OPTION(fetch, CURLOPT_URL, fetch->url);
    SET_OPTION(fetch, CURLOPT_PROTOCOLS_STR, "https");
    SET_OPTION(fetch, CURLOPT_FOLLOWLOCATION, 0L);
    set_trust(fetch, options->ca_file);
    SET_OPTION(fetch, CURLOPT_PROXY, ""); /* senders do not use ours */
    SET_OPTION(fetch, CURLOPT_NOSIGNAL, 1L);
    SET_OPTION(fetch, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    SET_OPTION(fetch, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
    SET_OPTION(fetch, CURLOPT_USERAGENT, "mtasts-host/" MTASTS_VERSION);
    SET_OPTION(fetch, CURLOPT_ERRORBUFFER, fetch->message);
    SET_OPTION(fetch, CURLOPT_WRITEFUNCTION, take_body);
    SET_OPTION(fetch, CURLOPT_WRITEDATA, fetch);
    if (options->connect_to != NULL) {
        CLEANUP_FREE char *text = memory_printf("::%s", options->connect_to);
        fetch->connect_to = list_of(text);
        SET_OPTION(fetch, CURLOPT_CONNECT_TO, fetch->connect_to);
    }
}

static bool explain_failure(const struct fetch *fetch, CURLcode result, struct error *e)
{
    static const struct {
        CURLcode result;
        enum error_code code;
        const char *advice;
    } rows[] = {
        {CURLE_COULDNT_RESOLVE_HOST, ERROR_NOT_FOUND, "the domain has no policy host in the DNS"},
        {CURLE_PEER_FAILED_VERIFICATION, ERROR_SYNTAX,
         "senders refuse the certificate: correct it, with its full chain"},
        {CURLE_SSL_CONNECT_ERROR, ERROR_SYNTAX,
         "senders need TLS 1.2 or newer, and a certificate for this name"},
        {CURLE_SSL_CACERT_BADFILE, ERROR_SYNTAX, "name a readable file of CA certificates"},
        {CURLE_UNSUPPORTED_PROTOCOL, ERROR_SYNTAX, "serve it over HTTPS"},
        {CURLE_WEIRD_SERVER_REPLY, ERROR_SYNTAX, "the answer is not HTTP: correct the server"},
        {CURLE_OUT_OF_MEMORY, ERROR_SYSTEM, "free some memory"},
    };
    const char *what = fetch->message[0] != '\0' ? fetch->message : curl_easy_strerror(result);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].result == result) {
            return error_set(e, rows[i].code, "%s: %s; %s", fetch->url, what, rows[i].advice);
        }
    }
    return error_set(e, ERROR_RETRY, "%s: %s; try again", fetch->url, what);
}

static bool is_plain_text(const char *type)
{
    static const char want[] = "text/plain";
    if (type == NULL || strncasecmp(type, want, strlen(want)) != 0) {
        return false;
    }
    const char *rest = type + strlen(want);
    return strchr("; \t", *rest) != NULL; /* its end counts: strchr finds the NUL */
}

/* RFC 8461 §3.3: 200 alone is success, redirects are not followed, the type is text/plain. */
static bool check_answer(const struct fetch *fetch, struct error *e)
{
    long status = 0;
    const char *type = NULL;
    curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(fetch->curl, CURLINFO_CONTENT_TYPE, &type);
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
    if (!is_plain_text(type)) {
        return error_set(e, ERROR_SYNTAX,
                         "%s: content type \"%s\"; senders ask for text/plain: correct the server",
                         fetch->url, dns_name_show(bytes_of(type != NULL ? type : "")).text);
    }
    return true;
}

static bool fetch_run(struct fetch *fetch, const struct policy_fetch_options *options,
                      struct error *e)
{
    set_options(fetch, options);
    if (options->resolver != NULL && options->connect_to == NULL &&
        !resolve_host(fetch, options->resolver, e)) {
        return false;
    }
    CURLcode result = curl_easy_perform(fetch->curl);
    if (fetch->body.overflow) {
        /* A long page that says "not found" is above all not found. */
        return check_answer(fetch, e) &&
               error_set(e, ERROR_LIMIT,
                         "%s: more than %zu octets, which senders refuse (RFC 8461, section 3.3); "
                         "shorten the policy",
                         fetch->url, fetch->body.max);
    }
    if (result != CURLE_OK) {
        return explain_failure(fetch, result, e);
    }
    return check_answer(fetch, e);
}

bool policy_fetch(struct bytes domain, const struct policy_fetch_options *options,
                  struct buffer *text, struct error *e)
{
    size_t room = text->max - text->n;
    CLEANUP(fetch_clear)
    struct fetch fetch = {
        .curl = curl_easy_init(),
        .host = memory_printf(POLICY_HOST_PREFIX "%.*s", BYTES_ARG(domain)),
        .body = BUFFER(room < POLICY_BODY_MAX ? room : POLICY_BODY_MAX),
    };
    if (fetch.curl == NULL) {
        abort(); /* out of memory */
    }
    fetch.url = memory_printf("https://%s/.well-known/mta-sts.txt", fetch.host);
    if (!fetch_run(&fetch, options, e)) {
        return false;
    }
    buffer_add(text, buffer_bytes(&fetch.body));
    return true;
}
