#include "exchange.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/dns/name.h"
#include "lib/dns/packet.h"
#include "lib/dns/socket.h"

enum {
    UDP_SIZE = 1232, /* announced by EDNS: what passes everywhere without fragments */
    QUERY_MAX = 512,
};

struct exchange {
    const struct dns_server *server;
    int64_t deadline_ms;
    bool unchecked;               /* CD is set */
    uint8_t query[2 + QUERY_MAX]; /* with TCP's length before it (RFC 1035 §4.2.2) */
    size_t query_length;          /* without that */
    ldns_pkt *question;
    uint8_t *answer; /* room for DNS_MESSAGE_MAX */
};

/* getaddrinfo() would take 65536 for 0. */
static bool is_port(const char *text)
{
    unsigned port = 0;
    for (; *text >= '0' && *text <= '9' && port <= UINT16_MAX; text++) {
        port = port * 10 + (unsigned)(*text - '0');
    }
    return *text == '\0' && port >= 1 && port <= UINT16_MAX;
}

bool dns_server_parse(struct bytes text, struct dns_server *ret_server, struct error *e)
{
    struct dns_server server = {0};
    char host[64];
    const char *port = "53";
    if (text.n >= sizeof(server.text) || memchr(text.p, '\0', text.n) != NULL) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" is not the address of a DNS server; write it as in 192.0.2.53:53",
                         dns_name_show(text).text);
    }
    memcpy(server.text, text.p, text.n);
    memcpy(host, server.text, sizeof(host));
    char *address = host;
    char *colon = strrchr(host, ':');
    char *bracket = strchr(host, ']');
    bool bare_ipv6 = colon != NULL && host[0] != '[' && strchr(host, ':') != colon;
    if (colon != NULL && !bare_ipv6 && (bracket == NULL || colon > bracket)) {
        *colon = '\0';
        port = colon + 1;
    }
    if (host[0] == '[' && bracket != NULL && bracket[1] == '\0') {
        *bracket = '\0';
        address = host + 1;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (address[0] == '\0' || !is_port(port) || getaddrinfo(address, port, &hints, &found) != 0) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" is not the address of a DNS server; write it as in 192.0.2.53:53 "
                         "or [2001:db8::53]:53",
                         dns_name_show(text).text);
    }
    memcpy(&server.address, found->ai_addr, found->ai_addrlen);
    server.length = found->ai_addrlen;
    freeaddrinfo(found);
    *ret_server = server;
    return true;
}

static bool is_plain(struct bytes name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.';
        if (!plain) {
            return false;
        }
    }
    return name.n != 0 && name.n <= DNS_NAME_MAX;
}

ldns_rdf *dns_owner_new(struct bytes name, struct error *e)
{
    ldns_rdf *made = NULL;
    if (is_plain(name)) {
        char text[DNS_NAME_MAX + 2];
        (void)snprintf(text, sizeof(text), "%.*s.", BYTES_ARG(name));
        made = ldns_dname_new_frm_str(text);
    }
    if (made == NULL) {
        error_format(e, ERROR_SYNTAX, "\"%s\" is not a name to look up; correct it",
                     dns_name_show(name).text);
    }
    return made;
}

static bool make_question(struct exchange *exchange, struct bytes name, ldns_rr_type type,
                          struct error *e)
{
    ldns_rdf *owner = dns_owner_new(name, e);
    if (owner == NULL) {
        return false;
    }
    exchange->question = ldns_pkt_query_new(owner, type, LDNS_RR_CLASS_IN, LDNS_RD);
    uint16_t id = 0;
    if (exchange->question == NULL || getrandom(&id, sizeof(id), 0) != sizeof(id)) {
        abort(); /* out of memory; getrandom of two octets does not fail */
    }
    ldns_pkt_set_id(exchange->question, id);
    ldns_pkt_set_cd(exchange->question, exchange->unchecked);
    ldns_pkt_set_edns_udp_size(exchange->question, UDP_SIZE);
    uint8_t *wire = NULL;
    size_t length = 0;
    if (ldns_pkt2wire(&wire, exchange->question, &length) != LDNS_STATUS_OK || length > QUERY_MAX) {
        abort();
    }
    exchange->query[0] = (uint8_t)(length >> 8);
    exchange->query[1] = (uint8_t)length;
    memcpy(exchange->query + 2, wire, length);
    exchange->query_length = length;
    LDNS_FREE(wire);
    return true;
}

static bool is_answer(const ldns_pkt *question, const ldns_pkt *answer)
{
    const ldns_rr_list *asked = ldns_pkt_question(question);
    const ldns_rr_list *told = ldns_pkt_question(answer);
    if (!ldns_pkt_qr(answer) || ldns_pkt_id(answer) != ldns_pkt_id(question) ||
        ldns_pkt_get_opcode(answer) != LDNS_PACKET_QUERY) {
        return false;
    }
    if (ldns_rr_list_rr_count(told) != 1) {
        /* A server that does not understand the question may leave it out. */
        return ldns_rr_list_rr_count(told) == 0 &&
               ldns_pkt_get_rcode(answer) != LDNS_RCODE_NOERROR &&
               ldns_pkt_get_rcode(answer) != LDNS_RCODE_NXDOMAIN;
    }
    const ldns_rr *a = ldns_rr_list_rr(asked, 0);
    const ldns_rr *b = ldns_rr_list_rr(told, 0);
    return ldns_rr_get_type(a) == ldns_rr_get_type(b) &&
           ldns_rr_get_class(a) == ldns_rr_get_class(b) &&
           ldns_dname_compare(ldns_rr_owner(a), ldns_rr_owner(b)) == 0;
}

/* NULL where the octets are no answer to our question. */
static ldns_pkt *read_answer(const struct exchange *exchange, size_t length)
{
    ldns_pkt *packet = NULL;
    if (!dns_packet_read((struct bytes){(const char *)exchange->answer, length}, &packet)) {
        return NULL;
    }
    if (!is_answer(exchange->question, packet)) {
        ldns_pkt_free(packet);
        return NULL;
    }
    return packet;
}

static bool ask_udp(struct exchange *exchange, ldns_pkt **ret_packet, struct error *e)
{
    CLEANUP_CLOSE int fd = dns_socket_connect(exchange->server, SOCK_DGRAM);
    struct dns_socket socket = {exchange->server, fd, exchange->deadline_ms};
    if (fd < 0 || send(fd, exchange->query + 2, exchange->query_length, 0) < 0) {
        return dns_socket_fail(exchange->server, e);
    }
    while (dns_socket_wait(&socket, POLLIN, e)) {
        ssize_t n = recv(fd, exchange->answer, DNS_MESSAGE_MAX, 0);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return dns_socket_fail(exchange->server, e);
        }
        ldns_pkt *packet = n > 0 ? read_answer(exchange, (size_t)n) : NULL;
        if (packet != NULL) {
            *ret_packet = packet;
            return true;
        }
    }
    return false;
}

static bool ask_tcp(struct exchange *exchange, ldns_pkt **ret_packet, struct error *e)
{
    CLEANUP_CLOSE int fd = dns_socket_connect(exchange->server, SOCK_STREAM);
    struct dns_socket socket = {exchange->server, fd, exchange->deadline_ms};
    size_t length = 0;
    if (fd < 0) {
        return dns_socket_fail(exchange->server, e);
    }
    if (!dns_socket_send(&socket, exchange->query, 2 + exchange->query_length, e) ||
        !dns_socket_receive_message(&socket, exchange->answer, &length, e)) {
        return false;
    }
    ldns_pkt *packet = read_answer(exchange, length);
    if (packet == NULL) {
        return error_set(e, ERROR_RETRY,
                         "DNS server %s sent something that is no answer; name another server",
                         exchange->server->text);
    }
    *ret_packet = packet;
    return true;
}

/* EXCHANGE has a server, a deadline and the flag. */
static bool ask(struct exchange *exchange, struct bytes name, ldns_rr_type type,
                ldns_pkt **ret_packet, struct error *e)
{
    if (!make_question(exchange, name, type, e)) {
        return false;
    }
    exchange->answer = memory_alloc(DNS_MESSAGE_MAX);
    ldns_pkt *packet = NULL;
    bool answered = ask_udp(exchange, &packet, e);
    if (answered && ldns_pkt_tc(packet)) {
        ldns_pkt_free(packet);
        packet = NULL;
        answered = ask_tcp(exchange, &packet, e);
    }
    if (answered) {
        *ret_packet = packet;
    }
    ldns_pkt_free(exchange->question);
    free(exchange->answer);
    return answered;
}

bool dns_exchange(const struct dns_server *server, struct bytes name, ldns_rr_type type,
                  int64_t timeout_ms, ldns_pkt **ret_packet, struct error *e)
{
    struct exchange exchange = {
        .server = server,
        .deadline_ms = clock_monotonic_ms() + timeout_ms,
    };
    return ask(&exchange, name, type, ret_packet, e);
}

bool dns_exchange_unchecked(const struct dns_server *server, struct bytes name, ldns_rr_type type,
                            int64_t timeout_ms, ldns_pkt **ret_packet, struct error *e)
{
    struct exchange exchange = {
        .server = server,
        .deadline_ms = clock_monotonic_ms() + timeout_ms,
        .unchecked = true,
    };
    return ask(&exchange, name, type, ret_packet, e);
}
