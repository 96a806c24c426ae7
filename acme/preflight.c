#include "preflight.h"

#include <inttypes.h>

#include <curl/curl.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "dns/caa.h"
#include "dns/lookup.h"

enum { WHY_MAX = 900 };

/* --- The fetch of our own token (RFC 8555 §8.3), as a CA does it --- */

struct probe {
    const struct preflight *preflight;
    CURL *curl;
    char *url;
    char *want;
    struct curl_slist *resolve;
    struct buffer body;
    char message[CURL_ERROR_SIZE];
};

static void probe_clear(struct probe *probe)
{
    curl_easy_cleanup(probe->curl);
    curl_slist_free_all(probe->resolve);
    buffer_clear(&probe->body);
    free(probe->url);
    free(probe->want);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t take_body(char *octets, size_t size, size_t n, void *context)
{
    struct probe *probe = context;
    buffer_add(&probe->body, (struct bytes){octets, size * n});
    return probe->body.overflow ? 0 : size * n;
}

static void require(CURLcode result)
{
    if (result != CURLE_OK) {
        abort(); /* out of memory, or a libcurl without what we build on */
    }
}

#define SET_OPTION(probe, option, value) require(curl_easy_setopt((probe)->curl, (option), (value)))

static void set_options(struct probe *probe, const char *address)
{
    bool ipv6 = strchr(address, ':') != NULL;
    CLEANUP_FREE char *resolve =
        memory_printf("%s:%" PRId64 ":%s%s%s", probe->preflight->host, probe->preflight->http_port,
                      ipv6 ? "[" : "", address, ipv6 ? "]" : "");
    probe->resolve = curl_slist_append(NULL, resolve);
    if (probe->resolve == NULL) {
        abort(); /* out of memory */
    }
    SET_OPTION(probe, CURLOPT_RESOLVE, probe->resolve);
    SET_OPTION(probe, CURLOPT_URL, probe->url);
    SET_OPTION(probe, CURLOPT_PROTOCOLS_STR, "http");
    SET_OPTION(probe, CURLOPT_FOLLOWLOCATION, 1L);
    SET_OPTION(probe, CURLOPT_MAXREDIRS, (long)PREFLIGHT_REDIRECTS_MAX);
    /* CAs follow redirects to HTTPS without a look at the certificate, which may be what is to be
     * got: what proves the answer is the thumbprint in it. */
    SET_OPTION(probe, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET_OPTION(probe, CURLOPT_SSL_VERIFYPEER, 0L);
    SET_OPTION(probe, CURLOPT_SSL_VERIFYHOST, 0L);
    SET_OPTION(probe, CURLOPT_PROXY, "");
    SET_OPTION(probe, CURLOPT_NOSIGNAL, 1L);
    SET_OPTION(probe, CURLOPT_TIMEOUT_MS, (long)PREFLIGHT_FETCH_MS);
    SET_OPTION(probe, CURLOPT_CONNECTTIMEOUT_MS, (long)PREFLIGHT_CONNECT_MS);
    SET_OPTION(probe, CURLOPT_USERAGENT, "mtasts-host/" MTASTS_VERSION " (self-test)");
    SET_OPTION(probe, CURLOPT_ERRORBUFFER, probe->message);
    SET_OPTION(probe, CURLOPT_WRITEFUNCTION, take_body);
    SET_OPTION(probe, CURLOPT_WRITEDATA, probe);
}

static bool fetch_token(const struct preflight *preflight, const char *address, struct error *e)
{
    CLEANUP(probe_clear)
    struct probe probe = {
        .preflight = preflight,
        .curl = curl_easy_init(),
        .url = memory_printf("http://%s:%" PRId64 "/.well-known/acme-challenge/%s", preflight->host,
                             preflight->http_port, preflight->token),
        .want = memory_printf("%s.%s", preflight->token, preflight->thumbprint),
        .body = BUFFER(PREFLIGHT_ANSWER_MAX),
    };
    if (probe.curl == NULL) {
        abort(); /* out of memory */
    }
    set_options(&probe, address);
    CURLcode result = curl_easy_perform(probe.curl);
    if (result == CURLE_OK && bytes_equal(buffer_bytes(&probe.body), bytes_of(probe.want))) {
        return true;
    }
    const char *what = "another server answers there";
    if (result != CURLE_OK && !probe.body.overflow) {
        what = probe.message[0] != '\0' ? probe.message : curl_easy_strerror(result);
    }
    return error_set(e, ERROR_NOT_FOUND,
                     "%s does not reach this server at %s, port %" PRId64
                     " (%s); point its DNS here, or remove that address",
                     preflight->host, address, preflight->http_port, what);
}

/* Any of a name's addresses may be the one that a CA asks. */
static bool fetch_everywhere(const struct preflight *preflight,
                             const struct dns_address_set *addresses, struct error *e)
{
    for (size_t i = 0; i < addresses->count; i++) {
        if (!fetch_token(preflight, addresses->items[i], e)) {
            return false;
        }
    }
    return true;
}

/* --- All of it --- */

static bool find_addresses(const struct preflight *preflight, struct dns_address_set *addresses,
                           struct error *e)
{
    if (!dns_lookup_addresses(preflight->resolver, bytes_of(preflight->host), addresses, e)) {
        return false;
    }
    return addresses->count != 0 ||
           error_set(e, ERROR_NOT_FOUND,
                     "%s has no address; point it here, by a CNAME or by A and AAAA records",
                     preflight->host);
}

static bool check_caa(const struct preflight *preflight, enum settings_challenge kind,
                      struct error *e)
{
    if (preflight->caa_issuer_count == 0) {
        return true;
    }
    CLEANUP(buffer_clear) struct buffer why = BUFFER(WHY_MAX);
    const struct dns_caa_request request = {
        .name = bytes_of(preflight->host),
        .issuers = preflight->caa_issuers,
        .issuer_count = preflight->caa_issuer_count,
        .account_uri = preflight->account_uri,
        .method = settings_challenge_name(kind),
    };
    bool allowed = false;
    if (!dns_caa_allows(preflight->resolver, &request, &allowed, &why, e)) {
        return false;
    }
    return allowed || error_set(e, ERROR_CONFLICT, "%.*s", BYTES_ARG(buffer_bytes(&why)));
}

static bool check_kind(const struct preflight *preflight, enum settings_challenge kind,
                       const struct dns_address_set *addresses, struct error *e)
{
    return check_caa(preflight, kind, e) &&
           (kind != CHALLENGE_HTTP_01 || preflight->http_port == 0 ||
            fetch_everywhere(preflight, addresses, e));
}

/* dns-01 needs a name, not a host that answers. */
static bool needs_address(const struct preflight *preflight)
{
    bool by_host = false;
    for (size_t i = 0; i < preflight->kind_count; i++) {
        by_host = by_host || preflight->kinds[i] != CHALLENGE_DNS_01;
    }
    return by_host && (preflight->dns || preflight->http_port != 0);
}

bool preflight_run(const struct preflight *preflight, enum settings_challenge *ret_kind,
                   struct error *e)
{
    CLEANUP(dns_address_set_clear) struct dns_address_set addresses = {0};
    struct error why[CHALLENGE_KINDS];
    if (needs_address(preflight) && !find_addresses(preflight, &addresses, e)) {
        return false;
    }
    for (size_t i = 0; i < preflight->kind_count; i++) {
        if (check_kind(preflight, preflight->kinds[i], &addresses, &why[i])) {
            *ret_kind = preflight->kinds[i];
            return true;
        }
    }
    *e = why[0];
    return false;
}
