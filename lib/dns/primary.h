/* A connection to the server that a zone is changed at: questions what stands there, many at a
 * time, and updates (RFC 2136), over TCP. Reopens by itself where the server closed it. Not for
 * several threads. */
#ifndef LIB_DNS_PRIMARY_H
#define LIB_DNS_PRIMARY_H

#include "lib/dns/exchange.h"
#include "lib/dns/record.h"
#include "lib/dns/tsig_key.h"

enum {
    DNS_PRIMARY_MS = 30000,        /* for one answer */
    DNS_PRIMARY_CONNECT_MS = 5000, /* for a connection, where there are several addresses */
    DNS_PRIMARY_ADDRESSES = 4,     /* that are tried */
    DNS_PRIMARY_AHEAD = 64,        /* questions that are sent before their answers have come */
};

struct dns_primary {
    struct dns_server servers[DNS_PRIMARY_ADDRESSES];
    size_t server_count;
    const struct dns_tsig_key *key; /* borrowed */
    size_t current;                 /* the server that FD leads to */
    int fd;                         /* -1: not connected */
    uint8_t *octets;                /* room for one message and its length */
};

/* RET_PRIMARY's servers and key are the caller's to set; nothing is asked yet. */
void dns_primary_open(struct dns_primary *ret_primary);
void dns_primary_close(struct dns_primary *primary);

/* What stands at one name. */
struct dns_asked {
    const ldns_rdf *owner;  /* in; borrowed */
    ldns_rr_list *standing; /* out, or NULL: not answered, or not usable; freed by the caller */
    bool answered;
    struct error error; /* why it is not usable */
};

/* Asks for all of ITEMS that are not answered. False: the server was lost; those that were answered
 * before are. */
bool dns_primary_ask(struct dns_primary *primary, struct dns_asked *items, size_t count,
                     struct error *e) MUST_USE;

/* What became of an update. */
enum dns_update_outcome {
    DNS_UPDATE_TAKEN,
    DNS_UPDATE_REFUSED, /* by RCODE and TSIG_ERROR: for one of its names, maybe */
    DNS_UPDATE_STRANGE, /* the answer proves nothing: not signed as it must be; E says more */
    DNS_UPDATE_LOST,    /* no answer: may have been done or not; E says more */
};
struct dns_update_reply {
    enum dns_update_outcome outcome;
    ldns_pkt_rcode rcode;
    unsigned tsig_error;
    struct error error;
};

/* Signs MESSAGE, sends it and waits for the answer. */
void dns_primary_update(struct dns_primary *primary, ldns_pkt *message,
                        struct dns_update_reply *ret_reply);

/* The server's address, for messages. */
const char *dns_primary_text(const struct dns_primary *primary);

/* How the answer in WIRE to REQUEST, signed with KEY, is understood. Pure. */
void dns_update_judge(const struct dns_tsig_key *key, const ldns_pkt *request, struct bytes wire,
                      int64_t now_s, struct dns_update_reply *ret_reply);

#endif
