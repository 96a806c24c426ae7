/* Whatever a client's first octets are: nothing is ever said to it but alerts, where the table is
 * empty, unless it is a CA that asks for the one host on the board; and only that CA gets the
 * protocol "acme-tls/1". */
#include <stdint.h>
#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/buffer.h"
#include "server/engine/tls.h"
#include "server/engine/tls_alpn_challenge.h"

#define HOST "mta-sts.example.org"

enum { RECORD_HANDSHAKE = 22, FILE_MAX = 16 * 1024 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_context *tls;
static struct policy_index *policies;
static bool asked;
static unsigned hellos;
static bool offered; /* "acme-tls/1" and nothing else, as its octets stand in a ClientHello */

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void add_bio(struct buffer *text, BIO *bio)
{
    char *data = NULL;
    long n = BIO_get_mem_data(bio, &data);
    buffer_add(text, (struct bytes){data, (size_t)n});
    BIO_free(bio);
}

static struct certificate_pair *make_pair(void)
{
    struct buffer chain = BUFFER(FILE_MAX);
    struct buffer secret = BUFFER(FILE_MAX);
    struct certificate_pair *pair = NULL;
    struct error e;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:" HOST);
    X509_set_version(certificate, 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 7L * 24 * 3600);
    X509_add_ext(certificate, names, -1);
    X509_set_pubkey(certificate, key);
    require(X509_sign(certificate, key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    require(PEM_write_bio_X509(bio, certificate) == 1);
    add_bio(&chain, bio);
    bio = BIO_new(BIO_s_mem());
    require(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    add_bio(&secret, bio);
    require(certificate_pair_parse(buffer_bytes(&chain), "chain", buffer_bytes(&secret), "key",
                                   &pair, &e));
    buffer_clear(&chain);
    buffer_clear(&secret);
    X509_EXTENSION_free(names);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pair;
}

static void serve_domain(const char *domain)
{
    struct error e;
    struct policy *policy = NULL;
    const struct policy_terms terms = {.mode = POLICY_NONE, .max_age_s = 86400};
    require(policy_new(&terms, &policy, &e));
    policy_index_set_own(policies, policy_index_claim(policies, bytes_of(domain)), policy);
}

static void on_asked(struct bytes host, void *context)
{
    (void)context;
    require(bytes_equal(host, BYTES("mta-sts.example.net")) || bytes_equal(host, BYTES(HOST)));
    asked = true;
}

/* Handshake messages come in whole, however they were cut into records. */
static void on_message(int is_write, int version, int content_type, const void *octets,
                       size_t length, SSL *ssl, void *context)
{
    /* RFC 7301 §3.1: type, length, the list's length, one name. */
    static const char EXTENSION[] = "\x00\x10\x00\x0d\x00\x0b\x0a" TLS_ALPN_CHALLENGE_PROTOCOL;
    (void)version;
    (void)ssl;
    (void)context;
    if (!is_write && content_type == RECORD_HANDSHAKE) {
        hellos++;
        offered |= memmem(octets, length, EXTENSION, sizeof(EXTENSION) - 1) != NULL;
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct error e;
    rcu_reader_register();
    struct challenge_board *board = challenge_board_new();
    struct certificate_pair *pair = make_pair();
    challenge_board_post(board, HOST, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", pair);
    certificate_pair_unref(pair);
    policies = policy_index_new();
    serve_domain("example.org");
    serve_domain("example.net");
    const struct tls_options options = {
        .certificates = certificate_table_new(),
        .cache = 2,
        .http2 = true,
        .board = board,
        .asked = on_asked,
        .policies = policies,
    };
    require(tls_context_new(&options, &tls, &e));
    SSL_CTX_set_msg_callback(tls_context_ssl(tls), on_message);
    return 0;
}

/* As RFC 6066 §3 compares names; one trailing dot is let through. */
static bool names_host(const SSL *ssl)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    return name != NULL && (strcasecmp(name, HOST) == 0 || strcasecmp(name, HOST ".") == 0);
}

static void check(const SSL *ssl, BIO *out)
{
    const unsigned char *protocol = NULL;
    unsigned n = 0;
    char *answer = NULL;
    long answered = BIO_get_mem_data(out, &answer);
    SSL_get0_alpn_selected(ssl, &protocol, &n);
    require(n == 0 || bytes_equal((struct bytes){(const char *)protocol, n},
                                  BYTES(TLS_ALPN_CHALLENGE_PROTOCOL)));
    if (n != 0 || (answered > 0 && answer[0] == RECORD_HANDSHAKE)) {
        /* Who was asked to retry its first hello may say anything in the second: names_host is
         * about that one, the answer about the first. */
        require(offered && (hellos > 1 || (names_host(ssl) && !asked)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SSL *ssl = SSL_new(tls_context_ssl(tls));
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    require(ssl != NULL && in != NULL && out != NULL);
    SSL_set_bio(ssl, in, out);
    asked = offered = false;
    hellos = 0;
    if (size != 0 && BIO_write(in, data, (int)size) == (int)size) {
        require(SSL_accept(ssl) != 1); /* nobody finishes without having seen our part */
    }
    check(ssl, out);
    SSL_free(ssl);
    return 0;
}
