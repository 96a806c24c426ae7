/* Handshakes of OpenSSL's client with h2o's socket, over a socket pair. */
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <h2o.h>
#include <openssl/rand.h>

#include "../../lib/certificates/make.h"
#include "lib/base/clock.h"
#include "lib/certificates/pair_open.h"
#include "server/engine/tls.h"
#include "server/engine/tls_alert.h"
#include "server/engine/tls_alpn_challenge.h"

/* The last are on the board alone. */
enum pair_name {
    NO_PAIR,
    A_EC,
    A_RSA,
    B_RSA,
    WILD_EC,
    WIDE_EC,
    P384_EC,
    P521_EC,
    IN_TABLE,
    A_CHALLENGE = IN_TABLE,
    NEW_CHALLENGE,
    PAIRS
};
enum { DEADLINE_MS = 20000, TICK_MS = 5 };

static struct certificate_pair *pairs[PAIRS];
static struct certificate_table *table;
static struct policy_index *policies;
static struct challenge_board *board;
static h2o_loop_t *loop;

static void serve_domain(const char *domain)
{
    struct error e;
    struct policy *policy = NULL;
    const struct policy_terms terms = {.mode = POLICY_NONE, .max_age_s = 86400};
    assert_true(policy_new(&terms, &policy, &e));
    policy_index_set_own(policies, policy_index_claim(policies, bytes_of(domain)), policy);
}

static void make_board(void)
{
    static const char THUMBPRINT[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    board = challenge_board_new();
    challenge_board_post(board, "a.example", THUMBPRINT, pairs[A_CHALLENGE]);
    challenge_board_post(board, "mta-sts.new.example", THUMBPRINT, pairs[NEW_CHALLENGE]);
    challenge_board_post(board, "http.example", THUMBPRINT, NULL);
}

static int make_all(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN); /* a server that closes early is a row that fails */
    rcu_reader_register();
    loop = h2o_evloop_create();

    EVP_PKEY *ec = make_key("P-256", 0);
    EVP_PKEY *p384 = make_key("P-384", 0);
    EVP_PKEY *p521 = make_key("P-521", 0);
    EVP_PKEY *rsa = make_key("RSA", 2048);
    CLEANUP(buffer_clear) struct buffer wide = BUFFER(MAKE_FILE_MAX);
    buffer_add_string(&wide, "DNS:wide.example");
    for (int i = 0; i < CERTIFICATE_NAMES_MAX - 1; i++) {
        buffer_printf(&wide, ",DNS:a-name-that-takes-room-%d.wide.example", i);
    }
    pairs[A_EC] = make_pair(ec, "DNS:a.example", DAY);
    pairs[A_RSA] = make_pair(rsa, "DNS:a.example", DAY);
    pairs[B_RSA] = make_pair(rsa, "DNS:b.example", DAY);
    pairs[WILD_EC] = make_pair(ec, "DNS:*.b.example", DAY);
    pairs[WIDE_EC] = make_pair(ec, wide.p, DAY);
    pairs[P384_EC] = make_pair(p384, "DNS:p384.example", DAY);
    pairs[P521_EC] = make_pair(p521, "DNS:p521.example", DAY);
    pairs[A_CHALLENGE] = make_pair(ec, "DNS:a.example", DAY);
    pairs[NEW_CHALLENGE] = make_pair(ec, "DNS:mta-sts.new.example", DAY);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(p521);
    EVP_PKEY_free(rsa);
    table = certificate_table_new();
    for (size_t i = 1; i < IN_TABLE; i++) {
        certificate_table_add(table, pairs[i]);
    }
    make_board();
    policies = policy_index_new();
    serve_domain("new.example");
    serve_domain("example");
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (size_t i = 1; i < PAIRS; i++) {
        certificate_pair_unref(pairs[i]);
    }
    certificate_table_free(table);
    challenge_board_free(board);
    policy_index_free(policies);
    rcu_reader_unregister();
    h2o_evloop_destroy(loop);
    return 0;
}

/* One connection, both ends. */
struct meeting {
    h2o_socket_t *socket; /* NULL once closed */
    bool finished;        /* the server's handshake, one way or the other */
    bool good;
    size_t named;
    char name[DNS_NAME_MAX + 1];
    char host[DNS_NAME_MAX + 1];
    SSL *client;
    int fd; /* the client's end */
};

static void on_named(SSL *ssl, struct bytes name, void *context)
{
    struct meeting *meeting = context;
    assert_ptr_equal(tls_alert_socket(ssl), meeting->socket);
    meeting->named++;
    memcpy(meeting->name, name.p, name.n);
    meeting->name[name.n] = '\0';
}

static void on_asked(struct bytes host, void *context)
{
    struct meeting *meeting = context;
    memcpy(meeting->host, host.p, host.n);
    meeting->host[host.n] = '\0';
}

static void on_handshake(h2o_socket_t *socket, const char *error)
{
    struct meeting *meeting = socket->data;
    meeting->finished = true;
    meeting->good = error == NULL;
    if (error != NULL) {
        h2o_socket_close(socket);
        meeting->socket = NULL;
    }
}

static _Atomic bool all_known = true;

static struct tls_context *new_context(bool http2, const struct ticket_keys *ticket_keys,
                                       struct meeting *meeting)
{
    struct tls_options options = {.certificates = table,
                                  .known = &all_known,
                                  .cache = 4,
                                  .http2 = http2,
                                  .ticket_keys = ticket_keys,
                                  .named = on_named,
                                  .named_context = meeting,
                                  .board = board,
                                  .asked = on_asked,
                                  .asked_context = meeting,
                                  .policies = policies};
    struct tls_context *tls = NULL;
    struct error e = {0};
    if (!tls_context_new(&options, &tls, &e)) {
        fail_msg("%s", e.text);
    }
    return tls;
}

static void meet(struct meeting *meeting, struct tls_context *tls)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    int small = 4096; /* a wide certificate does not fit: the rest waits in h2o */
    assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    meeting->finished = meeting->good = false;
    meeting->named = 0;
    meeting->name[0] = '\0';
    meeting->host[0] = '\0';
    meeting->fd = ends[1];
    meeting->socket = h2o_evloop_socket_create(loop, ends[0], 0);
    meeting->socket->data = meeting;
    h2o_socket_ssl_handshake(meeting->socket, tls_context_ssl(tls), NULL, on_handshake);
}

static void part(struct meeting *meeting)
{
    if (meeting->socket != NULL) {
        h2o_socket_close(meeting->socket);
        meeting->socket = NULL;
    }
    SSL_set_shutdown(meeting->client, SSL_SENT_SHUTDOWN); /* else its session is thrown away */
    SSL_free(meeting->client);
    meeting->client = NULL;
    close(meeting->fd);
}

/* Runs both ends until the client's handshake is over; false where it failed. */
static bool shake_hands(struct meeting *meeting)
{
    int64_t end = clock_monotonic_ms() + DEADLINE_MS;
    for (;;) {
        int done = SSL_connect(meeting->client);
        if (done != 1 && SSL_get_error(meeting->client, done) != SSL_ERROR_WANT_READ) {
            return false;
        }
        if (done == 1 && meeting->finished) {
            return meeting->good;
        }
        assert_true(clock_monotonic_ms() < end);
        h2o_evloop_run(loop, TICK_MS);
    }
}

/* As a fetch would: reads what the server said after the handshake (tickets). */
static void read_on(struct meeting *meeting)
{
    char octet = 0;
    assert_int_equal(SSL_read(meeting->client, &octet, 1), -1);
    assert_int_equal(SSL_get_error(meeting->client, -1), SSL_ERROR_WANT_READ);
}

static bool is_leaf_of(const SSL *client, const struct certificate_pair *pair)
{
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *chain = NULL;
    struct error e = {0};
    assert_true(certificate_pair_open(pair, &leaf, &key, &chain, &e));
    X509 *seen = SSL_get1_peer_certificate(client);
    bool same = seen != NULL && X509_cmp(seen, leaf) == 0;
    X509_free(seen);
    X509_free(leaf);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    return same;
}

#define ACME "\x0a" TLS_ALPN_CHALLENGE_PROTOCOL

static const struct row {
    const char *name;
    const char *sni;  /* NULL: none */
    int version;      /* 0: TLS 1.3 */
    bool no_http2;    /* of the server */
    bool loading;     /* it is still */
    const char *alpn; /* in wire format; NULL: none */
    const char *signatures;
    const char *ciphers; /* TLS 1.2 */
    const char *groups;
    enum pair_name want;
    const char *want_alpn;
    int want_alert;
    const char *want_asked; /* the host that should have a certificate */
} ROWS[] = {
    {.name = "1.3, ECDSA first", .sni = "a.example", .want = A_EC},
    {.name = "1.2, ECDSA first", .sni = "a.example", .version = TLS1_2_VERSION, .want = A_EC},
    {.name = "1.3, a client with RSA only",
     .sni = "a.example",
     .signatures = "RSA-PSS+SHA256:RSA+SHA256",
     .want = A_RSA},
    {.name = "1.2, a client with RSA only",
     .sni = "a.example",
     .version = TLS1_2_VERSION,
     .signatures = "RSA+SHA256",
     .want = A_RSA},
    {.name = "1.2, a client with RSA ciphers only",
     .sni = "a.example",
     .version = TLS1_2_VERSION,
     .ciphers = "ECDHE-RSA-AES128-GCM-SHA256",
     .want = A_RSA},
    {.name = "1.3, a name with RSA only", .sni = "b.example", .want = B_RSA},
    {.name = "1.2, a name with RSA only",
     .sni = "b.example",
     .version = TLS1_2_VERSION,
     .want = B_RSA},
    {.name = "wildcard", .sni = "x.b.example", .want = WILD_EC},
    {.name = "1.3, P-384", .sni = "p384.example", .want = P384_EC},
    {.name = "1.2, P-384", .sni = "p384.example", .version = TLS1_2_VERSION, .want = P384_EC},
    {.name = "1.3, P-521", .sni = "p521.example", .want = P521_EC},
    {.name = "1.2, P-521", .sni = "p521.example", .version = TLS1_2_VERSION, .want = P521_EC},
    {.name = "upper case and a trailing dot", .sni = "A.Example.", .want = A_EC},
    {.name = "a flight larger than the socket takes", .sni = "wide.example", .want = WIDE_EC},
    {.name = "the same in 1.2", .sni = "wide.example", .version = TLS1_2_VERSION, .want = WIDE_EC},
    {.name = "a hello retry", .sni = "a.example", .groups = "P-521:P-256", .want = A_EC},

    {.name = "h2",
     .sni = "a.example",
     .alpn = "\x02h2\x08http/1.1",
     .want = A_EC,
     .want_alpn = "h2"},
    {.name = "h2 though the client puts it last",
     .sni = "a.example",
     .alpn = "\x08http/1.1\x02h2",
     .want = A_EC,
     .want_alpn = "h2"},
    {.name = "http/1.1",
     .sni = "a.example",
     .alpn = "\x08http/1.1",
     .want = A_EC,
     .want_alpn = "http/1.1"},
    {.name = "h2 switched off",
     .sni = "a.example",
     .no_http2 = true,
     .alpn = "\x02h2\x08http/1.1",
     .want = A_EC,
     .want_alpn = "http/1.1"},
    {.name = "h2 switched off, and nothing else offered",
     .sni = "a.example",
     .no_http2 = true,
     .alpn = "\x02h2",
     .want_alert = SSL_AD_NO_APPLICATION_PROTOCOL},
    {.name = "unknown protocol",
     .sni = "a.example",
     .alpn = "\x04smtp",
     .want_alert = SSL_AD_NO_APPLICATION_PROTOCOL},

    {.name = "1.3, unknown name", .sni = "c.example", .want_alert = SSL_AD_UNRECOGNIZED_NAME},
    {.name = "1.2, unknown name",
     .sni = "c.example",
     .version = TLS1_2_VERSION,
     .want_alert = SSL_AD_UNRECOGNIZED_NAME},
    {.name = "two labels under a wildcard",
     .sni = "x.y.b.example",
     .want_alert = SSL_AD_UNRECOGNIZED_NAME},
    {.name = "the wildcard itself", .sni = "*.b.example", .want_alert = SSL_AD_UNRECOGNIZED_NAME},
    {.name = "a line end under a wildcard",
     .sni = "x\ny.b.example",
     .want_alert = SSL_AD_UNRECOGNIZED_NAME},
    {.name = "1.3, no name", .want_alert = SSL_AD_MISSING_EXTENSION},
    {.name = "1.2, no name", .version = TLS1_2_VERSION, .want_alert = SSL_AD_UNRECOGNIZED_NAME},
    {.name = "1.1",
     .sni = "a.example",
     .version = TLS1_1_VERSION,
     .want_alert = SSL_AD_PROTOCOL_VERSION},
    {.name = "CBC only",
     .sni = "a.example",
     .version = TLS1_2_VERSION,
     .ciphers = "ECDHE-RSA-AES128-SHA256",
     .want_alert = SSL_AD_HANDSHAKE_FAILURE},
    {.name = "without forward secrecy",
     .sni = "a.example",
     .version = TLS1_2_VERSION,
     .ciphers = "AES128-GCM-SHA256",
     .want_alert = SSL_AD_HANDSHAKE_FAILURE},
    {.name = "SHA-1 signatures only",
     .sni = "a.example",
     .version = TLS1_2_VERSION,
     .signatures = "RSA+SHA1:ECDSA+SHA1",
     .want_alert = SSL_AD_HANDSHAKE_FAILURE},

    {.name = "1.3, a CA",
     .sni = "mta-sts.new.example",
     .alpn = ACME,
     .want = NEW_CHALLENGE,
     .want_alpn = "acme-tls/1"},
    {.name = "1.2, a CA",
     .sni = "mta-sts.new.example",
     .version = TLS1_2_VERSION,
     .alpn = ACME,
     .want = NEW_CHALLENGE,
     .want_alpn = "acme-tls/1"},
    {.name = "a CA that retries its hello, in upper case",
     .sni = "MTA-STS.new.example",
     .groups = "P-521:P-256",
     .alpn = ACME,
     .want = NEW_CHALLENGE,
     .want_alpn = "acme-tls/1"},
    {.name = "a CA, where there is a certificate too",
     .sni = "a.example",
     .alpn = ACME,
     .want = A_CHALLENGE,
     .want_alpn = "acme-tls/1"},
    {.name = "no CA: it knows HTTP too",
     .sni = "a.example",
     .alpn = ACME "\x08http/1.1",
     .want = A_EC,
     .want_alpn = "http/1.1"},
    {.name = "no CA: its protocol twice",
     .sni = "a.example",
     .alpn = ACME ACME,
     .want_alert = SSL_AD_NO_APPLICATION_PROTOCOL},
    {.name = "no CA, and no certificate",
     .sni = "mta-sts.new.example",
     .alpn = "\x08http/1.1" ACME,
     .want_alert = SSL_AD_UNRECOGNIZED_NAME,
     .want_asked = "mta-sts.new.example"},
    {.name = "a CA, a host with a certificate but no notice",
     .sni = "b.example",
     .alpn = ACME,
     .want_alert = SSL_AD_UNRECOGNIZED_NAME},
    {.name = "a CA, a notice without a certificate",
     .sni = "http.example",
     .alpn = ACME,
     .want_alert = SSL_AD_UNRECOGNIZED_NAME},
    {.name = "a CA, a host that is served but has no notice",
     .sni = "mta-sts.example",
     .alpn = ACME,
     .want_alert = SSL_AD_UNRECOGNIZED_NAME},
    {.name = "a CA that names no host", .alpn = ACME, .want_alert = SSL_AD_MISSING_EXTENSION},

    {.name = "served, without a certificate",
     .sni = "MTA-STS.new.example.",
     .want_alert = SSL_AD_UNRECOGNIZED_NAME,
     .want_asked = "mta-sts.new.example"},
    {.name = "not served", .sni = "mta-sts.c.example", .want_alert = SSL_AD_UNRECOGNIZED_NAME},
    {.name = "loading, and not there yet",
     .sni = "mta-sts.new.example",
     .loading = true,
     .want_alert = SSL_AD_INTERNAL_ERROR},
    {.name = "the same in 1.2",
     .sni = "mta-sts.new.example",
     .version = TLS1_2_VERSION,
     .loading = true,
     .want_alert = SSL_AD_INTERNAL_ERROR},
    {.name = "loading, and there", .sni = "a.example", .loading = true, .want = A_EC},
    {.name = "loading, and no name", .loading = true, .want_alert = SSL_AD_MISSING_EXTENSION},
    {.name = "the domain itself", .sni = "new.example", .want_alert = SSL_AD_UNRECOGNIZED_NAME},
};

static SSL *new_client(const struct row *row, int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);
    int version = row->version != 0 ? row->version : TLS1_3_VERSION;
    assert_int_equal(SSL_CTX_set_min_proto_version(context, version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(context, version), 1);
    if (row->ciphers != NULL) {
        assert_int_equal(SSL_CTX_set_cipher_list(context, row->ciphers), 1);
    }
    if (row->signatures != NULL) {
        assert_int_equal(SSL_CTX_set1_sigalgs_list(context, row->signatures), 1);
    }
    if (row->groups != NULL) {
        assert_int_equal(SSL_CTX_set1_groups_list(context, row->groups), 1);
    }
    SSL *client = SSL_new(context);
    SSL_CTX_free(context);
    if (row->sni != NULL) {
        assert_int_equal(SSL_set_tlsext_host_name(client, row->sni), 1);
    }
    if (row->alpn != NULL) {
        assert_int_equal(SSL_set_alpn_protos(client, (const unsigned char *)row->alpn,
                                             (unsigned)strlen(row->alpn)),
                         0);
    }
    SSL_set_fd(client, fd);
    return client;
}

static void check_good(const struct row *row, const struct meeting *meeting)
{
    if (!is_leaf_of(meeting->client, pairs[row->want])) {
        fail_msg("%s: another certificate", row->name);
    }
    const unsigned char *alpn = NULL;
    unsigned n = 0;
    SSL_get0_alpn_selected(meeting->client, &alpn, &n);
    struct bytes want = row->want_alpn != NULL ? bytes_of(row->want_alpn) : BYTES("");
    if (!bytes_equal((struct bytes){(const char *)alpn, n}, want)) {
        fail_msg("%s: ALPN is %.*s", row->name, (int)n, (const char *)alpn);
    }
    if (row->want >= IN_TABLE) {
        if (meeting->named != 0) {
            fail_msg("%s: a CA is taken for a client of %s", row->name, meeting->name);
        }
        return;
    }
    if (meeting->named != (row->groups != NULL ? 2 : 1) ||
        strncasecmp(meeting->name, row->sni, strlen(meeting->name)) != 0 ||
        meeting->name[strlen(meeting->name) - 1] == '.') {
        fail_msg("%s: named %s, %zu times", row->name, meeting->name, meeting->named);
    }
}

static void test_handshakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const struct row *row = &ROWS[i];
        struct meeting meeting = {0};
        atomic_store(&all_known, !row->loading);
        struct tls_context *tls = new_context(!row->no_http2, NULL, &meeting);
        meet(&meeting, tls);
        meeting.client = new_client(row, meeting.fd);
        ERR_clear_error();
        bool good = shake_hands(&meeting);
        int alert = good ? 0 : ERR_GET_REASON(ERR_peek_error()) - SSL_AD_REASON_OFFSET;
        if (good != (row->want_alert == 0) || alert != row->want_alert) {
            fail_msg("%s: alert %d", row->name, alert);
        }
        if (good) {
            check_good(row, &meeting);
        }
        if (strcmp(meeting.host, row->want_asked != NULL ? row->want_asked : "") != 0) {
            fail_msg("%s: asked for %s", row->name, meeting.host);
        }
        part(&meeting);
        tls_context_free(tls);
        ERR_clear_error();
    }
}

/* --- In which group keys are agreed --- */

/* Groups are the client's list: those with a star it sends shares of, without any the first one.
 * Lists with a star or with X25519MLKEM768 are OpenSSL 3.5's. */
static const struct agreement {
    const char *name;
    const char *groups;
    const char *want;
    size_t hellos; /* 2: it is asked for another share */
} AGREEMENTS[] = {
    {"X25519", "X25519", "x25519", 1},
    {"P-256", "P-256", "secp256r1", 1},
    {"P-384", "P-384:X25519", "secp384r1", 1},
    {"no share of ours", "P-521:P-384:X25519", "x25519", 2},
    {"hybrid", "X25519MLKEM768", "X25519MLKEM768", 1},
    {"hybrid and X25519, a share of both", "*X25519MLKEM768:*X25519", "X25519MLKEM768", 1},
    {"the same the other way round", "*X25519:*X25519MLKEM768", NULL, 1},
    {"hybrid is known, but X25519 sent", "*X25519:X25519MLKEM768", "x25519", 1},
    {"hybrid is known, but P-256 sent", "*P-256:X25519MLKEM768", "secp256r1", 1},
    {"hybrid, and no share of ours", "*P-521:X25519:X25519MLKEM768", "X25519MLKEM768", 2},
    {"a share of another hybrid", "*SecP256r1MLKEM768:X25519", "x25519", 2},
};

static bool knows_groups(const char *groups)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    bool known = SSL_CTX_set1_groups_list(context, groups) == 1;
    SSL_CTX_free(context);
    ERR_clear_error();
    return known;
}

/* Preference decides between shares, never for another round trip. */
static void test_which_group_is_agreed_on(void **state)
{
    (void)state;
    size_t made = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(AGREEMENTS); i++) {
        const struct agreement *agreement = &AGREEMENTS[i];
        if (!knows_groups(agreement->groups)) {
            continue;
        }
        const struct row row = {.sni = "a.example", .groups = agreement->groups};
        struct meeting meeting = {0};
        struct tls_context *tls = new_context(true, NULL, &meeting);
        meet(&meeting, tls);
        meeting.client = new_client(&row, meeting.fd);
        if (!shake_hands(&meeting)) {
            fail_msg("%s: no handshake", agreement->name);
        }
        const char *group =
            SSL_group_to_name(meeting.client, (int)SSL_get_negotiated_group(meeting.client));
        if ((agreement->want != NULL && strcmp(group, agreement->want) != 0) ||
            meeting.named != agreement->hellos) {
            fail_msg("%s: %s, %zu hellos", agreement->name, group, meeting.named);
        }
        part(&meeting);
        tls_context_free(tls);
        made++;
    }
    assert_int_equal(made, knows_groups("X25519MLKEM768") ? ARRAY_LENGTH(AGREEMENTS) : 4);
}

/* A hello that comes octet by octet, and the alert as it stands on the wire: plain, for no key
 * exists yet. */
static void test_alert_after_a_split_hello(void **state)
{
    (void)state;
    static const unsigned char WANT[] = {21, 3, 3, 0, 2, 2, SSL_AD_UNRECOGNIZED_NAME};
    struct meeting meeting = {0};
    struct tls_context *tls = new_context(true, NULL, &meeting);
    meet(&meeting, tls);
    meeting.client = new_client(&(struct row){.sni = "c.example"}, -1);
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(meeting.client, BIO_new(BIO_s_mem()), out);
    assert_int_equal(SSL_connect(meeting.client), -1);
    char *hello = NULL;
    long n = BIO_get_mem_data(out, &hello);
    for (long i = 0; i < n; i++) {
        assert_int_equal(write(meeting.fd, hello + i, 1), 1);
        h2o_evloop_run(loop, TICK_MS);
    }
    int64_t end = clock_monotonic_ms() + DEADLINE_MS;
    while (!meeting.finished) {
        assert_true(clock_monotonic_ms() < end);
        h2o_evloop_run(loop, TICK_MS);
    }
    unsigned char answer[64];
    assert_int_equal(read(meeting.fd, answer, sizeof(answer)), sizeof(WANT));
    assert_memory_equal(answer, WANT, sizeof(WANT));
    assert_int_equal(read(meeting.fd, answer, sizeof(answer)), 0);
    part(&meeting);
    tls_context_free(tls);
}

/* --- Clients that cut their octets as no library does --- */

enum { RECORD_HEAD = 5 };

/* A client whose octets we carry: what it writes waits in *ret_out. */
static void meet_by_hand(struct meeting *meeting, struct tls_context *tls, const struct row *row,
                         BIO **ret_out)
{
    meet(meeting, tls);
    meeting->client = new_client(row, -1);
    *ret_out = BIO_new(BIO_s_mem());
    SSL_set_bio(meeting->client, BIO_new(BIO_s_mem()), *ret_out);
}

static void send_all(const struct meeting *meeting, const void *octets, size_t n)
{
    assert_int_equal(write(meeting->fd, octets, n), n);
}

/* Messages in records of one octet each, as long as they are in plain text. */
static void send_in_crumbs(const struct meeting *meeting, BIO *out, bool *encrypts)
{
    unsigned char record[RECORD_HEAD + SSL3_RT_MAX_ENCRYPTED_LENGTH];
    while (BIO_read(out, record, RECORD_HEAD) == RECORD_HEAD) {
        int n = record[3] << 8 | record[4];
        assert_int_equal(BIO_read(out, record + RECORD_HEAD, n), n);
        *encrypts |= record[0] == SSL3_RT_CHANGE_CIPHER_SPEC &&
                     SSL_version(meeting->client) == TLS1_2_VERSION;
        if (record[0] != SSL3_RT_HANDSHAKE || *encrypts) {
            send_all(meeting, record, RECORD_HEAD + (size_t)n);
            continue;
        }
        /* In one write: the kernel has little room for many small ones. */
        CLEANUP(buffer_clear) struct buffer crumbs = BUFFER(1 << 17);
        for (int i = 0; i < n; i++) {
            const char crumb[] = {(char)record[0],
                                  (char)record[1],
                                  (char)record[2],
                                  0,
                                  1,
                                  (char)record[RECORD_HEAD + i]};
            buffer_add(&crumbs, (struct bytes){crumb, sizeof(crumb)});
        }
        send_all(meeting, crumbs.p, crumbs.n);
    }
}

/* What the server has said, to the client. */
static void carry_back(struct meeting *meeting)
{
    char octets[4096];
    ssize_t n = 0;
    h2o_evloop_run(loop, TICK_MS);
    while ((n = read(meeting->fd, octets, sizeof(octets))) > 0) {
        assert_int_equal(BIO_write(SSL_get_rbio(meeting->client), octets, (int)n), n);
    }
}

static bool shake_hands_in_crumbs(struct meeting *meeting, BIO *out)
{
    int64_t end = clock_monotonic_ms() + DEADLINE_MS;
    bool encrypts = false;
    for (;;) {
        int done = SSL_connect(meeting->client);
        send_in_crumbs(meeting, out, &encrypts);
        if (done != 1 && SSL_get_error(meeting->client, done) != SSL_ERROR_WANT_READ) {
            return false;
        }
        if (done == 1 && meeting->finished) {
            return meeting->good;
        }
        assert_true(clock_monotonic_ms() < end);
        carry_back(meeting);
    }
}

static void test_records_of_one_octet(void **state)
{
    (void)state;
    static const struct row CRUMBS[] = {
        {.name = "1.3", .sni = "a.example", .want = A_EC},
        {.name = "1.2", .sni = "a.example", .version = TLS1_2_VERSION, .want = A_EC},
        {.name = "a hello retry", .sni = "a.example", .groups = "P-521:P-256", .want = A_EC},
        {.name = "a large flight", .sni = "wide.example", .want = WIDE_EC},
        {.name = "1.3, a CA that retries its hello",
         .sni = "a.example",
         .groups = "P-521:P-256",
         .alpn = ACME,
         .want = A_CHALLENGE,
         .want_alpn = "acme-tls/1"},
        {.name = "1.2, a CA",
         .sni = "a.example",
         .version = TLS1_2_VERSION,
         .alpn = ACME,
         .want = A_CHALLENGE,
         .want_alpn = "acme-tls/1"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(CRUMBS); i++) {
        struct meeting meeting = {0};
        BIO *out = NULL;
        struct tls_context *tls = new_context(true, NULL, &meeting);
        meet_by_hand(&meeting, tls, &CRUMBS[i], &out);
        if (!shake_hands_in_crumbs(&meeting, out)) {
            fail_msg("%s: no handshake", CRUMBS[i].name);
        }
        check_good(&CRUMBS[i], &meeting);
        part(&meeting);
        tls_context_free(tls);
    }
}

/* Protocols that nobody knows: with them a hello is as long as one with a hybrid key share, which
 * OpenSSL before 3.5 cannot make, and longer than a segment. */
#define X10(text) text text text text text text text text text text
#define LONG_ALPN                                                                                  \
    "\x02h2" X10("\x0e"                                                                            \
                 "nobody-has-it/") X10(X10("\x0c"                                                  \
                                           "nor-this-one"))

/* In two segments, or else in two records, cut at CUT octets of the message. */
static void send_in_two(const struct meeting *meeting, BIO *out, bool records, size_t cut)
{
    enum { MESSAGE_MAX = 4096 };
    unsigned char octets[RECORD_HEAD + MESSAGE_MAX];
    int n = BIO_read(out, octets, sizeof(octets));
    assert_in_range(n, RECORD_HEAD + (int)cut + 1, sizeof(octets) - 1);
    size_t rest = (size_t)n - RECORD_HEAD - cut;
    unsigned char second[RECORD_HEAD] = {octets[0], octets[1], octets[2],
                                         (unsigned char)(rest >> 8), (unsigned char)rest};
    if (records) {
        octets[3] = (unsigned char)(cut >> 8);
        octets[4] = (unsigned char)cut;
    }
    send_all(meeting, octets, RECORD_HEAD + cut);
    h2o_evloop_run(loop, TICK_MS);
    if (records) {
        send_all(meeting, second, sizeof(second));
        h2o_evloop_run(loop, TICK_MS);
    }
    send_all(meeting, octets + RECORD_HEAD + cut, rest);
}

static void send_what_is_there(const struct meeting *meeting, BIO *out)
{
    char octets[4096];
    int n = 0;
    while ((n = BIO_read(out, octets, sizeof(octets))) > 0) {
        send_all(meeting, octets, (size_t)n);
    }
}

static void finish_by_hand(struct meeting *meeting, BIO *out, const char *what)
{
    int64_t end = clock_monotonic_ms() + DEADLINE_MS;
    int done = 0;
    while (done != 1 || !meeting->finished) {
        carry_back(meeting);
        done = SSL_connect(meeting->client);
        if (done != 1 && SSL_get_error(meeting->client, done) != SSL_ERROR_WANT_READ) {
            fail_msg("%s: no handshake", what);
        }
        send_what_is_there(meeting, out);
        assert_true(clock_monotonic_ms() < end);
    }
    assert_true(meeting->good);
}

/* A hello of some 1,700 octets, as clients that speak X25519MLKEM768 send it: in two segments, in
 * two records, wherever they are cut. */
static void test_a_hello_of_two_segments(void **state)
{
    (void)state;
    enum { LEAST = 1500, STEP = 37 };
    const char *groups = knows_groups("X25519MLKEM768") ? "X25519MLKEM768" : NULL;
    const struct row row = {
        .sni = "a.example", .groups = groups, .alpn = LONG_ALPN, .want = A_EC, .want_alpn = "h2"};
    struct tls_context *tls = NULL;
    for (size_t cut = 1; cut < LEAST; cut += cut < STEP ? 1 : STEP) {
        for (int records = 0; records < 2; records++) {
            struct meeting meeting = {0};
            BIO *out = NULL;
            tls = new_context(true, NULL, &meeting);
            meet_by_hand(&meeting, tls, &row, &out);
            assert_int_equal(SSL_connect(meeting.client), -1);
            assert_in_range(BIO_ctrl_pending(out), LEAST, 4096);
            send_in_two(&meeting, out, records != 0, cut);
            finish_by_hand(&meeting, out, records != 0 ? "records" : "segments");
            part(&meeting);
            tls_context_free(tls);
        }
    }
}

/* A hello of 131,000 octets begins, instead of the first or of the second after a retry. The client
 * is told, in plain text, and the connection ends, though nothing more of the hello has come. */
static const struct announced {
    const char *name;
    bool is_second;
    struct bytes octets;
} ANNOUNCED[] = {
    {"at once", false, BYTES("\x16\x03\x01\x00\x04\x01\x01\xff\xb8")},
    {"in two records", false, BYTES("\x16\x03\x01\x00\x02\x01\x01\x16\x03\x01\x00\x02\xff\xb8")},
    {"a second one", true, BYTES("\x16\x03\x03\x00\x04\x01\x01\xff\xb8")},
    {"a second one behind ChangeCipherSpec", true,
     BYTES("\x14\x03\x03\x00\x01\x01\x16\x03\x03\x00\x04\x01\x01\xff\xb8")},
    {"a second one in two records behind ChangeCipherSpec", true,
     BYTES("\x14\x03\x03\x00\x01\x01\x16\x03\x03\x00\x02\x01\x01\x16\x03\x03\x00\x02\xff\xb8")},
};

/* Until the server has asked for another key share, and that was read. */
static void be_asked_to_retry(struct meeting *meeting, BIO *out)
{
    char octets[4096];
    assert_int_equal(SSL_connect(meeting->client), -1);
    int n = BIO_read(out, octets, sizeof(octets));
    send_all(meeting, octets, (size_t)n);
    int64_t end = clock_monotonic_ms() + DEADLINE_MS;
    while (meeting->named == 0) {
        assert_true(clock_monotonic_ms() < end);
        h2o_evloop_run(loop, TICK_MS);
    }
    assert_in_range(read(meeting->fd, octets, sizeof(octets)), 1, sizeof(octets));
    assert_int_equal(octets[0], SSL3_RT_HANDSHAKE);
    assert_false(meeting->finished);
}

static void test_a_long_hello_is_refused_when_it_is_announced(void **state)
{
    (void)state;
    static const unsigned char WANT[] = {21, 3, 3, 0, 2, 2, SSL_AD_ILLEGAL_PARAMETER};
    const struct row row = {.sni = "a.example", .groups = "P-521:P-256"};
    for (size_t i = 0; i < 2 * ARRAY_LENGTH(ANNOUNCED); i++) {
        const struct announced *announced = &ANNOUNCED[i / 2];
        size_t size = i % 2 == 0 ? announced->octets.n : 1; /* of a piece */
        struct meeting meeting = {0};
        BIO *out = NULL;
        struct tls_context *tls = new_context(true, NULL, &meeting);
        meet_by_hand(&meeting, tls, &row, &out);
        if (announced->is_second) {
            be_asked_to_retry(&meeting, out);
        }
        for (size_t sent = 0; sent < announced->octets.n; sent += size) {
            assert_false(meeting.finished);
            send_all(&meeting, announced->octets.p + sent, size);
            h2o_evloop_run(loop, TICK_MS);
        }
        int64_t end = clock_monotonic_ms() + DEADLINE_MS;
        while (!meeting.finished) {
            if (clock_monotonic_ms() > end) {
                fail_msg("%s: the server waits for more", announced->name);
            }
            h2o_evloop_run(loop, TICK_MS);
        }
        assert_false(meeting.good);
        unsigned char answer[64];
        assert_int_equal(read(meeting.fd, answer, sizeof(answer)), sizeof(WANT));
        assert_memory_equal(answer, WANT, sizeof(WANT));
        assert_int_equal(read(meeting.fd, answer, sizeof(answer)), 0);
        part(&meeting);
        tls_context_free(tls);
    }
}

/* Where the list of ciphers stands in HELLO, a record: behind the message's head, version, random
 * and the session's id. */
static size_t place_of_ciphers(const unsigned char *hello)
{
    enum { SESSION = RECORD_HEAD + 4 + 2 + 32 };
    return SESSION + 1 + hello[SESSION];
}

/* Adds COUNT ciphers to those of HELLO, N octets, and what that changes in the lengths. */
static void add_ciphers(const unsigned char *hello, size_t n, size_t count, struct buffer *ret)
{
    size_t place = place_of_ciphers(hello) + 2;
    buffer_add(ret, (struct bytes){(const char *)hello, place});
    for (size_t i = 0; i < count; i++) {
        buffer_add(ret, BYTES("\x13\x01"));
    }
    buffer_add(ret, (struct bytes){(const char *)hello + place, n - place});
    static const size_t RECORD_LENGTH = 3;
    static const size_t MESSAGE_LENGTH = RECORD_HEAD + 2; /* its first octet stays 0 */
    const size_t lengths[] = {RECORD_LENGTH, MESSAGE_LENGTH, place - 2};
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        size_t length = (size_t)(hello[lengths[i]] << 8 | hello[lengths[i] + 1]) + 2 * count;
        ret->p[lengths[i]] = (char)(length >> 8);
        ret->p[lengths[i] + 1] = (char)length;
    }
}

/* With one cipher too many the handshake ends, whatever the version; with one less it goes on. */
static void test_ciphers_are_counted(void **state)
{
    (void)state;
    enum { MOST = 512 };
    static const struct {
        int version;
        size_t ciphers;
        bool is_answered;
    } COUNTED[] = {
        {TLS1_3_VERSION, MOST, true},
        {TLS1_3_VERSION, MOST + 1, false},
        {TLS1_2_VERSION, MOST, true},
        {TLS1_2_VERSION, MOST + 1, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(COUNTED); i++) {
        const struct row row = {.sni = "a.example", .version = COUNTED[i].version};
        struct meeting meeting = {0};
        BIO *out = NULL;
        struct tls_context *tls = new_context(true, NULL, &meeting);
        meet_by_hand(&meeting, tls, &row, &out);
        assert_int_equal(SSL_connect(meeting.client), -1);
        char *text = NULL;
        size_t n = (size_t)BIO_get_mem_data(out, &text);
        const unsigned char *hello = (const unsigned char *)text;
        size_t place = place_of_ciphers(hello);
        size_t had = (size_t)(hello[place] << 8 | hello[place + 1]) / 2;
        CLEANUP(buffer_clear) struct buffer longer = BUFFER(1 << 14);
        add_ciphers(hello, n, COUNTED[i].ciphers - had, &longer);
        send_all(&meeting, longer.p, longer.n);
        unsigned char answer[7] = {0};
        int64_t end = clock_monotonic_ms() + DEADLINE_MS;
        while (read(meeting.fd, answer, sizeof(answer)) < 0) {
            assert_true(clock_monotonic_ms() < end);
            h2o_evloop_run(loop, TICK_MS);
        }
        assert_int_equal(answer[0], COUNTED[i].is_answered ? SSL3_RT_HANDSHAKE : SSL3_RT_ALERT);
        assert_int_equal(meeting.named, COUNTED[i].is_answered);
        part(&meeting);
        tls_context_free(tls);
    }
}

/* Two workers; what one gave, the other takes, where there are tickets and the keys have not
 * changed more than once since, or the other is one change behind. */
static const struct resumption {
    const char *name;
    int version;
    bool tickets;
    int changes_of_first; /* before the first visit */
    int changes_of_second;
    bool resumed;
} RESUMPTIONS[] = {
    {"1.3, off", TLS1_3_VERSION, false, 0, 0, false},
    {"1.2, off", TLS1_2_VERSION, false, 0, 0, false},
    {"1.3, on", TLS1_3_VERSION, true, 0, 0, true},
    {"1.2, on", TLS1_2_VERSION, true, 0, 0, true},
    {"1.3, changed once", TLS1_3_VERSION, true, 0, 1, true},
    {"1.2, changed once", TLS1_2_VERSION, true, 0, 1, true},
    {"1.3, changed twice", TLS1_3_VERSION, true, 0, 2, false},
    {"1.2, changed twice", TLS1_2_VERSION, true, 0, 2, false},
    {"1.3, the other is behind", TLS1_3_VERSION, true, 1, 0, true},
    {"1.2, the other is behind", TLS1_2_VERSION, true, 1, 0, true},
    {"1.3, the other is far behind", TLS1_3_VERSION, true, 2, 0, false},
};

/* Makes the same keys in each test: octets that count. */
static unsigned char counted;

static bool count_octets(void *p, size_t n)
{
    memset(p, ++counted, n);
    return true;
}

/* After so many CHANGES, of which two contexts see the same ones. */
static void keys_after(int changes, struct ticket_keys *ret_keys)
{
    struct error e;
    counted = 0;
    assert_true(ticket_keys_begin(ret_keys, 0, count_octets, &e));
    for (int i = 0; i < changes; i++) {
        assert_true(ticket_keys_tend(ret_keys, ret_keys->due_ms, count_octets));
    }
}

static void test_resumption(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(RESUMPTIONS); i++) {
        const struct resumption *r = &RESUMPTIONS[i];
        const struct row row = {.sni = "a.example", .version = r->version};
        SSL_SESSION *session = NULL;
        for (int worker = 0; worker < 2; worker++) {
            struct meeting meeting = {0};
            struct ticket_keys begun;
            struct ticket_keys keys;
            keys_after(0, &begun);
            keys_after(worker == 0 ? r->changes_of_first : r->changes_of_second, &keys);
            struct tls_context *tls = new_context(true, r->tickets ? &begun : NULL, &meeting);
            tls_context_take_ticket_keys(tls, &keys);
            meet(&meeting, tls);
            meeting.client = new_client(&row, meeting.fd);
            if (session != NULL) {
                assert_int_equal(SSL_set_session(meeting.client, session), 1);
                SSL_SESSION_free(session);
            }
            if (!shake_hands(&meeting)) {
                ERR_print_errors_fp(stderr);
                fail_msg("%s: worker %d has no handshake", r->name, worker);
            }
            read_on(&meeting);
            session = SSL_get1_session(meeting.client);
            if (SSL_session_reused(meeting.client) != (worker == 1 && r->resumed)) {
                fail_msg("%s: worker %d", r->name, worker);
            }
            assert_string_equal(meeting.name, "a.example"); /* on resumption too */
            part(&meeting);
            tls_context_free(tls);
        }
        SSL_SESSION_free(session);
    }
}

/* Where tickets are on, a CA gets none, and what it kept from an earlier visit as a client proves
 * nothing: it sees the challenge's certificate. */
static void test_no_session_is_kept_of_a_challenge(void **state)
{
    (void)state;
    static const int VERSIONS[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct ticket_keys keys;
    keys_after(0, &keys);
    for (size_t i = 0; i < ARRAY_LENGTH(VERSIONS); i++) {
        const struct row client = {.sni = "a.example", .version = VERSIONS[i]};
        const struct row ca = {.sni = "a.example", .version = VERSIONS[i], .alpn = ACME};
        struct meeting meeting = {0};
        struct tls_context *tls = new_context(true, &keys, &meeting);
        meet(&meeting, tls);
        meeting.client = new_client(&client, meeting.fd);
        assert_true(shake_hands(&meeting));
        read_on(&meeting);
        SSL_SESSION *session = SSL_get1_session(meeting.client);
        assert_true(SSL_SESSION_has_ticket(session));
        part(&meeting);

        meet(&meeting, tls);
        meeting.client = new_client(&ca, meeting.fd);
        assert_int_equal(SSL_set_session(meeting.client, session), 1);
        SSL_SESSION_free(session);
        assert_true(shake_hands(&meeting));
        read_on(&meeting);
        assert_false(SSL_session_reused(meeting.client));
        assert_true(is_leaf_of(meeting.client, pairs[A_CHALLENGE]));
        assert_false(SSL_SESSION_has_ticket(SSL_get0_session(meeting.client)));
        part(&meeting);
        tls_context_free(tls);
    }
}

static void test_without_a_board_there_is_no_challenge(void **state)
{
    (void)state;
    struct meeting meeting = {0};
    struct challenge_board *kept = TAKE(board);
    struct tls_context *tls = new_context(true, NULL, &meeting);
    board = kept;
    meet(&meeting, tls);
    meeting.client = new_client(&(struct row){.sni = "a.example", .alpn = ACME}, meeting.fd);
    ERR_clear_error();
    assert_false(shake_hands(&meeting));
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()) - SSL_AD_REASON_OFFSET,
                     SSL_AD_NO_APPLICATION_PROTOCOL);
    part(&meeting);
    tls_context_free(tls);
    ERR_clear_error();
}

/* Data in both directions after the handshake: h2o's own BIO is back in its place. */
static void on_written(h2o_socket_t *socket, const char *error)
{
    (void)socket;
    (void)error;
}

static void on_read(h2o_socket_t *socket, const char *error)
{
    if (error == NULL) {
        h2o_iovec_t answer = h2o_iovec_init(H2O_STRLIT("pong"));
        h2o_buffer_consume(&socket->input, socket->input->size);
        h2o_socket_read_stop(socket);
        h2o_socket_write(socket, &answer, 1, on_written);
    }
}

static void test_data_after_the_handshake(void **state)
{
    (void)state;
    static const int VERSIONS[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < ARRAY_LENGTH(VERSIONS); i++) {
        struct meeting meeting = {0};
        struct tls_context *tls = new_context(true, NULL, &meeting);
        meet(&meeting, tls);
        meeting.client =
            new_client(&(struct row){.sni = "wide.example", .version = VERSIONS[i]}, meeting.fd);
        assert_true(shake_hands(&meeting));
        h2o_socket_read_start(meeting.socket, on_read);
        assert_int_equal(SSL_write(meeting.client, "ping", 4), 4);
        char answer[8];
        int n = -1;
        for (int64_t end = clock_monotonic_ms() + DEADLINE_MS; n < 0;) {
            assert_true(clock_monotonic_ms() < end);
            h2o_evloop_run(loop, TICK_MS);
            n = SSL_read(meeting.client, answer, sizeof(answer));
        }
        assert_int_equal(n, 4);
        assert_memory_equal(answer, "pong", 4);
        part(&meeting);
        tls_context_free(tls);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshakes),
        cmocka_unit_test(test_which_group_is_agreed_on),
        cmocka_unit_test(test_alert_after_a_split_hello),
        cmocka_unit_test(test_records_of_one_octet),
        cmocka_unit_test(test_a_hello_of_two_segments),
        cmocka_unit_test(test_a_long_hello_is_refused_when_it_is_announced),
        cmocka_unit_test(test_ciphers_are_counted),
        cmocka_unit_test(test_resumption),
        cmocka_unit_test(test_no_session_is_kept_of_a_challenge),
        cmocka_unit_test(test_without_a_board_there_is_no_challenge),
        cmocka_unit_test(test_data_after_the_handshake),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
