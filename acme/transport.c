#include "transport.h"

#include <curl/curl.h>

#include "lib/base/memory.h"

struct call {
    char *url;
    transport_done done;
    void *context;
};

struct transport {
    struct transfer_group *group;
    char *agent;
};

bool transport_new(const char *agent, struct transport **ret_transport, struct error *e)
{
    struct transfer_group *group = NULL;
    if (!transfer_group_new(TRANSPORT_CONNECTIONS, &group, e)) {
        return false;
    }
    struct transport *transport = memory_zero(1, sizeof(*transport));
    transport->group = group;
    transport->agent = memory_string(agent);
    *ret_transport = transport;
    return true;
}

void transport_free(struct transport *transport)
{
    if (transport == NULL) {
        return;
    }
    transfer_group_free(transport->group);
    free(transport->agent);
    free(transport);
}

static void call_free(void *context)
{
    struct call *call = context;
    free(call->url);
    free(call);
}

/* --- What came back --- */

/* REFERENCE (RFC 3986 §4.1), seen from the request's URL; NULL where that is no https URL of at
 * most TRANSPORT_URL_MAX octets. The caller frees it with curl_free. */
static char *resolve(const struct call *call, const char *reference)
{
    char *absolute = NULL;
    CURLU *url = curl_url();
    if (url == NULL) {
        abort(); /* out of memory */
    }
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

static void read_links(const struct call *call, const struct transfer *transfer,
                       struct transport_answer *answer)
{
    const char *link = NULL;
    for (size_t i = 0; (link = transfer_field(transfer, "Link", i)) != NULL &&
                       answer->alternate_count < TRANSPORT_ALTERNATES_MAX;
         i++) {
        char *target = alternate_of(call, link);
        if (target != NULL) {
            answer->alternates[answer->alternate_count++] = target;
        }
    }
}

static void deliver(struct transfer *transfer, enum transfer_result result, void *context)
{
    const struct call *call = context;
    struct transport_answer answer = {.failure = NULL};
    char *location = NULL;
    if (result != TRANSFER_DONE) {
        answer.failure = transfer_why(transfer);
    } else {
        answer.status = transfer_status(transfer);
        answer.body = buffer_bytes(transfer_body(transfer));
        answer.nonce = transfer_field(transfer, "Replay-Nonce", 0);
        answer.retry_after = transfer_field(transfer, "Retry-After", 0);
        const char *reference = transfer_field(transfer, "Location", 0);
        location = reference != NULL ? resolve(call, reference) : NULL;
        answer.location = location;
        read_links(call, transfer, &answer);
    }
    call->done(&answer, call->context);
    curl_free(location);
    for (size_t i = 0; i < answer.alternate_count; i++) {
        curl_free((char *)answer.alternates[i]);
    }
}

void transport_send(struct transport *transport, const struct transport_request *request,
                    transport_done done, void *context)
{
    struct call *call = memory_zero(1, sizeof(*call));
    call->url = memory_string(request->url);
    call->done = done;
    call->context = context;
    struct transfer *transfer = transfer_new(&(struct transfer_request){
        .url = request->url,
        .protocols = "https",
        .agent = transport->agent,
        .by_proxy = true,
        .timeout_ms = TRANSPORT_TIMEOUT_MS,
        .connect_ms = TRANSPORT_CONNECT_MS,
        .body_max = TRANSPORT_ANSWER_MAX,
        .head = request->head,
        .post = request->body,
        .header = request->body.p != NULL ? "Content-Type: application/jose+json" : NULL,
        .trust = request->trust,
    });
    transfer_group_add(transport->group, transfer, deliver, call_free, call);
}

struct transfer_group *transport_group(const struct transport *transport)
{
    return transport->group;
}

void transport_run(struct transport *transport)
{
    transfer_group_run(transport->group);
}
