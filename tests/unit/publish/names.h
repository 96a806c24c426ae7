/* A DNS server with a few names, on a thread; over UDP. */
#ifndef TESTS_UNIT_PUBLISH_NAMES_H
#define TESTS_UNIT_PUBLISH_NAMES_H

#include <arpa/inet.h>
#include <netinet/in.h>

#include "checkout.h"

enum { NAMES_A = 1, NAMES_MX = 15, NAMES_TXT = 16, NAMES_HEADER = 12 };

struct names_row {
    const char *name;
    unsigned type;
    const char *data; /* an address, a host, a text */
};

struct names {
    const struct names_row *rows; /* the last has no name */
    int fd;
    char address[32]; /* "127.0.0.1:PORT" */
    pthread_t thread;
};

/* NAME as in a message; how many octets. */
static inline size_t names_encode(const char *name, unsigned char *out)
{
    size_t n = 0;
    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        out[n++] = (unsigned char)label;
        memcpy(out + n, name, label);
        n += label;
        name += label + (name[label] == '.');
    }
    out[n++] = 0;
    return n;
}

static inline size_t names_data(const struct names_row *row, unsigned char *out)
{
    size_t n = strlen(row->data);
    if (row->type == NAMES_A) {
        assert_int_equal(inet_pton(AF_INET, row->data, out), 1);
        return 4;
    }
    if (row->type == NAMES_MX) {
        out[0] = 0;
        out[1] = 10;
        return 2 + names_encode(row->data, out + 2);
    }
    out[0] = (unsigned char)n;
    memcpy(out + 1, row->data, n);
    return n + 1;
}

static inline size_t names_add(const struct names_row *row, unsigned char *at)
{
    static const unsigned char head[] = {0xc0, 0x0c, 0, 0, 0, 1, 0, 0, 0, 60};
    memcpy(at, head, sizeof(head));
    at[3] = (unsigned char)row->type;
    size_t n = names_data(row, at + 12);
    at[10] = (unsigned char)(n >> 8);
    at[11] = (unsigned char)n;
    return 12 + n;
}

/* MESSAGE of N octets, a question, becomes its answer. */
static inline size_t names_answer(const struct names *names, unsigned char *message)
{
    unsigned char name[256];
    size_t end = NAMES_HEADER;
    bool known = false;
    unsigned count = 0;
    while (message[end] != 0) {
        end += message[end] + 1U;
    }
    unsigned type = message[end + 2];
    size_t at = end + 5;
    for (const struct names_row *row = names->rows; row->name != NULL; row++) {
        size_t n = names_encode(row->name, name);
        if (n == end + 1 - NAMES_HEADER &&
            strncasecmp((char *)name, (char *)message + NAMES_HEADER, n) == 0) {
            known = true;
            if (row->type == type) {
                at += names_add(row, message + at);
                count++;
            }
        }
    }
    message[2] = 0x81;
    message[3] = known ? 0x80 : 0x83; /* no such name */
    memset(message + 6, 0, 6);
    message[7] = (unsigned char)count;
    return at;
}

static inline void *names_run(void *context)
{
    const struct names *names = context;
    unsigned char message[4096];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    while (recvfrom(names->fd, message, 512, 0, (struct sockaddr *)&from, &size) > NAMES_HEADER) {
        size_t length = names_answer(names, message);
        (void)!sendto(names->fd, message, length, 0, (struct sockaddr *)&from, size);
        size = sizeof(from);
    }
    return NULL;
}

static inline void names_start(struct names *names, const struct names_row *rows)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    names->rows = rows;
    names->fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(names->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(names->fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(names->address, sizeof(names->address), "127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&names->thread, NULL, names_run, names), 0);
}

static inline void names_stop(struct names *names)
{
    /* A datagram that is no question ends it. */
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    assert_int_equal(getsockname(names->fd, (struct sockaddr *)&address, &size), 0);
    (void)!sendto(names->fd, "", 0, 0, (struct sockaddr *)&address, size);
    pthread_join(names->thread, NULL);
    close(names->fd);
}

#endif
