#include "proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>

enum {
    HEAD_2 = 16, /* octets of a version 2 header before its addresses */
    PORT_DIGITS = 5,
};

static const char BEGIN_1[] = "PROXY ";
static const char SIGNATURE_2[] = "\r\n\r\n\0\r\nQUIT\n"; /* of twelve octets, without the NUL */

/* Whether INPUT begins with BEGIN, or is cut within it. */
static bool may_begin(struct bytes input, struct bytes begin)
{
    size_t n = input.n < begin.n ? input.n : begin.n;
    return memcmp(input.p, begin.p, n) == 0;
}

/* An address of FAMILY from its OCTETS and PORT, both as the network has them. */
static void set_client(struct proxy_header *header, int family, const void *octets,
                       const void *port)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)&header->client;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)&header->client;
    header->client.ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        memcpy(&four->sin_addr, octets, sizeof(four->sin_addr));
        memcpy(&four->sin_port, port, sizeof(four->sin_port));
    } else {
        memcpy(&six->sin6_addr, octets, sizeof(six->sin6_addr));
        memcpy(&six->sin6_port, port, sizeof(six->sin6_port));
    }
}

/* --- Version 1 --- */

/* The next of the words in *LINE, which a single space ends, or the line. */
static struct bytes next_word(struct bytes *line)
{
    const char *space = memchr(line->p, ' ', line->n);
    struct bytes word = {line->p, space != NULL ? (size_t)(space - line->p) : line->n};
    *line = bytes_skip(*line, space != NULL ? word.n + 1 : word.n);
    return word;
}

static bool read_address(struct bytes word, int family, unsigned char ret_octets[16])
{
    char text[INET6_ADDRSTRLEN];
    if (word.n == 0 || word.n >= sizeof(text) || memchr(word.p, '\0', word.n) != NULL) {
        return false;
    }
    memcpy(text, word.p, word.n);
    text[word.n] = '\0';
    return inet_pton(family, text, ret_octets) == 1;
}

/* §2.1: decimal, without a leading zero. */
static bool read_port(struct bytes word, unsigned char ret_port[2])
{
    unsigned port = 0;
    for (size_t i = 0; i < word.n && i <= PORT_DIGITS; i++) {
        if (word.p[i] < '0' || word.p[i] > '9') {
            return false;
        }
        port = port * 10 + (unsigned)(word.p[i] - '0');
    }
    ret_port[0] = (unsigned char)(port >> 8);
    ret_port[1] = (unsigned char)port;
    return word.n != 0 && word.n <= PORT_DIGITS && port <= UINT16_MAX &&
           (word.p[0] != '0' || word.n == 1);
}

/* LINE is what stands behind "PROXY ", without its end. */
static bool read_line(struct bytes line, struct proxy_header *header)
{
    unsigned char source[16];
    unsigned char target[16];
    unsigned char port[2];
    unsigned char target_port[2];
    struct bytes protocol = next_word(&line);
    if (bytes_equal(protocol, BYTES("UNKNOWN"))) {
        return true; /* whatever follows (§2.1) */
    }
    int family = bytes_equal(protocol, BYTES("TCP4"))   ? AF_INET
                 : bytes_equal(protocol, BYTES("TCP6")) ? AF_INET6
                                                        : AF_UNSPEC;
    if (family == AF_UNSPEC || !read_address(next_word(&line), family, source) ||
        !read_address(next_word(&line), family, target) || !read_port(next_word(&line), port) ||
        !read_port(line, target_port)) {
        return false;
    }
    set_client(header, family, source, port);
    return true;
}

static enum proxy_header_state read_1(struct bytes input, struct proxy_header *header)
{
    size_t most = input.n < PROXY_HEADER_1_MAX ? input.n : PROXY_HEADER_1_MAX;
    const char *end = memchr(input.p, '\r', most);
    if (end == NULL || end + 1 == input.p + most) {
        return most < PROXY_HEADER_1_MAX ? PROXY_HEADER_IS_CUT : PROXY_HEADER_IS_NONE;
    }
    size_t begin = sizeof(BEGIN_1) - 1;
    size_t n = (size_t)(end - input.p);
    header->octets = n + 2;
    return n >= begin && end[1] == '\n' &&
                   read_line((struct bytes){input.p + begin, n - begin}, header)
               ? PROXY_HEADER_IS_WHOLE
               : PROXY_HEADER_IS_NONE;
}

/* --- Version 2 --- */

/* Family and protocol of a PROXY command, over a stream (§2.2), and what each takes. */
static const struct family {
    unsigned char code;
    int family; /* AF_UNSPEC: the address is not one that counts */
    size_t octets;
} FAMILIES[] = {
    {0x00, AF_UNSPEC, 0},   /* UNSPEC: §2.2, to be treated as unknown */
    {0x11, AF_INET, 12},    /* both addresses, both ports */
    {0x21, AF_INET6, 36},   /* likewise */
    {0x31, AF_UNSPEC, 216}, /* Unix sockets' paths */
};

static enum proxy_header_state read_addresses(const unsigned char *p, struct proxy_header *header)
{
    const unsigned char *addresses = p + HEAD_2;
    for (size_t i = 0; i < ARRAY_LENGTH(FAMILIES); i++) {
        const struct family *family = &FAMILIES[i];
        if (p[13] != family->code) {
            continue;
        }
        if (header->octets < HEAD_2 + family->octets) {
            return PROXY_HEADER_IS_NONE;
        }
        if (family->family != AF_UNSPEC) {
            size_t n = family->family == AF_INET ? 4 : 16;
            set_client(header, family->family, addresses, addresses + 2 * n);
        }
        return PROXY_HEADER_IS_WHOLE;
    }
    return PROXY_HEADER_IS_NONE;
}

static enum proxy_header_state read_2(struct bytes input, struct proxy_header *header)
{
    const unsigned char *p = (const unsigned char *)input.p;
    bool is_local = input.n > 12 && p[12] == 0x20;
    if (input.n > 12 && !is_local && p[12] != 0x21) { /* version 2; LOCAL or PROXY */
        return PROXY_HEADER_IS_NONE;
    }
    if (input.n < HEAD_2) {
        return PROXY_HEADER_IS_CUT;
    }
    header->octets = HEAD_2 + ((size_t)p[14] << 8 | p[15]);
    if (header->octets > PROXY_HEADER_2_MAX) {
        return PROXY_HEADER_IS_NONE;
    }
    if (input.n < header->octets) {
        return PROXY_HEADER_IS_CUT;
    }
    return is_local ? PROXY_HEADER_IS_WHOLE : read_addresses(p, header);
}

enum proxy_header_state proxy_header_read(struct bytes input, struct proxy_header *ret_header)
{
    struct proxy_header header = {0};
    enum proxy_header_state state = PROXY_HEADER_IS_NONE;
    if (input.n == 0) {
        state = PROXY_HEADER_IS_CUT;
    } else if (may_begin(input, (struct bytes){BEGIN_1, sizeof(BEGIN_1) - 1})) {
        state = read_1(input, &header);
    } else if (may_begin(input, (struct bytes){SIGNATURE_2, sizeof(SIGNATURE_2) - 1})) {
        state = read_2(input, &header);
    }
    *ret_header = header;
    return state;
}
