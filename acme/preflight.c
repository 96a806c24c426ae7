#include "preflight.h"

#include <arpa/inet.h>
#include <stdio.h>

#include <curl/curl.h>

#include "acme/tls_probe.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "dns/caa.h"
#include "dns/lookup.h"

enum { WHY_MAX = 900 };

/* --- The fetch of our own token (RFC 8555 §8.3), as a CA does it --- */

/* One request; a redirect makes another. */
struct probe {
    CURL *curl;
    struct curl_slist *resolve;
    struct buffer body;
    char message[CURL_ERROR_SIZE];
};

static void probe_clear(struct probe *probe)
{
    curl_easy_cleanup(probe->curl);
    curl_slist_free_all(probe->resolve);
    buffer_clear(&probe->body);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t take_body(char *octets, size_t size, size_t n, void *context)
{
    struct probe *probe = context;
    buffer_add(&probe->body, (struct bytes){octets, size * n});
    return probe->body.overflow ? 0 : size * n;
}

static void require(bool done)
{
    if (!done) {
        abort(); /* out of memory, or a libcurl without what we build on */
    }
}

#define SET_OPTION(probe, option, value)                                                           \
    require(curl_easy_setopt((probe)->curl, (option), (value)) == CURLE_OK)

/* Called once a second at least. */
static int on_progress(void *context, curl_off_t download, curl_off_t downloaded, curl_off_t upload,
                       curl_off_t uploaded)
{
    const struct preflight *preflight = context;
    (void)download;
    (void)downloaded;
    (void)upload;
    (void)uploaded;
    return atomic_load(preflight->abandon);
}

static void set_options(struct probe *probe, const struct preflight *preflight, const char *url)
{
    SET_OPTION(probe, CURLOPT_XFERINFOFUNCTION, on_progress);
    SET_OPTION(probe, CURLOPT_XFERINFODATA, preflight);
    SET_OPTION(probe, CURLOPT_NOPROGRESS, 0L);
    SET_OPTION(probe, CURLOPT_URL, url);
    SET_OPTION(probe, CURLOPT_PROTOCOLS_STR, "http,https");
    SET_OPTION(probe, CURLOPT_FOLLOWLOCATION, 0L);
    /* CAs follow redirects to HTTPS without a look at the certificate, which may be what is to be
     * got: what proves the answer is the thumbprint in it. */
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

/* The address of HOST that is to be asked: the one under test, or wherever a redirect leads; empty
 * where HOST is an address itself. */
static bool find_address(const struct preflight *preflight, const char *host, const char *tested,
                         char ret_address[DNS_ADDRESS_SIZE], struct error *e)
{
    CLEANUP(dns_address_set_clear) struct dns_address_set addresses = {0};
    unsigned char number[sizeof(struct in6_addr)];
    const char *address = tested;
    if (inet_pton(AF_INET, host, number) == 1 || host[0] == '[') {
        address = "";
    } else if (strcmp(host, preflight->host) != 0) {
        if (!dns_lookup_addresses(preflight->resolver, bytes_of(host), &addresses, e)) {
            return false;
        }
        if (addresses.count == 0) {
            return error_set(e, ERROR_NOT_FOUND, "%s has no address", host);
        }
        address = addresses.items[0];
    }
    (void)snprintf(ret_address, DNS_ADDRESS_SIZE, "%s", address);
    return true;
}

/* Tells libcurl which address URL's host has. */
static bool resolve(struct probe *probe, const struct preflight *preflight, const char *url,
                    const char *tested, struct error *e)
{
    char *host = NULL;
    char *port = NULL;
    char address[DNS_ADDRESS_SIZE];
    CURLU *parts = curl_url();
    require(parts != NULL);
    bool done = (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) ||
                error_set(e, ERROR_SYNTAX, "it redirects to something that is no URL");
    done = done && find_address(preflight, host, tested, address, e);
    if (done && address[0] != '\0') {
        bool ipv6 = strchr(address, ':') != NULL;
        CLEANUP_FREE char *entry =
            memory_printf("%s:%s:%s%s%s", host, port, ipv6 ? "[" : "", address, ipv6 ? "]" : "");
        probe->resolve = curl_slist_append(NULL, entry);
        require(probe->resolve != NULL);
        SET_OPTION(probe, CURLOPT_RESOLVE, probe->resolve);
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return done;
}

/* Fetches *URL. True: the answer is WANT, or a redirect, and *URL is where it leads (NULL: WANT).
 */
static bool fetch_once(const struct preflight *preflight, const char *want, const char *tested,
                       char **url, struct error *e)
{
    CLEANUP(probe_clear)
    struct probe probe = {.curl = curl_easy_init(), .body = BUFFER(PREFLIGHT_ANSWER_MAX)};
    require(probe.curl != NULL);
    set_options(&probe, preflight, *url);
    if (!resolve(&probe, preflight, *url, tested, e)) {
        return false;
    }
    CURLcode result = curl_easy_perform(probe.curl);
    const char *next = NULL;
    curl_easy_getinfo(probe.curl, CURLINFO_REDIRECT_URL, &next);
    if (next == NULL && result != CURLE_OK && !probe.body.overflow) {
        return error_set(e, ERROR_NOT_FOUND, "%s",
                         probe.message[0] != '\0' ? probe.message : curl_easy_strerror(result));
    }
    if (next == NULL && !bytes_equal(buffer_bytes(&probe.body), bytes_of(want))) {
        return error_set(e, ERROR_NOT_FOUND, "another server answers there");
    }
    free(*url);
    *url = memory_string_or_null(next);
    return true;
}

static bool fetch_token(const struct preflight *preflight, const char *address, struct error *e)
{
    struct error why;
    CLEANUP_FREE char *want = memory_printf("%s.%s", preflight->token, preflight->thumbprint);
    CLEANUP_FREE char *url = memory_printf("http://%s:%d/.well-known/acme-challenge/%s",
                                           preflight->host, preflight->http_port, preflight->token);
    bool good = true;
    for (int i = 0; i <= PREFLIGHT_REDIRECTS_MAX && good && url != NULL; i++) {
        good = fetch_once(preflight, want, address, &url, &why);
    }
    if (good && url != NULL) {
        good = error_set(&why, ERROR_LIMIT, "too many redirects");
    }
    return good || error_set(e, ERROR_NOT_FOUND, "%s", why.text);
}

/* --- At every address: any of them may be the one that a CA asks --- */

static bool look_at(const struct preflight *preflight, const char *address, struct error *e)
{
    const struct tls_probe probe = {
        .address = address,
        .port = preflight->https_port,
        .host = preflight->host,
        .want = preflight->pair,
        .timeout_ms = PREFLIGHT_CONNECT_MS,
        .abandon = preflight->abandon,
    };
    struct error why;
    bool by_tls = preflight->kind == CHALLENGE_TLS_ALPN_01;
    if (by_tls ? tls_probe(&probe, &why) : fetch_token(preflight, address, &why)) {
        return true;
    }
    return error_set(e, ERROR_NOT_FOUND,
                     "%s does not reach this server at %s, port %d (%s); point its DNS here, or "
                     "remove that address",
                     preflight->host, address,
                     by_tls ? preflight->https_port : preflight->http_port, why.text);
}

static bool look_everywhere(const struct preflight *preflight,
                            const struct dns_address_set *addresses, struct error *e)
{
    for (size_t i = 0; i < addresses->count && !atomic_load(preflight->abandon); i++) {
        if (!look_at(preflight, addresses->items[i], e)) {
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

static bool check_caa(const struct preflight *preflight, struct error *e)
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
        .method = settings_challenge_name(preflight->kind),
    };
    bool allowed = false;
    if (!dns_caa_allows(preflight->resolver, &request, &allowed, &why, e)) {
        return false;
    }
    return allowed || error_set(e, ERROR_CONFLICT, "%.*s", BYTES_ARG(buffer_bytes(&why)));
}

/* dns-01 needs a name, not a host that answers. */
static bool check_host(const struct preflight *preflight, struct error *e)
{
    CLEANUP(dns_address_set_clear) struct dns_address_set addresses = {0};
    bool looks = (preflight->kind == CHALLENGE_HTTP_01 && preflight->http_port != 0) ||
                 (preflight->kind == CHALLENGE_TLS_ALPN_01 && preflight->https_port != 0);
    if (preflight->kind == CHALLENGE_DNS_01 || (!preflight->dns && !looks)) {
        return true;
    }
    return find_addresses(preflight, &addresses, e) &&
           (!looks || look_everywhere(preflight, &addresses, e));
}

bool preflight_run(const struct preflight *preflight, struct error *e)
{
    return check_host(preflight, e) && check_caa(preflight, e);
}
