#include "transfer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/fetch/address_rule.h"
#include "lib/fetch/transfer_parts.h"

/* A macro, as libcurl's own checks of the value's type only see a literal option. */
#define SET_OPTION(transfer, option, value)                                                        \
    transfer_require(curl_easy_setopt((transfer)->curl, (option), (value)) == CURLE_OK)

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t take_body(char *octets, size_t size, size_t n, void *context)
{
    struct transfer *transfer = context;
    struct buffer *body = &transfer->body;
    size_t room = body->max - body->n;
    struct bytes taken = {octets, size * n < room ? size * n : room};
    buffer_add(body, taken);
    body->overflow = taken.n < size * n;
    return body->overflow ? 0 : size * n; /* less than all: libcurl breaks off */
}

static bool head_is_long(const struct transfer *transfer)
{
    return transfer->head_octets > TRANSFER_HEAD_MAX;
}

/* Called for each line. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t take_head(char *octets, size_t size, size_t n, void *context)
{
    struct transfer *transfer = context;
    (void)octets; /* libcurl keeps them (transfer_field) */
    transfer->head_octets += size * n;
    return head_is_long(transfer) ? 0 : size * n;
}

/* Called once a second at least. */
static int on_progress(void *context, curl_off_t download, curl_off_t downloaded, curl_off_t upload,
                       curl_off_t uploaded)
{
    const struct transfer *transfer = context;
    (void)download;
    (void)downloaded;
    (void)upload;
    (void)uploaded;
    return atomic_load(transfer->abandon);
}

static CURLcode on_tls_context(CURL *curl, void *tls, void *context)
{
    struct transfer *transfer = context;
    (void)curl;
    transfer->tls_begun = true;
    if (transfer->more_trust != NULL &&
        X509_STORE_load_file(SSL_CTX_get_cert_store(tls), transfer->more_trust) != 1) {
        ERR_clear_error();
        return CURLE_SSL_CACERT_BADFILE;
    }
    if (transfer->tls_setup != NULL) {
        transfer->tls_setup(tls, transfer->tls_setup_context);
    }
    return CURLE_OK;
}

static struct curl_slist *list_of(const char *text)
{
    struct curl_slist *list = curl_slist_append(NULL, text);
    transfer_require(list != NULL);
    return list;
}

static void set_trust(struct transfer *transfer, const struct transfer_request *request)
{
    long newest = request->tls_max == TRANSFER_TLS_1_2 ? CURL_SSLVERSION_MAX_TLSv1_2
                                                       : CURL_SSLVERSION_MAX_DEFAULT;
    SET_OPTION(transfer, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2 | newest);
    SET_OPTION(transfer, CURLOPT_SSL_VERIFYPEER, request->unverified ? 0L : 1L);
    SET_OPTION(transfer, CURLOPT_SSL_VERIFYHOST, request->unverified ? 0L : 2L);
    if (request->trust != NULL) {
        SET_OPTION(transfer, CURLOPT_CAINFO, request->trust);
        SET_OPTION(transfer, CURLOPT_CAPATH, NULL); /* trust in the file alone */
    }
    SET_OPTION(transfer, CURLOPT_SSL_ENABLE_ALPN, request->no_alpn ? 0L : 1L);
    transfer->more_trust = request->more_trust;
    transfer->tls_setup = request->tls_setup;
    transfer->tls_setup_context = request->tls_setup_context;
    if (request->tls_setup != NULL || request->more_trust != NULL) {
        SET_OPTION(transfer, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
        SET_OPTION(transfer, CURLOPT_SSL_CTX_DATA, transfer);
        /* Each is to show its certificate. */
        SET_OPTION(transfer, CURLOPT_SSL_SESSIONID_CACHE, 0L);
        SET_OPTION(transfer, CURLOPT_FRESH_CONNECT, 1L);
    }
}

static void note_refused(struct transfer *transfer, const struct sockaddr *address)
{
    const void *octets = address->sa_family == AF_INET
                             ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
                             : (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr;
    if (transfer->refused[0] == '\0' && inet_ntop(address->sa_family, octets, transfer->refused,
                                                  sizeof(transfer->refused)) == NULL) {
        (void)snprintf(transfer->refused, sizeof(transfer->refused), "no Internet address");
    }
}

/* The last place before a connection, and the one that no name, redirect or way of writing an
 * address goes around. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;
    (void)purpose;
    if (!address_rule_allows(transfer->rule, &address->addr)) {
        note_refused(transfer, &address->addr);
        return CURL_SOCKET_BAD; /* libcurl goes on to the next address */
    }
    transfer->opened = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_rule(struct transfer *transfer, const struct transfer_request *request)
{
    assert(request->rule == NULL || !request->by_proxy);
    transfer->rule = request->rule;
    if (request->rule != NULL) {
        SET_OPTION(transfer, CURLOPT_OPENSOCKETFUNCTION, open_socket);
        SET_OPTION(transfer, CURLOPT_OPENSOCKETDATA, transfer);
        SET_OPTION(transfer, CURLOPT_FRESH_CONNECT, 1L);
        SET_OPTION(transfer, CURLOPT_FORBID_REUSE, 1L);
    }
}

static void set_place(struct transfer *transfer, const struct transfer_request *request)
{
    if (!request->by_proxy) {
        SET_OPTION(transfer, CURLOPT_PROXY, "");
    }
    if (request->connect_to != NULL) {
        CLEANUP_FREE char *text = memory_printf("::%s", request->connect_to);
        transfer->connect_to = list_of(text);
        SET_OPTION(transfer, CURLOPT_CONNECT_TO, transfer->connect_to);
    }
    if (request->resolve != NULL) {
        transfer->resolve = list_of(request->resolve);
        SET_OPTION(transfer, CURLOPT_RESOLVE, transfer->resolve);
    }
}

static void set_method(struct transfer *transfer, const struct transfer_request *request)
{
    if (request->head) {
        SET_OPTION(transfer, CURLOPT_NOBODY, 1L);
    } else if (request->post.p != NULL) {
        SET_OPTION(transfer, CURLOPT_POST, 1L);
        SET_OPTION(transfer, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->post.n);
        SET_OPTION(transfer, CURLOPT_COPYPOSTFIELDS, request->post.p);
    }
    if (request->header != NULL) {
        transfer->fields = list_of(request->header);
        SET_OPTION(transfer, CURLOPT_HTTPHEADER, transfer->fields);
    }
    SET_OPTION(transfer, CURLOPT_CONNECT_ONLY, request->connect_only ? 1L : 0L);
    if (request->starttls) {
        SET_OPTION(transfer, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    }
}

static void set_bounds(struct transfer *transfer, const struct transfer_request *request)
{
    int64_t connect_ms = request->connect_ms != 0 ? request->connect_ms : request->timeout_ms;
    SET_OPTION(transfer, CURLOPT_FOLLOWLOCATION, 0L);
    SET_OPTION(transfer, CURLOPT_NOSIGNAL, 1L);
    SET_OPTION(transfer, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    SET_OPTION(transfer, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    SET_OPTION(transfer, CURLOPT_WRITEFUNCTION, take_body);
    SET_OPTION(transfer, CURLOPT_WRITEDATA, transfer);
    SET_OPTION(transfer, CURLOPT_HEADERFUNCTION, take_head);
    SET_OPTION(transfer, CURLOPT_HEADERDATA, transfer);
    if (request->abandon != NULL) {
        transfer->abandon = request->abandon;
        SET_OPTION(transfer, CURLOPT_XFERINFOFUNCTION, on_progress);
        SET_OPTION(transfer, CURLOPT_XFERINFODATA, transfer);
        SET_OPTION(transfer, CURLOPT_NOPROGRESS, 0L);
    }
}

struct transfer *transfer_new(const struct transfer_request *request)
{
    struct transfer *transfer = memory_zero(1, sizeof(*transfer));
    transfer->curl = curl_easy_init();
    transfer_require(transfer->curl != NULL);
    transfer->body = BUFFER(request->body_max);
    SET_OPTION(transfer, CURLOPT_URL, request->url);
    SET_OPTION(transfer, CURLOPT_PROTOCOLS_STR, request->protocols);
    SET_OPTION(transfer, CURLOPT_USERAGENT,
               request->agent != NULL ? request->agent : "mtasts-host/" MTASTS_VERSION);
    /* Without the field any coding would be acceptable (RFC 9110 §12.5.3). libcurl decodes what
     * comes in one nevertheless, and take_body bounds what comes out of it. */
    SET_OPTION(transfer, CURLOPT_ACCEPT_ENCODING, "identity");
    SET_OPTION(transfer, CURLOPT_ERRORBUFFER, transfer->message);
    SET_OPTION(transfer, CURLOPT_PRIVATE, transfer);
    set_bounds(transfer, request);
    set_place(transfer, request);
    set_rule(transfer, request);
    set_trust(transfer, request);
    set_method(transfer, request);
    return transfer;
}

void transfer_free(struct transfer *transfer)
{
    if (transfer == NULL) {
        return;
    }
    curl_easy_cleanup(transfer->curl);
    curl_slist_free_all(transfer->fields);
    curl_slist_free_all(transfer->resolve);
    curl_slist_free_all(transfer->connect_to);
    buffer_clear(&transfer->body);
    free(transfer);
}

enum transfer_result transfer_end(struct transfer *transfer, CURLcode code)
{
    static const struct {
        CURLcode code;
        enum transfer_result result;
    } rows[] = {
        {CURLE_OK, TRANSFER_DONE},
        {CURLE_COULDNT_RESOLVE_HOST, TRANSFER_NO_HOST},
        {CURLE_COULDNT_CONNECT, TRANSFER_NO_CONNECTION},
        {CURLE_OPERATION_TIMEDOUT, TRANSFER_TIMED_OUT},
        {CURLE_SSL_CONNECT_ERROR, TRANSFER_NO_TLS},
        {CURLE_USE_SSL_FAILED, TRANSFER_NO_STARTTLS},
        {CURLE_PEER_FAILED_VERIFICATION, TRANSFER_UNTRUSTED},
        {CURLE_SSL_CACERT_BADFILE, TRANSFER_NO_TRUST_FILE},
        {CURLE_UNSUPPORTED_PROTOCOL, TRANSFER_WRONG_PROTOCOL},
        {CURLE_WEIRD_SERVER_REPLY, TRANSFER_WRONG_ANSWER},
        {CURLE_BAD_CONTENT_ENCODING, TRANSFER_WRONG_CODING},
    };
    transfer->code = code;
    if (transfer->body.overflow) {
        return TRANSFER_TOO_LONG;
    }
    if (head_is_long(transfer)) {
        return TRANSFER_LONG_HEAD;
    }
    if (code != CURLE_OK && transfer->refused[0] != '\0' && !transfer->opened) {
        return TRANSFER_REFUSED;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].code == code) {
            return rows[i].result;
        }
    }
    return TRANSFER_BROKEN;
}

enum transfer_result transfer_run(struct transfer *transfer)
{
    return transfer_end(transfer, curl_easy_perform(transfer->curl));
}

const char *transfer_why(const struct transfer *transfer)
{
    if (transfer->body.overflow) {
        return "the answer is too long";
    }
    if (head_is_long(transfer)) {
        return "the answer's header fields are too long";
    }
    return transfer->message[0] != '\0' ? transfer->message : curl_easy_strerror(transfer->code);
}

bool transfer_is_connected(const struct transfer *transfer)
{
    curl_off_t connected_us = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_CONNECT_TIME_T, &connected_us);
    return connected_us != 0 || transfer->tls_begun; /* the time is set when TLS is up, too */
}

const char *transfer_refused_address(const struct transfer *transfer)
{
    return transfer->refused[0] != '\0' ? transfer->refused : NULL;
}

int64_t transfer_time_ms(const struct transfer *transfer)
{
    enum { US_PER_MS = 1000 };
    curl_off_t total_us = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_TOTAL_TIME_T, &total_us);
    return total_us / US_PER_MS;
}

long transfer_status(const struct transfer *transfer)
{
    long status = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

const struct buffer *transfer_body(const struct transfer *transfer)
{
    return &transfer->body;
}

const char *transfer_field(const struct transfer *transfer, const char *name, size_t i)
{
    struct curl_header *found = NULL;
    return curl_easy_header(transfer->curl, name, i, CURLH_HEADER, -1, &found) == CURLHE_OK
               ? found->value
               : NULL;
}

const char *transfer_redirect(const struct transfer *transfer)
{
    const char *url = NULL;
    curl_easy_getinfo(transfer->curl, CURLINFO_REDIRECT_URL, &url);
    return url;
}
