#include "tls_hello_bio.h"

#include "lib/base/memory.h"
#include "server/engine/tls_hello_guard.h"

static const char NAME[] = "hello guard";

struct guarded {
    SSL *ssl;    /* it owns us */
    BIO *behind; /* ours, until the SSL has it back */
    struct tls_hello_guard guard;
};

static bool is_ours(const BIO *bio)
{
    return bio != NULL && strcmp(BIO_method_name(bio), NAME) == 0;
}

/* While a hello is read there are no keys: the alert stands in plain text, in the record layer's
 * version for all there is (RFC 8446 §5.1). What was written before has been sent. */
static void tell_client(const SSL *ssl)
{
    static const unsigned char ALERT[] = {
        SSL3_RT_ALERT, TLS1_2_VERSION_MAJOR,    TLS1_2_VERSION_MINOR, 0, 2,
        SSL3_AL_FATAL, SSL_AD_ILLEGAL_PARAMETER};
    BIO *bio = SSL_get_wbio(ssl);
    if (bio != NULL) {
        (void)BIO_write(bio, ALERT, sizeof(ALERT));
    }
}

/* OpenSSL reads no further than it has understood. So once the version is TLS 1.2 the hello is
 * whole, no second one is taken, what else is taken has narrow limits of OpenSSL's own, and some of
 * it is encrypted in records that look like plain ones: the guard's work is done. In TLS 1.3 a
 * second hello may follow, and encrypted records say that they are. */
static bool may_pass(struct guarded *guarded, struct bytes octets)
{
    return SSL_version(guarded->ssl) == TLS1_2_VERSION ||
           tls_hello_guard_pass(&guarded->guard, octets);
}

static int guarded_read(BIO *bio, char *data, int n)
{
    struct guarded *guarded = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    int got = BIO_read(guarded->behind, data, n);
    if (got <= 0) {
        BIO_set_flags(bio, BIO_get_retry_flags(guarded->behind));
        return got;
    }
    if (!may_pass(guarded, (struct bytes){data, (size_t)got})) {
        tell_client(guarded->ssl);
        return -1;
    }
    return got;
}

static long guarded_control(BIO *bio, int command, long number, void *pointer)
{
    struct guarded *guarded = BIO_get_data(bio);
    return BIO_ctrl(guarded->behind, command, number, pointer);
}

static int guarded_destroy(BIO *bio)
{
    struct guarded *guarded = BIO_get_data(bio);
    if (guarded != NULL) {
        BIO_free(guarded->behind);
        free(guarded);
    }
    return 1;
}

BIO_METHOD *tls_hello_bio_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, NAME);
    if (method != NULL) {
        BIO_meth_set_read(method, guarded_read);
        BIO_meth_set_ctrl(method, guarded_control);
        BIO_meth_set_destroy(method, guarded_destroy);
    }
    return method;
}

void tls_hello_bio_handshake_start(SSL *ssl, const BIO_METHOD *method)
{
    BIO *behind = SSL_get_rbio(ssl);
    BIO *bio = behind != NULL && !is_ours(behind) ? BIO_new(method) : NULL;
    if (bio == NULL) {
        return;
    }
    struct guarded *guarded = memory_zero(1, sizeof(*guarded));
    guarded->ssl = ssl;
    guarded->behind = behind;
    (void)BIO_up_ref(behind);
    BIO_set_data(bio, guarded);
    BIO_set_init(bio, 1);
    SSL_set0_rbio(ssl, bio);
}

void tls_hello_bio_handshake_done(SSL *ssl)
{
    if (is_ours(SSL_get_rbio(ssl))) {
        BIO *behind = tls_hello_bio_behind(ssl);
        (void)BIO_up_ref(behind);
        SSL_set0_rbio(ssl, behind);
    }
}

BIO *tls_hello_bio_behind(const SSL *ssl)
{
    BIO *bio = SSL_get_rbio(ssl);
    const struct guarded *guarded = is_ours(bio) ? BIO_get_data(bio) : NULL;
    return guarded != NULL ? guarded->behind : bio;
}
