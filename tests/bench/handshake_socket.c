#include "handshake_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOURCES = 250 };

/* Without it OpenSSL builds a chain even where nobody asks for the outcome. */
static int accept_chain(X509_STORE_CTX *store, void *argument)
{
    (void)store;
    (void)argument;
    return 1;
}

SSL_CTX *handshake_context_new(bool hybrid)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(context, hybrid ? "X25519MLKEM768" : "X25519") != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_cert_verify_callback(context, accept_chain, NULL);
    return context;
}

int handshake_socket_open(uint64_t port, uint64_t number, bool nagle)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1, nodelay = !nagle;
    const uint32_t source = (uint32_t)(1 + number % SOURCES);
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (source << 8))};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0) {
        return -1;
    }
    bool good = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof(nodelay)) == 0 &&
                setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) == 0 &&
                bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0;
    if (!good || (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)) {
        close(fd);
        return -1;
    }
    return fd;
}

void handshake_name(uint64_t number, char *ret_name)
{
    (void)snprintf(ret_name, HANDSHAKE_NAME_MAX, "mta-sts.tenant-%07" PRIu64 ".example", number);
}

SSL *handshake_new(SSL_CTX *context, int fd, const char *name)
{
    SSL *ssl = SSL_new(context);
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1) {
        SSL_set_connect_state(ssl);
        return ssl;
    }
    SSL_free(ssl);
    return NULL;
}
