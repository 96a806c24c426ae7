/* Ends a handshake in which the client announces a message of more than TLS_HELLO_MAX, before
 * OpenSSL makes room for it.
 *
 * For the time of the handshake the SSL reads through a BIO of ours, which hands on what the one
 * behind it has, keeps nothing of it, and shows it to a tls_hello_guard. When that refuses, the
 * client is told so by the alert that OpenSSL has for its own limit, and the read fails. */
#ifndef SERVER_ENGINE_TLS_HELLO_BIO_H
#define SERVER_ENGINE_TLS_HELLO_BIO_H

#include <openssl/ssl.h>

/* One for each SSL_CTX, freed with BIO_meth_free after all its SSLs. NULL: out of memory. */
BIO_METHOD *tls_hello_bio_method_new(void);

/* For the info callback, on SSL_CB_HANDSHAKE_START and on SSL_CB_HANDSHAKE_DONE. The second puts
 * back the BIO that the first found. */
void tls_hello_bio_handshake_start(SSL *ssl, const BIO_METHOD *method);
void tls_hello_bio_handshake_done(SSL *ssl);

/* What SSL reads from, where a BIO of ours stands before it as well; the SSL owns it. NULL: none.
 */
BIO *tls_hello_bio_behind(const SSL *ssl);

#endif
