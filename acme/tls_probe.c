#include "tls_probe.h"

#include <openssl/err.h>

static const unsigned char PROTOCOLS[] = "\x0a"
                                         "acme-tls/1";

static bool is_same(const X509 *shown, struct bytes want)
{
    unsigned char *octets = NULL;
    int n = shown != NULL ? i2d_X509(shown, &octets) : -1;
    bool same = n > 0 && bytes_equal((struct bytes){(char *)octets, (size_t)n}, want);
    OPENSSL_free(octets);
    return same;
}

/* In the place of OpenSSL's verification: what is shown is compared, and no chain is verified. The
 * server has chosen the protocol by then, in TLS 1.2 as in 1.3. */
static int on_certificate(X509_STORE_CTX *store_context, void *context)
{
    struct tls_probe *probe = context;
    const SSL *ssl =
        X509_STORE_CTX_get_ex_data(store_context, SSL_get_ex_data_X509_STORE_CTX_idx());
    const unsigned char *protocol = NULL;
    unsigned n = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &n);
    probe->agreed = n == PROTOCOLS[0] && memcmp(protocol, PROTOCOLS + 1, n) == 0;
    probe->same =
        is_same(X509_STORE_CTX_get0_cert(store_context), certificate_pair_leaf(probe->want));
    return 1;
}

void tls_probe_setup(SSL_CTX *context, void *probe)
{
    SSL_CTX_set_cert_verify_callback(context, on_certificate, probe);
    if (SSL_CTX_set_alpn_protos(context, PROTOCOLS, sizeof(PROTOCOLS) - 1) != 0) {
        abort(); /* out of memory */
    }
}

bool tls_probe_judge(const struct tls_probe *probe, struct error *e)
{
    if (!probe->agreed) {
        return error_set(e, ERROR_NOT_FOUND, "the server there does not agree on acme-tls/1");
    }
    return probe->same || error_set(e, ERROR_NOT_FOUND, "another server answers there");
}
