#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/base/memory.h"
#include "lib/dns/exchange.h"

static void test_parses_servers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int family; /* 0: refused */
        unsigned port;
    } rows[] = {
        {"192.0.2.53", AF_INET, 53},
        {"192.0.2.53:5353", AF_INET, 5353},
        {"2001:db8::53", AF_INET6, 53},
        {"[2001:db8::53]", AF_INET6, 53},
        {"[2001:db8::53]:54", AF_INET6, 54},
        {"", 0, 0},
        {"dns.example.org", 0, 0},
        {"192.0.2.53:", 0, 0},
        {":53", 0, 0},
        {"192.0.2.53:x", 0, 0},
        {"192.0.2.53:65536", 0, 0},
        {"192.0.2.53:0", 0, 0},
        {"[2001:db8::53", 0, 0},
        {"[2001:db8::53]x", 0, 0},
        {"192.0.2.256", 0, 0},
        {"[]:53", 0, 0},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444:5555:6666", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct dns_server server = {0};
        struct error e = {0};
        bool ok = dns_server_parse(bytes_of(rows[i].text), &server, &e);
        const struct sockaddr_in *address = (const struct sockaddr_in *)&server.address;
        if (ok != (rows[i].family != 0) || server.address.ss_family != rows[i].family ||
            ntohs(address->sin_port) != rows[i].port) {
            fail_msg("%s: %s", rows[i].text, e.text);
        }
    }
}

/* A hostile or broken server: what it sends to a question, before the right answer (if at all). */
enum trick { TRICK_ID, TRICK_NAME, TRICK_TYPE, TRICK_QUESTION, TRICK_GARBAGE, TRICK_ECHO };

struct liar {
    int fd;
    pthread_t thread;
    enum trick trick;
    bool answers_at_last;
};

static void send_packet(int fd, const ldns_pkt *packet, const struct sockaddr_storage *to,
                        socklen_t length)
{
    uint8_t *wire = NULL;
    size_t n = 0;
    assert_int_equal(ldns_pkt2wire(&wire, packet, &n), LDNS_STATUS_OK);
    assert_int_equal(sendto(fd, wire, n, 0, (const struct sockaddr *)to, length), n);
    LDNS_FREE(wire);
}

static void change_question(ldns_pkt *packet, const char *name, ldns_rr_type type)
{
    ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(packet), 0);
    if (name != NULL) {
        ldns_rdf_deep_free(ldns_rr_owner(question));
        ldns_rr_set_owner(question, ldns_dname_new_frm_str(name));
    }
    ldns_rr_set_type(question, type);
}

static void send_trick(const struct liar *liar, const ldns_pkt *query,
                       const struct sockaddr_storage *to, socklen_t length)
{
    ldns_pkt *packet = ldns_pkt_clone(query);
    ldns_pkt_set_qr(packet, liar->trick != TRICK_ECHO);
    switch (liar->trick) {
    case TRICK_ID:
        ldns_pkt_set_id(packet, ldns_pkt_id(query) ^ 1);
        break;
    case TRICK_NAME:
        change_question(packet, "example.com.", LDNS_RR_TYPE_MX);
        break;
    case TRICK_TYPE:
        change_question(packet, NULL, LDNS_RR_TYPE_TXT);
        break;
    case TRICK_QUESTION:
        ldns_rr_free(ldns_rr_list_pop_rr(ldns_pkt_question(packet)));
        ldns_pkt_set_qdcount(packet, 0);
        break;
    case TRICK_GARBAGE:
        sendto(liar->fd, "\xff\xff\xff", 3, 0, (const struct sockaddr *)to, length);
        sendto(liar->fd, "", 0, 0, (const struct sockaddr *)to, length);
        break;
    case TRICK_ECHO:
        break;
    }
    if (liar->trick != TRICK_GARBAGE) {
        send_packet(liar->fd, packet, to, length);
    }
    ldns_pkt_free(packet);
}

static void *lie(void *context)
{
    struct liar *liar = context;
    uint8_t octets[1500];
    struct sockaddr_storage from;
    socklen_t length = sizeof(from);
    ssize_t n = recvfrom(liar->fd, octets, sizeof(octets), 0, (struct sockaddr *)&from, &length);
    ldns_pkt *query = NULL;
    if (n > 0 && ldns_wire2pkt(&query, octets, (size_t)n) == LDNS_STATUS_OK) {
        send_trick(liar, query, &from, length);
        ldns_pkt_set_qr(query, true);
        ldns_pkt_set_rcode(query, LDNS_RCODE_NXDOMAIN);
        if (liar->answers_at_last) {
            send_packet(liar->fd, query, &from, length);
        }
        ldns_pkt_free(query);
    }
    return NULL;
}

static void liar_start(struct liar *liar, struct dns_server *server)
{
    struct error e = {0};
    assert_true(dns_server_parse(BYTES("127.0.0.1:1"), server, &e));
    ((struct sockaddr_in *)&server->address)->sin_port = 0; /* any that is free */
    liar->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(liar->fd, (struct sockaddr *)&server->address, server->length), 0);
    socklen_t length = sizeof(server->address);
    assert_int_equal(getsockname(liar->fd, (struct sockaddr *)&server->address, &length), 0);
    assert_int_equal(pthread_create(&liar->thread, NULL, lie, liar), 0);
}

static void test_drops_what_is_no_answer(void **state)
{
    (void)state;
    for (enum trick trick = TRICK_ID; trick <= TRICK_ECHO; trick++) {
        for (int at_last = 0; at_last < 2; at_last++) {
            struct liar liar = {.trick = trick, .answers_at_last = at_last == 1};
            struct dns_server server;
            struct error e = {0};
            ldns_pkt *packet = NULL;
            liar_start(&liar, &server);
            /* Without an answer the wait is the whole time given; with one it is short. */
            bool ok = dns_exchange(&server, BYTES("example.org"), LDNS_RR_TYPE_MX,
                                   at_last == 1 ? 10 * 1000 : 100, &packet, &e);
            pthread_join(liar.thread, NULL);
            file_close(&liar.fd);
            if (ok != liar.answers_at_last ||
                (ok && ldns_pkt_get_rcode(packet) != LDNS_RCODE_NXDOMAIN) ||
                (!ok && e.code != ERROR_RETRY)) {
                fail_msg("trick %d: %s", trick, e.text);
            }
            ldns_pkt_free(packet);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parses_servers),
        cmocka_unit_test(test_drops_what_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
