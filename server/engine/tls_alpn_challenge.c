#include "tls_alpn_challenge.h"

/* Its address on an SSL says that a challenge's answer is asked for. */
static const char ASKED = 0;

/* RFC 7301 §3.1: the list's length in two octets, then each name after its length in one. */
static const unsigned char OFFER[] = "\x00\x0b\x0a" TLS_ALPN_CHALLENGE_PROTOCOL;

void tls_alpn_challenge_find(SSL *ssl)
{
    const unsigned char *offer = NULL;
    size_t n = 0;
    bool asked = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
                                           &offer, &n) == 1 &&
                 bytes_equal((struct bytes){(const char *)offer, n},
                             (struct bytes){(const char *)OFFER, sizeof(OFFER) - 1});
    SSL_set_app_data(ssl, asked ? (void *)&ASKED : NULL);
    if (asked) {
        SSL_set_options(ssl, SSL_OP_NO_TICKET);
        (void)SSL_set_num_tickets(ssl, 0);
    }
}

bool tls_alpn_challenge_is_asked(const SSL *ssl)
{
    return SSL_get_app_data(ssl) == &ASKED;
}

struct bytes tls_alpn_challenge_protocol(void)
{
    return BYTES(TLS_ALPN_CHALLENGE_PROTOCOL);
}
