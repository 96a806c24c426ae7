#include "primary.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/dns/packet.h"
#include "lib/dns/socket.h"
#include "lib/dns/tsig.h"

void dns_primary_open(struct dns_primary *ret_primary)
{
    *ret_primary = (struct dns_primary){.fd = -1, .octets = memory_alloc(2 + DNS_MESSAGE_MAX)};
}

void dns_primary_close(struct dns_primary *primary)
{
    file_close(&primary->fd);
    free(primary->octets);
    primary->octets = NULL;
}

const char *dns_primary_text(const struct dns_primary *primary)
{
    return primary->servers[primary->current].text;
}

static struct dns_socket socket_of(const struct dns_primary *primary, int64_t timeout_ms)
{
    return (struct dns_socket){&primary->servers[primary->current], primary->fd,
                               clock_monotonic_ms() + timeout_ms};
}

/* Connected, as TCP says once the socket is writable. */
static bool finish_connecting(struct dns_primary *primary, struct error *e)
{
    struct dns_socket socket = socket_of(primary, DNS_PRIMARY_CONNECT_MS);
    int failed = 0;
    socklen_t length = sizeof(failed);
    if (!dns_socket_wait(&socket, POLLOUT, e)) {
        return false;
    }
    if (getsockopt(primary->fd, SOL_SOCKET, SO_ERROR, &failed, &length) == 0 && failed == 0) {
        return true;
    }
    errno = failed;
    return dns_socket_fail(socket.server, e);
}

/* To the first address that answers. */
static bool ensure_connected(struct dns_primary *primary, struct error *e)
{
    for (size_t i = 0; primary->fd < 0 && i < primary->server_count; i++) {
        primary->current = i;
        primary->fd = dns_socket_connect(&primary->servers[i], SOCK_STREAM);
        if (primary->fd < 0) {
            (void)dns_socket_fail(&primary->servers[i], e);
        } else if (!finish_connecting(primary, e)) {
            file_close(&primary->fd);
        }
    }
    return primary->fd >= 0;
}

static bool send_packet(struct dns_primary *primary, const ldns_pkt *packet, struct error *e)
{
    uint8_t *wire = NULL;
    size_t n = 0;
    struct dns_socket socket = socket_of(primary, DNS_PRIMARY_MS);
    if (ldns_pkt2wire(&wire, packet, &n) != LDNS_STATUS_OK || n > DNS_MESSAGE_MAX) {
        LDNS_FREE(wire);
        return error_set(e, ERROR_LIMIT, "a message of %zu octets; DNS takes %d", n,
                         DNS_MESSAGE_MAX);
    }
    primary->octets[0] = (uint8_t)(n >> 8);
    primary->octets[1] = (uint8_t)n;
    memcpy(primary->octets + 2, wire, n);
    LDNS_FREE(wire);
    return dns_socket_send(&socket, primary->octets, 2 + n, e);
}

static bool receive(struct dns_primary *primary, struct bytes *ret_wire, struct error *e)
{
    struct dns_socket socket = socket_of(primary, DNS_PRIMARY_MS);
    size_t n = 0;
    if (!dns_socket_receive_message(&socket, primary->octets, &n, e)) {
        return false;
    }
    *ret_wire = (struct bytes){(const char *)primary->octets, n};
    return true;
}

/* The question's id is the place of its item, so that answers find it in any order. */
static bool send_question(struct dns_primary *primary, const struct dns_asked *item, uint16_t id,
                          struct error *e)
{
    ldns_pkt *question =
        ldns_pkt_query_new(ldns_rdf_clone(item->owner), LDNS_RR_TYPE_TXT, LDNS_RR_CLASS_IN, 0);
    if (question == NULL) {
        abort(); /* out of memory */
    }
    ldns_pkt_set_id(question, id);
    bool ok = send_packet(primary, question, e);
    ldns_pkt_free(question);
    return ok;
}

static bool is_answer_to(const struct dns_asked *item, const ldns_pkt *answer)
{
    const ldns_rr_list *questions = ldns_pkt_question(answer);
    if (!ldns_pkt_qr(answer) || ldns_pkt_get_opcode(answer) != LDNS_PACKET_QUERY) {
        return false;
    }
    if (ldns_rr_list_rr_count(questions) != 1) { /* may be left out with an error */
        return ldns_rr_list_rr_count(questions) == 0 &&
               ldns_pkt_get_rcode(answer) != LDNS_RCODE_NOERROR &&
               ldns_pkt_get_rcode(answer) != LDNS_RCODE_NXDOMAIN;
    }
    const ldns_rr *question = ldns_rr_list_rr(questions, 0);
    return ldns_rr_get_type(question) == LDNS_RR_TYPE_TXT &&
           ldns_dname_compare(ldns_rr_owner(question), item->owner) == 0;
}

/* The items that are under way at once, by the ids of their questions. */
struct window {
    struct dns_asked *items[DNS_PRIMARY_AHEAD]; /* NULL: free */
    size_t used;
};

/* Takes one answer, and RET_ID, which is free then. */
static bool take_answer(struct dns_primary *primary, struct window *window, uint16_t *ret_id,
                        struct error *e)
{
    struct bytes wire;
    ldns_pkt *answer = NULL;
    if (!receive(primary, &wire, e)) {
        return false;
    }
    bool fits = dns_packet_read(wire, &answer) && ldns_pkt_id(answer) < DNS_PRIMARY_AHEAD;
    struct dns_asked *item = fits ? window->items[ldns_pkt_id(answer)] : NULL;
    if (item == NULL || !is_answer_to(item, answer)) {
        ldns_pkt_free(answer);
        return error_set(e, ERROR_RETRY, "DNS server %s sent something that is no answer",
                         dns_primary_text(primary));
    }
    *ret_id = ldns_pkt_id(answer);
    window->items[*ret_id] = NULL;
    window->used--;
    item->answered = true;
    if (!dns_record_standing(answer, item->owner, true, &item->standing, &item->error)) {
        item->standing = NULL;
    }
    ldns_pkt_free(answer);
    return true;
}

/* As each answer comes, the next question goes out with its acknowledgement: a server that waits
 * for that before it sends more (Nagle's algorithm) would take 40 ms for each round else. Few
 * enough are under way that neither side waits for the other to read. */
static bool ask_all(struct dns_primary *primary, struct dns_asked *items, size_t count,
                    struct error *e)
{
    struct window window = {.used = 0};
    for (size_t i = 0; i < count; i++) {
        uint16_t id = (uint16_t)window.used;
        if (items[i].answered) {
            continue;
        }
        if (window.used == DNS_PRIMARY_AHEAD && !take_answer(primary, &window, &id, e)) {
            return false;
        }
        window.items[id] = &items[i];
        window.used++;
        if (!send_question(primary, &items[i], id, e)) {
            return false;
        }
    }
    struct dns_socket socket = socket_of(primary, DNS_PRIMARY_MS);
    uint16_t ignored = 0;
    dns_socket_acknowledge(&socket);
    while (window.used != 0) {
        if (!take_answer(primary, &window, &ignored, e)) {
            return false;
        }
    }
    return true;
}

static size_t count_answered(const struct dns_asked *items, size_t count)
{
    size_t answered = 0;
    for (size_t i = 0; i < count; i++) {
        answered += items[i].answered ? 1 : 0;
    }
    return answered;
}

bool dns_primary_ask(struct dns_primary *primary, struct dns_asked *items, size_t count,
                     struct error *e)
{
    bool fresh = false;
    for (;;) {
        size_t before = count_answered(items, count);
        fresh = fresh || primary->fd < 0;
        if (!ensure_connected(primary, e)) {
            return false;
        }
        if (ask_all(primary, items, count, e)) {
            return true;
        }
        file_close(&primary->fd);
        /* A server may close a connection that it finds idle or long; one that was just opened and
         * brought nothing will bring nothing again. */
        if (fresh && count_answered(items, count) == before) {
            return false;
        }
        fresh = true;
    }
}

void dns_update_judge(const struct dns_tsig_key *key, const ldns_pkt *request, struct bytes wire,
                      int64_t now_s, struct dns_update_reply *ret_reply)
{
    struct dns_update_reply reply = {.outcome = DNS_UPDATE_STRANGE};
    ldns_pkt *answer = NULL;
    if (!dns_packet_read(wire, &answer) || !ldns_pkt_qr(answer) ||
        ldns_pkt_id(answer) != ldns_pkt_id(request) ||
        ldns_pkt_get_opcode(answer) != LDNS_PACKET_UPDATE) {
        error_format(&reply.error, ERROR_SYNTAX, "what came back is no answer to an update");
    } else {
        reply.rcode = ldns_pkt_get_rcode(answer);
        reply.tsig_error = dns_tsig_error(answer);
        bool proven = dns_tsig_verify(key, request, answer, wire, now_s, &reply.error);
        if (reply.rcode != LDNS_RCODE_NOERROR) {
            /* A refusal needs no proof (RFC 8945 §5.3.2: where the key is wrong there is none). */
            reply.outcome = DNS_UPDATE_REFUSED;
        } else if (proven) {
            reply.outcome = DNS_UPDATE_TAKEN;
        }
    }
    ldns_pkt_free(answer);
    *ret_reply = reply;
}

void dns_primary_update(struct dns_primary *primary, ldns_pkt *message,
                        struct dns_update_reply *ret_reply)
{
    struct bytes wire;
    struct dns_update_reply reply = {.outcome = DNS_UPDATE_LOST};
    if (!ensure_connected(primary, &reply.error)) {
        *ret_reply = reply;
        return;
    }
    dns_tsig_sign(message, primary->key);
    if (!send_packet(primary, message, &reply.error) || !receive(primary, &wire, &reply.error)) {
        file_close(&primary->fd);
        *ret_reply = reply;
        return;
    }
    dns_update_judge(primary->key, message, wire, clock_wall_s(), &reply);
    *ret_reply = reply;
}
