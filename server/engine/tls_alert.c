#include "tls_alert.h"

#include <sys/socket.h>

#include "lib/base/memory.h"
#include "server/engine/tls_hello_bio.h"

struct direct {
    BIO *behind; /* h2o's; the SSL reads from it and outlives us */
    int fd;
    bool spilled;
};

h2o_socket_t *tls_alert_socket(const SSL *ssl)
{
    BIO *bio = tls_hello_bio_behind(ssl);
    return bio != NULL && strcmp(BIO_method_name(bio), "h2o_socket") == 0 ? BIO_get_data(bio)
                                                                          : NULL;
}

static int direct_write(BIO *bio, const char *data, int n)
{
    struct direct *direct = BIO_get_data(bio);
    ssize_t sent = 0;
    if (!direct->spilled && n > 0) {
        sent = send(direct->fd, data, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
        /* An error is left to h2o, which meets it again when it writes. */
        sent = sent > 0 ? sent : 0;
        direct->spilled = sent < n;
    }
    if (sent < n) {
        int rest = BIO_write(direct->behind, data + sent, n - (int)sent);
        return rest == n - sent ? n : -1;
    }
    return n;
}

static long direct_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int direct_destroy(BIO *bio)
{
    free(BIO_get_data(bio));
    return 1;
}

BIO_METHOD *tls_alert_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "direct");
    if (method != NULL) {
        BIO_meth_set_write(method, direct_write);
        BIO_meth_set_ctrl(method, direct_control);
        BIO_meth_set_destroy(method, direct_destroy);
    }
    return method;
}

void tls_alert_handshake_start(SSL *ssl, const BIO_METHOD *method)
{
    h2o_socket_t *socket = tls_alert_socket(ssl);
    BIO *behind = tls_hello_bio_behind(ssl);
    BIO *bio = socket != NULL && SSL_get_wbio(ssl) == behind ? BIO_new(method) : NULL;
    if (bio == NULL) {
        return;
    }
    struct direct *direct = memory_zero(1, sizeof(*direct));
    direct->behind = behind;
    direct->fd = h2o_socket_get_fd(socket);
    BIO_set_data(bio, direct);
    BIO_set_init(bio, 1);
    SSL_set0_wbio(ssl, bio);
}

void tls_alert_handshake_done(SSL *ssl)
{
    BIO *bio = tls_hello_bio_behind(ssl);
    if (tls_alert_socket(ssl) != NULL && SSL_get_wbio(ssl) != bio && BIO_up_ref(bio) == 1) {
        SSL_set0_wbio(ssl, bio);
    }
}
