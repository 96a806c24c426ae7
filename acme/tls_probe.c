#include "tls_probe.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "certificates/pair_open.h"

enum { LOOK_MS = 500 }; /* how often `abandon` is looked at */

static const unsigned char PROTOCOL[] = "\x0a"
                                        "acme-tls/1";

struct look {
    const struct tls_probe *probe;
    int fd;
    SSL_CTX *context;
    SSL *ssl;
    int64_t deadline_ms;
};

static void look_clear(struct look *look)
{
    SSL_free(look->ssl);
    SSL_CTX_free(look->context);
    file_close(&look->fd);
    ERR_clear_error();
}

/* A connection under way. */
static bool begin_connect(struct look *look, struct error *e)
{
    char port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    (void)snprintf(port, sizeof(port), "%d", look->probe->port);
    if (getaddrinfo(look->probe->address, port, &hints, &found) != 0) {
        return error_set(e, ERROR_SYNTAX, "it is no address");
    }
    look->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool begun = look->fd >= 0 && (connect(look->fd, found->ai_addr, found->ai_addrlen) == 0 ||
                                   errno == EINPROGRESS);
    int why = errno;
    freeaddrinfo(found);
    errno = why;
    return begun || error_system(e, "no connection");
}

static bool wait_for(const struct look *look, short events, struct error *e)
{
    for (;;) {
        int64_t left_ms = look->deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0 || atomic_load(look->probe->abandon)) {
            return error_set(e, ERROR_RETRY, "no answer in time");
        }
        struct pollfd ready = {.fd = look->fd, .events = events};
        if (poll(&ready, 1, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS) > 0) {
            return true;
        }
    }
}

static bool finish_connect(const struct look *look, struct error *e)
{
    int why = 0;
    socklen_t size = sizeof(why);
    if (!wait_for(look, POLLOUT, e)) {
        return false;
    }
    if (getsockopt(look->fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0 || why != 0) {
        errno = why != 0 ? why : errno;
        return error_system(e, "no connection");
    }
    return true;
}

/* What is shown is compared octet for octet: no chain is to be verified. */
static bool begin_tls(struct look *look, struct error *e)
{
    look->context = SSL_CTX_new(TLS_client_method());
    look->ssl = look->context != NULL ? SSL_new(look->context) : NULL;
    bool done = look->ssl != NULL && SSL_set_fd(look->ssl, look->fd) == 1 &&
                SSL_set_tlsext_host_name(look->ssl, look->probe->host) == 1 &&
                SSL_set_alpn_protos(look->ssl, PROTOCOL, sizeof(PROTOCOL) - 1) == 0;
    if (done) {
        SSL_set_verify(look->ssl, SSL_VERIFY_NONE, NULL);
    }
    return done || error_set(e, ERROR_SYSTEM, "OpenSSL cannot be set up");
}

static bool shake_hands(const struct look *look, struct error *e)
{
    for (;;) {
        ERR_clear_error();
        int result = SSL_connect(look->ssl);
        int reason = SSL_get_error(look->ssl, result);
        if (result == 1) {
            return true;
        }
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) {
            const char *why = ERR_reason_error_string(ERR_peek_last_error());
            return error_set(e, ERROR_NOT_FOUND, "%s",
                             why != NULL ? why : "the connection was closed");
        }
        if (!wait_for(look, reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, e)) {
            return false;
        }
    }
}

static bool compare(const struct look *look, struct error *e)
{
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *chain = NULL;
    const X509 *shown = SSL_get0_peer_certificate(look->ssl);
    if (look->probe->want == NULL) {
        return error_set(e, ERROR_SYSTEM, "the certificate to be found cannot be made");
    }
    if (!certificate_pair_open(look->probe->want, &leaf, &key, &chain, e)) {
        return false;
    }
    bool same = shown != NULL && X509_cmp(shown, leaf) == 0;
    X509_free(leaf);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    return same || error_set(e, ERROR_NOT_FOUND, "another server answers there");
}

bool tls_probe(const struct tls_probe *probe, struct error *e)
{
    CLEANUP(look_clear)
    struct look look = {
        .probe = probe,
        .fd = -1,
        .deadline_ms = clock_monotonic_ms() + probe->timeout_ms,
    };
    return begin_connect(&look, e) && finish_connect(&look, e) && begin_tls(&look, e) &&
           shake_hands(&look, e) && compare(&look, e);
}
