/* Has OpenSSL make and read session tickets with keys that change (server/engine/ticket_keys.h),
 * where by itself it keeps one for as long as the SSL_CTX lives. One per worker. */
#ifndef SERVER_ENGINE_TLS_TICKETS_H
#define SERVER_ENGINE_TLS_TICKETS_H

#include <openssl/ssl.h>

#include "server/engine/ticket_keys.h"

struct tls_tickets;

/* KEYS is copied. LIBRARY is that of the SSL_CTX and outlives what is returned. NULL: it has no
 * cipher for it. */
struct tls_tickets *tls_tickets_new(const struct ticket_keys *keys, OSSL_LIB_CTX *library);
/* Its keys are overwritten. No handshake may use it any more. NULL is fine. */
void tls_tickets_free(struct tls_tickets *tickets);

/* What OpenSSL hands to its callback (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)), … */
struct tls_ticket {
    const SSL *ssl;
    unsigned char *name;
    unsigned char *iv;
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
};

/* … which returns this. MAKE: a ticket is made; otherwise it is read. */
int tls_tickets_handle(const struct tls_tickets *tickets, const struct tls_ticket *ticket,
                       bool make);

/* On the thread that uses the SSL_CTX. */
void tls_tickets_set_keys(struct tls_tickets *tickets, const struct ticket_keys *keys);

#endif
