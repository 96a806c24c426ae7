/* TLS of one worker: one SSL_CTX for all names; the certificate is looked up by SNI in the table
 * during the handshake, so an edit of the certificates needs no new context.
 *
 *     struct tls_options options = {.certificates = tables->certificates, .cache = 1000,
 *                                   .http2 = true, .named = remember_name};
 *     if (!tls_context_new(&options, &tls, e)) …
 *     h2o_socket_ssl_handshake(socket, tls_context_ssl(tls), NULL, on_handshake);
 *
 * TLS 1.2 and 1.3, ECDHE with AEAD ciphers only, no compression, no renegotiation. Alerts reach the
 * client (server/engine/tls_alert.h): a name without a certificate `unrecognized_name`, no SNI
 * `missing_extension` in TLS 1.3 and `unrecognized_name` in 1.2 (RFC 6066 §3, RFC 8446 §9.2), no
 * common ALPN protocol `no_application_protocol` (RFC 7301 §3.2).
 *
 * Where there is a board, a CA's tls-alpn-01 handshake (server/engine/tls_alpn_challenge.h) is
 * answered with the host's notice, whatever the table holds, and ends with the protocol
 * TLS_ALPN_CHALLENGE_PROTOCOL: close such a connection, no HTTP is for it. It is never `named`.
 * Without a notice it fails as an unknown name does. */
#ifndef SERVER_ENGINE_TLS_H
#define SERVER_ENGINE_TLS_H

#include <openssl/ssl.h>

#include "acme/challenges/challenge_board.h"
#include "lib/base/error.h"
#include "lib/certificates/certificate_table.h"
#include "policies/model/policy_index.h"
#include "server/engine/ticket_keys.h"

struct tls_context;

struct tls_options {
    const struct certificate_table *certificates; /* borrowed, outlives the context */
    /* Until it is true what is not in `certificates` may still come, and such a handshake fails
     * with `internal_error`: nobody is to believe that the name is not ours. NULL: all is there. */
    const _Atomic bool *known;
    size_t cache; /* parsed certificates kept, at least 2 */
    bool http2;   /* offer "h2" before "http/1.1" */
    /* The same for every worker, or NULL: no session tickets. Copied. */
    const struct ticket_keys *ticket_keys;
    /* Called during the handshake when SSL's client names a host that has a certificate, with
     * that name normalised (lower case, no trailing dot; it is also called where a session is
     * resumed, and twice after a HelloRetryRequest). NAME is gone afterwards: copy it. Requests on
     * that connection for any other host are answered with 421. May be NULL. */
    void (*named)(SSL *ssl, struct bytes name, void *context);
    void *named_context;
    /* Called where SSL's handshake fails since it asks for no name, or for one that has no
     * certificate. May be NULL. */
    void (*unknown)(SSL *ssl);
    /* For clients that ask for no name: they connect to an address, as a balancer's health check
     * does, and `named` is called with an empty name. Borrowed; NULL: they fail. */
    struct certificate_pair *nameless;
    /* NULL: no ACME. Borrowed, outlives the context. */
    const struct challenge_board *board;
    /* Called where a client names a HOST that has no certificate though it is the policy host of a
     * domain in POLICIES (borrowed, outlives the context); normalised, gone afterwards. The
     * handshake fails all the same. May be NULL. */
    void (*asked)(struct bytes host, void *context);
    void *asked_context;
    const struct policy_index *policies; /* may be NULL where `asked` is */
};

/* Made, used and freed on one thread, which is a registered RCU reader. */
bool tls_context_new(const struct tls_options *options, struct tls_context **ret_tls,
                     struct error *e) MUST_USE;
/* No connection may be left. NULL is fine. */
void tls_context_free(struct tls_context *tls);

/* To be called once a second or more often: what was parsed of certificates that were withdrawn
 * goes, with their keys. Costs next to nothing where none was. */
void tls_context_tend(struct tls_context *tls);

/* Uses KEYS (copied) from now on, where tickets are given at all. */
void tls_context_set_ticket_keys(struct tls_context *tls, const struct ticket_keys *keys);

/* Borrowed: for h2o_socket_ssl_handshake. */
SSL_CTX *tls_context_ssl(struct tls_context *tls);

/* Sends SSL's close_notify, and nothing else may be written after it; the socket stays open.
 * Nothing of ours may be waiting to be written. */
void tls_say_goodbye(struct tls_context *tls, SSL *ssl);

#endif
