#include "packet.h"

/* RFC 1035 §4.1 */
enum {
    HEADER = 12,
    COUNTS_AT = 4,  /* of questions, then of three kinds of records */
    QUESTION = 4,   /* after its name: type and class */
    RECORD = 10,    /* after its name: type, class, TTL, length of what follows */
    LENGTH_AT = 8,  /* in there */
    POINTER = 0xc0, /* the first octet of one, which ends a name */
    LABEL_MAX = 63,
};

/* What is left to be walked. False of a function: there is less than it needs. */
struct walk {
    struct bytes rest;
    size_t tsigs;
};

static unsigned number_at(struct bytes octets, size_t at)
{
    return (unsigned)(unsigned char)octets.p[at] << 8 | (unsigned char)octets.p[at + 1];
}

static bool skip(struct walk *walk, size_t n)
{
    bool has = walk->rest.n >= n;
    walk->rest = bytes_skip(walk->rest, n);
    return has;
}

static bool skip_name(struct walk *walk)
{
    while (walk->rest.n != 0) {
        unsigned length = (unsigned char)walk->rest.p[0];
        if ((length & POINTER) == POINTER) {
            return skip(walk, 2);
        }
        if (length == 0 || length > LABEL_MAX) {
            return length == 0 && skip(walk, 1);
        }
        (void)skip(walk, 1 + length);
    }
    return false;
}

static bool skip_question(struct walk *walk)
{
    return skip_name(walk) && skip(walk, QUESTION);
}

static bool skip_record(struct walk *walk)
{
    if (!skip_name(walk) || walk->rest.n < RECORD) {
        return false;
    }
    walk->tsigs += number_at(walk->rest, 0) == LDNS_RR_TYPE_TSIG;
    return skip(walk, RECORD + number_at(walk->rest, LENGTH_AT));
}

static bool can_be_read(struct bytes wire)
{
    struct walk walk = {.rest = wire};
    bool good = skip(&walk, HEADER);
    for (size_t kind = 0; kind < 4 && good; kind++) {
        for (unsigned i = number_at(wire, COUNTS_AT + 2 * kind); i > 0 && good; i--) {
            good = kind == 0 ? skip_question(&walk) : skip_record(&walk);
        }
    }
    return good && walk.tsigs <= 1;
}

bool dns_packet_read(struct bytes wire, ldns_pkt **ret_packet)
{
    ldns_pkt *packet = NULL;
    if (!can_be_read(wire) ||
        ldns_wire2pkt(&packet, (const uint8_t *)wire.p, wire.n) != LDNS_STATUS_OK) {
        return false;
    }
    *ret_packet = packet;
    return true;
}
