#include "preflight.h"

#include <arpa/inet.h>
#include <stdio.h>

#include <curl/curl.h>

#include "acme/tls_probe.h"
#include "base/memory.h"
#include "dns/caa.h"
#include "dns/lookup.h"
#include "fetch/transfer.h"

enum { WHY_MAX = 900 };

/* --- The fetch of our own token (RFC 8555 §8.3), as a CA does it --- */

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

/* Which address URL's host has, as libcurl is told; NULL where it is an address itself. The caller
 * frees it. */
static bool resolve(const struct preflight *preflight, const char *url, const char *tested,
                    char **ret_entry, struct error *e)
{
    char *host = NULL;
    char *port = NULL;
    char address[DNS_ADDRESS_SIZE];
    CURLU *parts = curl_url();
    if (parts == NULL) {
        abort(); /* out of memory */
    }
    bool done = (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) ||
                error_set(e, ERROR_SYNTAX, "it redirects to something that is no URL");
    done = done && find_address(preflight, host, tested, address, e);
    if (done && address[0] != '\0') {
        bool ipv6 = strchr(address, ':') != NULL;
        *ret_entry =
            memory_printf("%s:%s:%s%s%s", host, port, ipv6 ? "[" : "", address, ipv6 ? "]" : "");
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return done;
}

/* CAs follow redirects to HTTPS without a look at the certificate, which may be what is to be got:
 * what proves the answer is the thumbprint in it. */
static struct transfer *begin(const struct preflight *preflight, const char *url,
                              const char *resolved)
{
    return transfer_new(&(struct transfer_request){
        .url = url,
        .protocols = "http,https",
        .agent = "mtasts-host/" MTASTS_VERSION " (self-test)",
        .timeout_ms = PREFLIGHT_FETCH_MS,
        .connect_ms = PREFLIGHT_CONNECT_MS,
        .body_max = PREFLIGHT_ANSWER_MAX,
        .unverified = true,
        .resolve = resolved,
        .abandon = preflight->abandon,
    });
}

/* Fetches *URL. True: the answer is WANT, or a redirect, and *URL is where it leads (NULL: WANT).
 */
static bool fetch_once(const struct preflight *preflight, const char *want, const char *tested,
                       char **url, struct error *e)
{
    CLEANUP_FREE char *resolved = NULL;
    if (!resolve(preflight, *url, tested, &resolved, e)) {
        return false;
    }
    CLEANUP(transfer_cleanup) struct transfer *transfer = begin(preflight, *url, resolved);
    enum transfer_result result = transfer_run(transfer);
    const char *next = transfer_redirect(transfer);
    if (next == NULL && result != TRANSFER_DONE && result != TRANSFER_TOO_LONG) {
        return error_set(e, ERROR_NOT_FOUND, "%s", transfer_why(transfer));
    }
    if (next == NULL && (result != TRANSFER_DONE ||
                         !bytes_equal(buffer_bytes(transfer_body(transfer)), bytes_of(want)))) {
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
