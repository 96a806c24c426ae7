/* The probe against servers of this test's own, over loopback, through the same transfers as a
 * look's.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "acme/protocol/alpn_certificate.h"
#include "acme/tls_probe.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"
#include "lib/certificates/pair_open.h"
#include "lib/fetch/transfer_group.h"

static const char HOST[] = "mta-sts.example.org";

struct server {
    SSL_CTX *context;
    int listener;
    int port;
    const char *protocol; /* what it agrees on; NULL: it knows no ALPN */
    pthread_t thread;
    char name[64];      /* seen: SNI … */
    char announced[64]; /* … and ALPN, as on the wire */
};

static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_n,
                           const unsigned char *announced, unsigned n, void *context)
{
    struct server *server = context;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(server->name, sizeof(server->name), "%s", name != NULL ? name : "");
    snprintf(server->announced, sizeof(server->announced), "%.*s", (int)n, (const char *)announced);
    if (server->protocol == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *ret = (const unsigned char *)server->protocol;
    *ret_n = (unsigned char)strlen(server->protocol);
    return SSL_TLSEXT_ERR_OK;
}

static void *serve_one(void *context)
{
    const struct server *server = context;
    int fd = accept(server->listener, NULL, NULL);
    SSL *ssl = SSL_new(server->context);
    char octet = 0;
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        (void)SSL_read(ssl, &octet, 1); /* until the client goes */
    }
    SSL_free(ssl);
    close(fd);
    return NULL;
}

static struct certificate_pair *make_pair(void)
{
    struct certificate_pair *pair = NULL;
    struct error e;
    if (!alpn_certificate_make(HOST, BYTES("token.thumbprint"), clock_wall_s(), &pair, &e)) {
        fail_msg("%s", e.text);
    }
    return pair;
}

static void server_begin(struct server *server, const struct certificate_pair *pair, int tls_max)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(place);
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *chain = NULL;
    struct error e;
    assert_true(certificate_pair_open(pair, &leaf, &key, &chain, &e));
    server->context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_cert_and_key(server->context, leaf, key, NULL, 1), 1);
    SSL_CTX_set_max_proto_version(server->context, tls_max);
    SSL_CTX_set_alpn_select_cb(server->context, choose_protocol, server);
    X509_free(leaf);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&place, sizeof(place)), 0);
    assert_int_equal(listen(server->listener, 1), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&place, &n), 0);
    server->port = ntohs(place.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve_one, server), 0);
}

static void server_end(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
    SSL_CTX_free(server->context);
}

struct outcome {
    bool ended;
    enum transfer_result result;
};

static void on_done(struct transfer *transfer, enum transfer_result result, void *context)
{
    struct outcome *outcome = context;
    (void)transfer;
    *outcome = (struct outcome){true, result};
}

static enum transfer_result look(const struct server *server, struct tls_probe *probe)
{
    struct outcome outcome = {0};
    CLEANUP_FREE char *url = memory_printf("https://%s:%d/", HOST, server->port);
    CLEANUP_FREE char *place = memory_printf("127.0.0.1:%d", server->port);
    struct transfer_group *group = NULL;
    struct error e;
    assert_true(transfer_group_new(0, &group, &e));
    transfer_group_add(group,
                       transfer_new(&(struct transfer_request){
                           .url = url,
                           .protocols = "https",
                           .timeout_ms = 20000,
                           .connect_to = place,
                           .unverified = true,
                           .connect_only = true,
                           .no_alpn = true,
                           .tls_setup = tls_probe_setup,
                           .tls_setup_context = probe,
                       }),
                       on_done, NULL, &outcome);
    while (!outcome.ended) {
        transfer_group_wait(group, 1000, -1);
        transfer_group_run(group);
    }
    transfer_group_free(group);
    return outcome.result;
}

static void test_servers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int tls_max;
        const char *protocol;
        bool same; /* it shows what is wanted, and not another certificate for the same name */
        bool agreed;
        bool good;
    } rows[] = {
        {"ours", TLS1_3_VERSION, "acme-tls/1", true, true, true},
        {"ours by TLS 1.2", TLS1_2_VERSION, "acme-tls/1", true, true, true},
        {"another certificate", TLS1_3_VERSION, "acme-tls/1", false, true, false},
        {"another certificate by TLS 1.2", TLS1_2_VERSION, "acme-tls/1", false, true, false},
        {"no ALPN", TLS1_3_VERSION, NULL, true, false, false},
        {"no ALPN by TLS 1.2", TLS1_2_VERSION, NULL, true, false, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct certificate_pair *pair = make_pair();
        struct certificate_pair *other = make_pair();
        struct server server = {.protocol = rows[i].protocol};
        struct tls_probe probe = {.want = pair};
        struct error e;
        server_begin(&server, rows[i].same ? pair : other, rows[i].tls_max);
        enum transfer_result result = look(&server, &probe);
        server_end(&server);
        bool good = tls_probe_judge(&probe, &e);
        certificate_pair_unref(pair);
        certificate_pair_unref(other);
        print_message("%s\n", rows[i].name);
        assert_int_equal(result, TRANSFER_DONE);
        assert_string_equal(server.name, HOST);
        assert_string_equal(server.announced, "\x0a"
                                              "acme-tls/1");
        assert_int_equal(probe.agreed, rows[i].agreed);
        assert_int_equal(probe.same, rows[i].same);
        assert_int_equal(good, rows[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_servers)};
    signal(SIGPIPE, SIG_IGN); /* a client that has seen enough goes while the server writes */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
