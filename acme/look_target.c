#include "look_target.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "lib/base/bytes.h"
#include "lib/fetch/url_host.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443, SHOWN_MAX = 200 };

/* libcurl's own texts, freed with curl_free. */
struct parts {
    char *scheme;
    char *host;
    char *port;
};

static void parts_clear(struct parts *parts)
{
    curl_free(parts->scheme);
    curl_free(parts->host);
    curl_free(parts->port);
}

static bool take_apart(const char *url, struct parts *ret_parts)
{
    CURLU *handle = curl_url();
    if (handle == NULL) {
        abort(); /* out of memory */
    }
    bool done =
        curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_SCHEME, &ret_parts->scheme, 0) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_HOST, &ret_parts->host, 0) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_PORT, &ret_parts->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    curl_url_cleanup(handle);
    return done;
}

static bool is_http(const char *scheme)
{
    return strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0;
}

static bool may_ask(long port, const int own_ports[2])
{
    return port == HTTP_PORT || port == HTTPS_PORT ||
           (port != 0 && (port == own_ports[0] || port == own_ports[1]));
}

static bool judge(const struct parts *parts, const char *url, const int own_ports[2],
                  struct error *e)
{
    if (!is_http(parts->scheme)) {
        return error_set(e, ERROR_SYNTAX, "it redirects to %.*s, which is no HTTP", SHOWN_MAX, url);
    }
    if (url_host_is_numeric(bytes_of(parts->host))) {
        return error_set(e, ERROR_SYNTAX,
                         "it redirects to %.*s: an address, where a name must stand", SHOWN_MAX,
                         url);
    }
    if (!may_ask(strtol(parts->port, NULL, 10), own_ports)) {
        return error_set(e, ERROR_SYNTAX,
                         "it redirects to %.*s: CAs follow to ports 80 and 443 alone", SHOWN_MAX,
                         url);
    }
    return true;
}

/* As names are compared and looked up: lower case, without the dot at the end. */
static char *plain_host(const char *host)
{
    char *text = memory_string(host);
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
    }
    if (n > 1 && text[n - 1] == '.') {
        text[n - 1] = '\0';
    }
    return text;
}

bool look_target_parse(const char *url, const int own_ports[2], struct look_target *ret_target,
                       struct error *e)
{
    CLEANUP(parts_clear) struct parts parts = {0};
    if (strlen(url) > LOOK_URL_MAX) {
        return error_set(e, ERROR_LIMIT, "it redirects to a URL of over %d octets", LOOK_URL_MAX);
    }
    if (!take_apart(url, &parts)) {
        return error_set(e, ERROR_SYNTAX, "it redirects to something that is no URL");
    }
    if (!judge(&parts, url, own_ports, e)) {
        return false;
    }
    *ret_target = (struct look_target){
        .url = memory_string(url),
        .host = plain_host(parts.host),
        .port = (int)strtol(parts.port, NULL, 10),
    };
    return true;
}

void look_target_clear(struct look_target *target)
{
    free(target->url);
    free(target->host);
    *target = (struct look_target){0};
}
