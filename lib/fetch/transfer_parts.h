/* What lib/fetch/transfer_group.c sees of a transfer. */
#ifndef LIB_FETCH_TRANSFER_PARTS_H
#define LIB_FETCH_TRANSFER_PARTS_H

#include <netinet/in.h>

#include <curl/curl.h>

#include "lib/fetch/transfer.h"

struct transfer {
    CURL *curl; /* its CURLOPT_PRIVATE is the transfer */
    struct curl_slist *fields;
    struct curl_slist *resolve;
    struct curl_slist *connect_to;
    struct buffer body;
    size_t head_octets; /* of all heads that came, of 1xx answers too */
    char message[CURL_ERROR_SIZE];
    CURLcode code;  /* how it ended */
    bool tls_begun; /* where there is a tls_setup, or more_trust */
    const char *more_trust;
    const _Atomic bool *abandon;
    const struct address_rule *rule; /* NULL: any address */
    char refused[INET6_ADDRSTRLEN];  /* by it, the first; "": none */
    bool opened;                     /* a socket, to an address that was not */
    void (*tls_setup)(struct ssl_ctx_st *context, void *setup_context);
    void *tls_setup_context;
    /* Of the group it is in. */
    struct transfer *next;
    struct transfer *previous;
    void (*done)(struct transfer *transfer, enum transfer_result result, void *context);
    void (*drop)(void *context);
    void *context;
};

/* Options only fail where memory is out, or where this libcurl lacks what we build on. */
static inline void transfer_require(bool done)
{
    if (!done) {
        abort();
    }
}

/* The transfer has ended with CODE. */
enum transfer_result transfer_end(struct transfer *transfer, CURLcode code);

#endif
