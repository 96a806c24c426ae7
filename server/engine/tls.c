#include "tls.h"

#include <stdatomic.h>

#include <openssl/err.h>

#include "lib/base/clock.h"
#include "lib/base/rcu_table.h"
#include "lib/certificates/certificate_cache.h"
#include "lib/tls/tls_groups.h"
#include "lib/tls/tls_library.h"
#include "server/answers/target.h"
#include "server/engine/tls_alert.h"
#include "server/engine/tls_alpn_challenge.h"
#include "server/engine/tls_hello_bio.h"
#include "server/engine/tls_tickets.h"

struct tls_context {
    struct tls_library *library;
    SSL_CTX *ssl;
    BIO_METHOD *direct;
    BIO_METHOD *hello;
    struct certificate_cache *cache;
    struct tls_tickets *tickets; /* NULL: none are given */
    uint64_t withdrawals;        /* the table's, when the cache was last cleared of them */
    struct tls_options options;
};

/* Forward secrecy and AEAD only (RFC 9325 §4.2), AES-128 first: nothing here outlives a day, and it
 * costs least. A client without AES instructions that puts ChaCha20 first gets it. */
static const char CIPHERS_TLS_1_2[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char CIPHERS_TLS_1_3[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
/* ECDSA before RSA: where a name has both, a client that can takes the cheaper one. */
static const char SIGNATURES[] = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:"
                                 "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"
                                 "RSA+SHA256:RSA+SHA384:RSA+SHA512";

static const uint64_t OPTIONS = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;

/* References to the pairs, so that parsing them is not part of the read section. */
static bool find_pairs(const struct tls_context *tls, struct bytes name,
                       struct certificate_choice *ret_choice)
{
    rcu_read_begin();
    bool found =
        certificate_table_find(tls->options.certificates, name, clock_wall_s(), ret_choice);
    if (found && ret_choice->ecdsa != NULL) {
        (void)certificate_pair_ref(ret_choice->ecdsa);
    }
    if (found && ret_choice->rsa != NULL) {
        (void)certificate_pair_ref(ret_choice->rsa);
    }
    rcu_read_end();
    return found;
}

/* Both are put there: OpenSSL knows best which of them the client's ciphers, curves and signature
 * algorithms allow. Most names have one. */
static bool use_pairs(struct tls_context *tls, const struct certificate_choice *choice, SSL *ssl)
{
    struct certificate_pair *const pairs[] = {choice->rsa, choice->ecdsa};
    bool used = false;
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        struct error ignored;
        used |= pairs[i] != NULL && certificate_cache_use(tls->cache, pairs[i], ssl, &ignored);
        certificate_pair_unref(pairs[i]);
    }
    return used;
}

static bool use_challenge(struct tls_context *tls, const struct dns_name *name, SSL *ssl)
{
    struct error ignored;
    struct certificate_pair *pair = challenge_board_pair(tls->options.board, dns_name_bytes(name));
    bool used = pair != NULL && certificate_cache_use(tls->cache, pair, ssl, &ignored);
    if (used) { /* a key for a few handshakes */
        certificate_cache_forget(tls->cache, pair);
    }
    certificate_pair_unref(pair);
    return used;
}

static bool use_nameless(struct tls_context *tls, SSL *ssl)
{
    struct error ignored;
    if (tls->options.nameless == NULL ||
        !certificate_cache_use(tls->cache, tls->options.nameless, ssl, &ignored)) {
        return false;
    }
    if (tls->options.named != NULL) {
        tls->options.named(ssl, BYTES(""), tls->options.named_context);
    }
    return true;
}

static void tell_unknown(const struct tls_context *tls, SSL *ssl)
{
    if (tls->options.unknown != NULL) {
        tls->options.unknown(ssl);
    }
}

static void tell_missing(const struct tls_context *tls, const struct dns_name *name)
{
    if (tls->options.asked != NULL && target_is_served(tls->options.policies, name)) {
        tls->options.asked(dns_name_bytes(name), tls->options.asked_context);
    }
}

/* In a ClientHello, each of two octets: all that are assigned, and some that nobody knows. OpenSSL
 * keeps a pointer of eight octets for each that it knows, until the end of the handshake and
 * however often it was named; without a bound a hello of TLS_HELLO_MAX would hold six times as
 * much. */
enum { CIPHERS_MAX = 512 };

/* OpenSSL calls it for each ClientHello before it looks at it itself. */
static int on_client_hello(SSL *ssl, int *alert, void *argument)
{
    const struct tls_context *tls = argument;
    const unsigned char *ignored = NULL;
    if (SSL_client_hello_get0_ciphers(ssl, &ignored) > 2 * (size_t)CIPHERS_MAX) {
        *alert = SSL_AD_ILLEGAL_PARAMETER;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (tls->options.board != NULL) {
        tls_alpn_challenge_find(ssl);
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* OpenSSL calls it for each ClientHello, with or without a name, once the version is settled; it is
 * the one callback that can choose the alert. */
static int on_server_name(SSL *ssl, int *alert, void *argument)
{
    struct tls_context *tls = argument;
    const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    struct dns_name name;
    struct certificate_choice choice = {NULL, NULL};
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    if (sni == NULL) {
        if (use_nameless(tls, ssl)) {
            return SSL_TLSEXT_ERR_OK;
        }
        tell_unknown(tls, ssl);
        if (SSL_version(ssl) == TLS1_3_VERSION) {
            *alert = SSL_AD_MISSING_EXTENSION;
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    /* RFC 6066 §3 has no trailing dot, some clients send one. A wildcard would match any octets in
     * the first label: only what host names are made of is let through. */
    if (!dns_name_fold(bytes_of(sni), &name)) {
        tell_unknown(tls, ssl);
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (tls_alpn_challenge_is_asked(ssl)) {
        return use_challenge(tls, &name, ssl) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    bool known =
        tls->options.known == NULL || atomic_load(tls->options.known); /* before the look */
    if (!find_pairs(tls, dns_name_bytes(&name), &choice)) {
        if (!known) {
            *alert = SSL_AD_INTERNAL_ERROR;
            return SSL_TLSEXT_ERR_ALERT_FATAL;
        }
        tell_unknown(tls, ssl);
        tell_missing(tls, &name);
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (!use_pairs(tls, &choice, ssl)) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (tls->options.named != NULL) {
        tls->options.named(ssl, dns_name_bytes(&name), tls->options.named_context);
    }
    return SSL_TLSEXT_ERR_OK;
}

/* Protocols as in RFC 7301 §3.1: each with its length before it. Ours in our order of preference;
 * without HTTP/2 the first is left out. */
static const unsigned char PROTOCOLS[] = "\x02h2\x08http/1.1";
enum { PROTOCOL_HTTP2_LENGTH = 3 };

static int on_protocols(SSL *ssl, const unsigned char **selected, unsigned char *selected_length,
                        const unsigned char *offered, unsigned int offered_length, void *argument)
{
    const struct tls_context *tls = argument;
    if (tls_alpn_challenge_is_asked(ssl)) {
        struct bytes protocol = tls_alpn_challenge_protocol();
        *selected = (const unsigned char *)protocol.p;
        *selected_length = (unsigned char)protocol.n;
        return SSL_TLSEXT_ERR_OK;
    }
    size_t skip = tls->options.http2 ? 0 : PROTOCOL_HTTP2_LENGTH;
    unsigned char *choice = NULL;
    if (SSL_select_next_proto(&choice, selected_length, PROTOCOLS + skip,
                              (unsigned)(sizeof(PROTOCOLS) - 1 - skip), offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *selected = choice;
    return SSL_TLSEXT_ERR_OK;
}

static void on_info(const SSL *ssl, int where, int value)
{
    (void)value;
    const struct tls_context *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    /* OpenSSL hands its callback a const SSL; changing the BIO is what known users do here. */
    if ((where & SSL_CB_HANDSHAKE_START) != 0) {
        tls_alert_handshake_start((SSL *)ssl, tls->direct);
        tls_hello_bio_handshake_start((SSL *)ssl, tls->hello);
    } else if ((where & SSL_CB_HANDSHAKE_DONE) != 0) {
        tls_alert_handshake_done((SSL *)ssl);
        tls_hello_bio_handshake_done((SSL *)ssl);
        /* Its work is done. A connection that lasts would keep a withdrawn key with it. */
        SSL_certs_clear((SSL *)ssl);
    }
}

/* NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL's own type */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int make)
{
    const struct tls_context *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const struct tls_ticket ticket = {ssl, name, iv, cipher, mac};
    return tls_tickets_handle(tls->tickets, &ticket, make != 0);
}

static bool set_tickets(struct tls_context *tls)
{
    /* A server-side cache would be a lock, and would be asked for each session. */
    SSL_CTX_set_session_cache_mode(tls->ssl, SSL_SESS_CACHE_OFF);
    if (tls->options.ticket_keys == NULL) {
        SSL_CTX_set_options(tls->ssl, SSL_OP_NO_TICKET);
        return SSL_CTX_set_num_tickets(tls->ssl, 0) == 1;
    }
    tls->tickets = tls_tickets_new(tls->options.ticket_keys, tls_library_context(tls->library));
    (void)SSL_CTX_set_timeout(tls->ssl, TICKET_KEYS_PERIOD_S);
    return tls->tickets != NULL && SSL_CTX_set_tlsext_ticket_key_evp_cb(tls->ssl, on_ticket) == 1 &&
           SSL_CTX_set_num_tickets(tls->ssl, 1) == 1;
}

static bool set_up(struct tls_context *tls)
{
    SSL_CTX *ssl = tls->ssl =
        SSL_CTX_new_ex(tls_library_context(tls->library), NULL, TLS_server_method());
    tls->direct = tls_alert_method_new();
    tls->hello = tls_hello_bio_method_new();
    if (ssl == NULL || tls->direct == NULL || tls->hello == NULL) {
        return false;
    }
    /* Whatever openssl.cnf says, which belongs to other programs: 112 bits of security. */
    SSL_CTX_set_security_level(ssl, 2);
    SSL_CTX_set_options(ssl, OPTIONS);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_app_data(ssl, tls);
    SSL_CTX_set_client_hello_cb(ssl, on_client_hello, tls);
    SSL_CTX_set_tlsext_servername_callback(ssl, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(ssl, tls);
    SSL_CTX_set_alpn_select_cb(ssl, on_protocols, tls);
    SSL_CTX_set_info_callback(ssl, on_info);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ssl, CIPHERS_TLS_1_2) == 1 &&
           SSL_CTX_set_ciphersuites(ssl, CIPHERS_TLS_1_3) == 1 && tls_groups_set(ssl) != NULL &&
           SSL_CTX_set1_sigalgs_list(ssl, SIGNATURES) == 1 && set_tickets(tls);
}

bool tls_context_new(const struct tls_options *options, struct tls_context **ret_tls,
                     struct error *e)
{
    struct tls_context *tls = memory_zero(1, sizeof(*tls));
    tls->options = *options;
    if (!tls_library_new(&tls->library, e)) {
        free(tls);
        return false;
    }
    bool done = set_up(tls);
    tls->options.ticket_keys = NULL; /* copied */
    if (!done) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        ERR_clear_error();
        tls_context_free(tls);
        return error_set(e, ERROR_SYSTEM, "OpenSSL cannot be set up: %s",
                         reason != NULL ? reason : "no reason given");
    }
    tls->cache = certificate_cache_new(options->cache, tls_library_context(tls->library));
    *ret_tls = tls;
    return true;
}

void tls_context_free(struct tls_context *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->ssl);
        tls_tickets_free(tls->tickets);
        BIO_meth_free(tls->direct);
        BIO_meth_free(tls->hello);
        certificate_cache_free(tls->cache);
        tls_library_free(tls->library);
        free(tls);
    }
}

void tls_context_tend(struct tls_context *tls)
{
    uint64_t withdrawals = certificate_table_withdrawals(tls->options.certificates);
    if (withdrawals != tls->withdrawals) {
        tls->withdrawals = withdrawals;
        certificate_cache_forget_withdrawn(tls->cache);
    }
}

void tls_context_set_ticket_keys(struct tls_context *tls, const struct ticket_keys *keys)
{
    if (tls->tickets != NULL) {
        tls_tickets_set_keys(tls->tickets, keys);
    }
}

SSL_CTX *tls_context_ssl(struct tls_context *tls)
{
    return tls->ssl;
}

void tls_say_goodbye(struct tls_context *tls, SSL *ssl)
{
    tls_alert_handshake_start(ssl, tls->direct); /* sends to the descriptor at once */
    (void)SSL_shutdown(ssl);
    tls_alert_handshake_done(ssl);
    ERR_clear_error();
}
