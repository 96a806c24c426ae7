#include "tls_trial.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "lib/base/memory.h"
#include "lib/tls/octet_key.h"
#include "lib/tls/tls_groups.h"
#include "lib/tls/tls_library.h"

/* What a handshake takes; all that is not NULL is freed. */
struct table {
    struct tls_library *library;
    EVP_PKEY *key; /* in OpenSSL's own form */
    X509 *made;    /* for it, by itself */
    X509 *leaf;    /* the same, read as a server does */
    EVP_PKEY *leaf_key;
    SSL_CTX *contexts[2]; /* client and server */
    SSL *ends[2];
};

enum { CLIENT, SERVER };

static void table_clear(struct table *table)
{
    for (int i = 0; i < 2; i++) {
        SSL_free(table->ends[i]);
        SSL_CTX_free(table->contexts[i]);
    }
    EVP_PKEY_free(table->leaf_key);
    X509_free(table->leaf);
    X509_free(table->made);
    EVP_PKEY_free(table->key);
    tls_library_free(table->library);
}

/* --- The certificate --- */

static bool make_certificate(struct table *table)
{
    enum { HOUR_S = 3600 };
    OSSL_LIB_CTX *whole = tls_library_whole(table->library);
    X509 *made = table->made = X509_new_ex(whole, NULL);
    table->key = EVP_PKEY_Q_keygen(whole, NULL, "EC", "P-256");
    EVP_MD *digest = EVP_MD_fetch(whole, "SHA256", NULL);
    bool done = made != NULL && table->key != NULL && digest != NULL &&
                X509_set_version(made, X509_VERSION_3) == 1 &&
                ASN1_INTEGER_set(X509_get_serialNumber(made), 1) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(made), -HOUR_S) != NULL &&
                X509_gmtime_adj(X509_getm_notAfter(made), HOUR_S) != NULL &&
                X509_set_pubkey(made, table->key) == 1 && X509_sign(made, table->key, digest) > 0;
    EVP_MD_free(digest);
    return done;
}

/* Octets, where the certificate's key has become such. */
static bool complete_octets(EVP_PKEY *public_key, const EVP_PKEY *whole)
{
    unsigned char octets[OCTET_KEY_SCALAR];
    BIGNUM *number = NULL;
    bool done =
        EVP_PKEY_get_bn_param(whole, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
        BN_bn2binpad(number, octets, sizeof(octets)) == sizeof(octets) &&
        octet_key_complete(public_key, (struct bytes){(const char *)octets, sizeof(octets)});
    BN_clear_free(number);
    OPENSSL_cleanse(octets, sizeof(octets));
    return done;
}

/* NULL: it cannot be. */
static EVP_PKEY *copy_key(const EVP_PKEY *key, OSSL_LIB_CTX *library)
{
    OSSL_PARAM *params = NULL;
    EVP_PKEY *copy = NULL;
    EVP_PKEY_CTX *making = EVP_PKEY_CTX_new_from_name(library, "EC", NULL);
    if (making != NULL && EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params) == 1 &&
        EVP_PKEY_fromdata_init(making) == 1) {
        (void)EVP_PKEY_fromdata(making, &copy, EVP_PKEY_KEYPAIR, params);
    }
    EVP_PKEY_CTX_free(making);
    OSSL_PARAM_free(params);
    return copy;
}

/* As lib/certificates/pair_open.h does it. */
static bool open_pair(struct table *table)
{
    OSSL_LIB_CTX *library = tls_library_context(table->library);
    unsigned char *der = NULL;
    int n = i2d_X509(table->made, &der);
    const unsigned char *p = der;
    table->leaf = X509_new_ex(library, NULL);
    if (n <= 0 || table->leaf == NULL || d2i_X509(&table->leaf, &p, n) == NULL) {
        OPENSSL_free(der);
        return false;
    }
    OPENSSL_free(der);
    EVP_PKEY *public_key = X509_get0_pubkey(table->leaf);
    if (public_key != NULL && octet_key_is(public_key)) {
        table->leaf_key = public_key;
        return EVP_PKEY_up_ref(public_key) == 1 && complete_octets(public_key, table->key);
    }
    table->leaf_key = copy_key(table->key, library);
    return table->leaf_key != NULL;
}

/* --- The handshake --- */

static bool set_up(SSL_CTX *context)
{
    return context != NULL && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1 &&
           SSL_CTX_set_num_tickets(context, 0) == 1;
}

static bool set_table(struct table *table, struct tls_trial *trial)
{
    SSL_CTX *client = table->contexts[CLIENT] =
        SSL_CTX_new_ex(tls_library_whole(table->library), NULL, TLS_client_method());
    SSL_CTX *server = table->contexts[SERVER] =
        SSL_CTX_new_ex(tls_library_context(table->library), NULL, TLS_server_method());
    if (!set_up(client) || !set_up(server)) {
        return false;
    }
    SSL_CTX_set_verify(client, SSL_VERIFY_NONE, NULL);
    trial->groups = tls_groups_set(server);
    return trial->groups != NULL && tls_groups_set(client) != NULL &&
           SSL_CTX_use_certificate(server, table->leaf) == 1 &&
           SSL_CTX_use_PrivateKey(server, table->leaf_key) == 1;
}

/* Each reads what the other has written. */
static bool connect_ends(struct table *table)
{
    BIO *bios[2] = {BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())};
    for (int i = 0; i < 2; i++) {
        table->ends[i] = SSL_new(table->contexts[i]);
    }
    if (bios[0] == NULL || bios[1] == NULL || table->ends[CLIENT] == NULL ||
        table->ends[SERVER] == NULL) {
        BIO_free(bios[0]);
        BIO_free(bios[1]);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        (void)BIO_set_mem_eof_return(bios[i], -1);
        (void)BIO_up_ref(bios[i]); /* each is one's to read and the other's to write */
    }
    SSL_set_bio(table->ends[CLIENT], bios[0], bios[1]);
    SSL_set_bio(table->ends[SERVER], bios[1], bios[0]);
    SSL_set_connect_state(table->ends[CLIENT]);
    SSL_set_accept_state(table->ends[SERVER]);
    return true;
}

static bool shake_hands(struct table *table)
{
    enum { FLIGHTS_MAX = 8 };
    bool done[2] = {false, false};
    for (int i = 0; i < FLIGHTS_MAX && !(done[CLIENT] && done[SERVER]); i++) {
        done[i % 2] = SSL_do_handshake(table->ends[i % 2]) == 1;
    }
    return done[CLIENT] && done[SERVER];
}

/* --- What came of it --- */

static void judge(struct tls_trial *trial, enum tls_part part, const char *lacking, bool ours,
                  bool theirs)
{
    char *why = trial->why[part];
    why[0] = '\0';
    if (lacking != NULL) {
        (void)snprintf(why, TLS_TRIAL_TEXT_MAX, "this OpenSSL lacks %s", lacking);
    } else if (theirs) {
        (void)snprintf(why, TLS_TRIAL_TEXT_MAX, "this OpenSSL asks for it in another way");
    } else if (!ours) {
        (void)snprintf(why, TLS_TRIAL_TEXT_MAX, "this OpenSSL does not ask for it");
    }
}

static void judge_all(struct tls_trial *trial, const struct tls_library *library,
                      const struct tls_part_notes *before, const struct tls_part_notes *after)
{
    for (int part = 0; part < TLS_PART_NAMES; part++) {
        judge(trial, (enum tls_part)part, tls_library_lacking(library, (enum tls_part)part),
              after->ours[part] != before->ours[part], after->theirs[part] != before->theirs[part]);
    }
    bool few = EVP_get_cipherbyname("camellia-128-cbc") == NULL;
    (void)snprintf(trial->why[TLS_PART_NAMES], TLS_TRIAL_TEXT_MAX, "%s",
                   few ? "" : "OpenSSL had registered them before");
}

static void name_group(struct tls_trial *trial, SSL *ssl)
{
    const char *name = SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
    (void)snprintf(trial->group, sizeof(trial->group), "%s", name != NULL ? name : "unknown");
}

bool tls_trial_make(struct tls_trial *ret_trial, struct error *e)
{
    struct tls_trial trial = {0};
    CLEANUP(table_clear) struct table table = {0};
    if (!tls_library_new(&table.library, e)) {
        return false;
    }
    struct tls_part_notes before = tls_part_notes();
    if (!make_certificate(&table) || !open_pair(&table) || !set_table(&table, &trial) ||
        !connect_ends(&table) || !shake_hands(&table)) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        (void)error_set(e, ERROR_SYSTEM, "OpenSSL makes no handshake: %s",
                        reason != NULL ? reason : "no reason given");
        ERR_clear_error();
        return false;
    }
    struct tls_part_notes after = tls_part_notes();
    (void)snprintf(trial.openssl, sizeof(trial.openssl), "%s", OpenSSL_version(OPENSSL_VERSION));
    name_group(&trial, table.ends[SERVER]);
    judge_all(&trial, table.library, &before, &after);
    ERR_clear_error();
    *ret_trial = trial;
    return true;
}

bool tls_trial_uses(const struct tls_trial *trial, enum tls_part part)
{
    return trial->why[part][0] == '\0';
}
