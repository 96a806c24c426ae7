/* Makes the alerts of failed handshakes reach the client.
 *
 * h2o 2.2.5 collects what OpenSSL writes during a handshake and sends it when SSL_accept is content
 * or wants to read; when the handshake fails it closes the connection with the alert still in its
 * buffer, and the client sees a bare end of file. So for the time of the handshake the SSL gets a
 * write BIO that sends to the descriptor at once. What the kernel does not take, and everything
 * after it, goes the usual way through h2o, so that nothing is reordered or lost. */
#ifndef SERVER_ENGINE_TLS_ALERT_H
#define SERVER_ENGINE_TLS_ALERT_H

#include <h2o/socket.h>
#include <openssl/ssl.h>

/* One for each SSL_CTX, freed with BIO_meth_free after all its SSLs. NULL: out of memory. */
BIO_METHOD *tls_alert_method_new(void);

/* For the info callback, on SSL_CB_HANDSHAKE_START and on SSL_CB_HANDSHAKE_DONE; and around any
 * alert that is to be sent at once. */
void tls_alert_handshake_start(SSL *ssl, const BIO_METHOD *method);
void tls_alert_handshake_done(SSL *ssl);

/* The socket that SSL reads from, during its handshake as well; NULL where that is none of h2o's.
 */
h2o_socket_t *tls_alert_socket(const SSL *ssl);

#endif
