#include "transport.h"

#include <curl/curl.h>

#include "base/buffer.h"
#include "base/memory.h"

struct call {
    struct transport *transport;
    struct call *next;
    struct call *previous;
    CURL *curl;
    char *url;
    struct curl_slist *fields;
    struct buffer body;
    char message[CURL_ERROR_SIZE];
    transport_done done;
    void *context;
};

struct transport {
    CURLM *multi;
    char *agent;
    struct call *calls;
};

/* Options only fail where memory is out, or where this libcurl lacks what we build on. */
static void require(int result)
{
    if (result != 0) {
        abort();
    }
}

/* A macro, as libcurl's own checks of the value's type only see a literal option. */
#define SET_OPTION(call, option, value)                                                            \
    require((int)curl_easy_setopt((call)->curl, (option), (value)))

struct transport *transport_new(const char *agent)
{
    struct transport *transport = memory_zero(1, sizeof(*transport));
    transport->multi = curl_multi_init();
    require(transport->multi == NULL);
    require((int)curl_multi_setopt(transport->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                                   (long)TRANSPORT_CONNECTIONS));
    require((int)curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS,
                                   (long)TRANSPORT_CONNECTIONS));
    transport->agent = memory_string(agent);
    return transport;
}

static void call_free(struct call *call)
{
    struct transport *transport = call->transport;
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        transport->calls = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    (void)curl_multi_remove_handle(transport->multi, call->curl);
    curl_easy_cleanup(call->curl);
    curl_slist_free_all(call->fields);
    buffer_clear(&call->body);
    free(call->url);
    free(call);
}

void transport_free(struct transport *transport)
{
    if (transport == NULL) {
        return;
    }
    while (transport->calls != NULL) {
        call_free(transport->calls);
    }
    (void)curl_multi_cleanup(transport->multi);
    free(transport->agent);
    free(transport);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t take_body(char *octets, size_t size, size_t n, void *context)
{
    struct call *call = context;
    buffer_add(&call->body, (struct bytes){octets, size * n});
    return call->body.overflow ? 0 : size * n; /* less than all: libcurl breaks off */
}

static void set_method(struct call *call, const struct transport_request *request)
{
    if (request->head) {
        SET_OPTION(call, CURLOPT_NOBODY, 1L);
    } else if (request->body.p != NULL) {
        SET_OPTION(call, CURLOPT_POST, 1L);
        SET_OPTION(call, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        SET_OPTION(call, CURLOPT_COPYPOSTFIELDS, request->body.p);
        call->fields = curl_slist_append(NULL, "Content-Type: application/jose+json");
        require(call->fields == NULL);
        SET_OPTION(call, CURLOPT_HTTPHEADER, call->fields);
    }
}

static void set_options(struct call *call, const struct transport_request *request)
{
    SET_OPTION(call, CURLOPT_URL, request->url);
    SET_OPTION(call, CURLOPT_PROTOCOLS_STR, "https");
    SET_OPTION(call, CURLOPT_FOLLOWLOCATION, 0L);
    SET_OPTION(call, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET_OPTION(call, CURLOPT_SSL_VERIFYPEER, 1L);
    SET_OPTION(call, CURLOPT_SSL_VERIFYHOST, 2L);
    if (request->trust != NULL) {
        SET_OPTION(call, CURLOPT_CAINFO, request->trust);
        SET_OPTION(call, CURLOPT_CAPATH, NULL); /* trust in the file alone */
    }
    SET_OPTION(call, CURLOPT_NOSIGNAL, 1L);
    SET_OPTION(call, CURLOPT_TIMEOUT_MS, (long)TRANSPORT_TIMEOUT_MS);
    SET_OPTION(call, CURLOPT_CONNECTTIMEOUT_MS, (long)TRANSPORT_CONNECT_MS);
    SET_OPTION(call, CURLOPT_USERAGENT, call->transport->agent);
    SET_OPTION(call, CURLOPT_ERRORBUFFER, call->message);
    SET_OPTION(call, CURLOPT_WRITEFUNCTION, take_body);
    SET_OPTION(call, CURLOPT_WRITEDATA, call);
    SET_OPTION(call, CURLOPT_PRIVATE, call);
    set_method(call, request);
}

void transport_send(struct transport *transport, const struct transport_request *request,
                    transport_done done, void *context)
{
    struct call *call = memory_zero(1, sizeof(*call));
    call->transport = transport;
    call->curl = curl_easy_init();
    require(call->curl == NULL);
    call->url = memory_string(request->url);
    call->body = BUFFER(TRANSPORT_ANSWER_MAX);
    call->done = done;
    call->context = context;
    call->next = transport->calls;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    transport->calls = call;
    set_options(call, request);
    require((int)curl_multi_add_handle(transport->multi, call->curl));
}

/* --- What came back --- */

static const char *field(const struct call *call, const char *name, size_t i)
{
    struct curl_header *found = NULL;
    return curl_easy_header(call->curl, name, i, CURLH_HEADER, -1, &found) == CURLHE_OK
               ? found->value
               : NULL;
}

/* REFERENCE (RFC 3986 §4.1), seen from the request's URL; NULL where that is no https URL of at
 * most TRANSPORT_URL_MAX octets. The caller frees it with curl_free. */
static char *resolve(const struct call *call, const char *reference)
{
    char *absolute = NULL;
    CURLU *url = curl_url();
    require(url == NULL);
    if (curl_url_set(url, CURLUPART_URL, call->url, 0) != CURLUE_OK ||
        curl_url_set(url, CURLUPART_URL, reference, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_URL, &absolute, 0) != CURLUE_OK) {
        absolute = NULL;
    }
    curl_url_cleanup(url);
    if (absolute != NULL && (strncasecmp(absolute, "https://", strlen("https://")) != 0 ||
                             strlen(absolute) > TRANSPORT_URL_MAX)) {
        curl_free(absolute);
        absolute = NULL;
    }
    return absolute;
}

/* The target of `<TARGET>;rel="alternate"` (RFC 8288 §3), or NULL. */
static char *alternate_of(const struct call *call, const char *link)
{
    const char *end = link[0] == '<' ? strchr(link, '>') : NULL;
    if (end == NULL ||
        (strstr(end, "rel=\"alternate\"") == NULL && strstr(end, "rel=alternate") == NULL)) {
        return NULL;
    }
    CLEANUP_FREE char *target =
        memory_string_of((struct bytes){link + 1, (size_t)(end - link - 1)});
    return resolve(call, target);
}

static void read_links(const struct call *call, struct transport_answer *answer)
{
    const char *link = NULL;
    for (size_t i = 0; (link = field(call, "Link", i)) != NULL &&
                       answer->alternate_count < TRANSPORT_ALTERNATES_MAX;
         i++) {
        char *target = alternate_of(call, link);
        if (target != NULL) {
            answer->alternates[answer->alternate_count++] = target;
        }
    }
}

static const char *explain(const struct call *call, CURLcode result)
{
    if (call->body.overflow) {
        return "the answer is too long";
    }
    return call->message[0] != '\0' ? call->message : curl_easy_strerror(result);
}

static void deliver(struct call *call, CURLcode result)
{
    struct transport_answer answer = {.failure = NULL};
    char *location = NULL;
    if (result != CURLE_OK) {
        answer.failure = explain(call, result);
    } else {
        curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &answer.status);
        answer.body = buffer_bytes(&call->body);
        answer.nonce = field(call, "Replay-Nonce", 0);
        answer.retry_after = field(call, "Retry-After", 0);
        const char *reference = field(call, "Location", 0);
        location = reference != NULL ? resolve(call, reference) : NULL;
        answer.location = location;
        read_links(call, &answer);
    }
    call->done(&answer, call->context);
    curl_free(location);
    for (size_t i = 0; i < answer.alternate_count; i++) {
        curl_free((char *)answer.alternates[i]);
    }
}

void transport_wait(struct transport *transport, int timeout_ms, int fd)
{
    struct curl_waitfd extra = {.fd = fd, .events = CURL_WAIT_POLLIN};
    (void)curl_multi_poll(transport->multi, &extra, 1, timeout_ms, NULL);
}

void transport_run(struct transport *transport)
{
    int running = 0;
    (void)curl_multi_perform(transport->multi, &running);
    CURLMsg *message = NULL;
    int left = 0;
    while ((message = curl_multi_info_read(transport->multi, &left)) != NULL) {
        struct call *call = NULL;
        CURLcode result = message->data.result;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call) == CURLE_OK) {
            deliver(call, result);
            call_free(call);
        }
    }
}
