/* A URL's host as libcurl reads it: what the C library would take for an address, and connect to
 * without asking the DNS, is no name to us. What is one is judged the same as text and as whoever
 * connects has it, and loopback and link-local ones are never allowed. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "lib/base/memory.h"
#include "lib/fetch/address_rule.h"
#include "lib/fetch/url_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool is_inside(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        uint32_t four = ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
        return four >> 24 == 127 || four >> 24 == 0 || four >> 16 == 0xa9fe;
    }
    const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(six) || IN6_IS_ADDR_LINKLOCAL(six) ||
           IN6_IS_ADDR_UNSPECIFIED(six) || IN6_IS_ADDR_MULTICAST(six) || IN6_IS_ADDR_V4COMPAT(six);
}

static void check_address(const struct sockaddr *address)
{
    static struct address_rule *rule;
    if (rule == NULL) {
        rule = address_rule_new(NULL, 0, false);
    }
    char text[INET6_ADDRSTRLEN];
    const void *octets =
        address->sa_family == AF_INET
            ? (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr
            : (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    require(inet_ntop(address->sa_family, octets, text, sizeof(text)) != NULL);
    require(address_rule_allows(rule, address) == address_rule_allows_text(rule, text));
    require(!is_inside(address) || !address_rule_allows(rule, address));
}

static void check_host(const char *host)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct bytes name = bytes_of(host);
    bool bracketed = name.n > 2 && host[0] == '[' && host[name.n - 1] == ']';
    CLEANUP_FREE char *bare =
        bracketed ? memory_string_of((struct bytes){host + 1, name.n - 2}) : memory_string(host);
    if (getaddrinfo(bare, NULL, &hints, &found) == 0) {
        require(url_host_is_numeric(name));
        check_address(found->ai_addr);
        freeaddrinfo(found);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *host = NULL;
    CURLU *parts = curl_url();
    require(parts != NULL);
    CLEANUP_FREE char *written = memory_string_of((struct bytes){(const char *)data, size});
    CLEANUP_FREE char *url = memory_printf("http://%s/", written);
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        check_host(host);
    }
    curl_free(host);
    curl_url_cleanup(parts);
    return 0;
}
