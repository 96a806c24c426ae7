#include "tls_witness.h"

#include <stdio.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/fetch/transfer.h"

bool tls_witness_trust(const char *file, bool alone, X509_STORE **ret_trust, struct error *e)
{
    X509_STORE *trust = X509_STORE_new();
    if (trust == NULL) {
        abort(); /* out of memory */
    }
    ERR_clear_error();
    if ((!alone && X509_STORE_set_default_paths(trust) != 1) ||
        (file != NULL && X509_STORE_load_file(trust, file) != 1)) {
        const char *why = ERR_reason_error_string(ERR_peek_last_error());
        error_format(e, ERROR_SYNTAX, "%s: %s; name a readable PEM file of CA certificates",
                     file != NULL ? file : "the system's CA certificates",
                     why != NULL ? why : "cannot be read");
        ERR_clear_error();
        X509_STORE_free(trust);
        return false;
    }
    *ret_trust = trust;
    return true;
}

static int64_t time_of(const ASN1_TIME *when)
{
    struct tm parts = {0};
    return ASN1_TIME_to_tm(when, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

static void describe_key(const X509 *leaf, struct observed_certificate *certificate)
{
    const EVP_PKEY *key = X509_get0_pubkey(leaf);
    const char *name = key != NULL ? EVP_PKEY_get0_type_name(key) : NULL;
    (void)snprintf(certificate->key, sizeof(certificate->key), "%s", name != NULL ? name : "?");
    certificate->key_bits = key != NULL ? (unsigned)EVP_PKEY_get_bits(key) : 0;
}

/* From outside: what is no letter, digit, dot, hyphen, underscore or star is dropped. */
static void add_name(struct buffer *names, const ASN1_IA5STRING *name)
{
    const unsigned char *p = ASN1_STRING_get0_data(name);
    buffer_add_string(names, names->n != 0 ? "," : "");
    for (int i = 0; i < ASN1_STRING_length(name); i++) {
        bool plain = (p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z') ||
                     (p[i] >= '0' && p[i] <= '9') || p[i] == '.' || p[i] == '-' || p[i] == '_' ||
                     p[i] == '*';
        if (plain) {
            buffer_add(names, (struct bytes){(const char *)&p[i], 1});
        }
    }
}

static void describe_names(const X509 *leaf, struct observed_certificate *certificate)
{
    CLEANUP(buffer_clear) struct buffer names = BUFFER(OBSERVATION_NAMES_SIZE - 1);
    GENERAL_NAMES *found = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(found); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(found, i);
        if (name->type == GEN_DNS) {
            add_name(&names, name->d.dNSName);
        }
    }
    GENERAL_NAMES_free(found);
    memcpy(certificate->names, names.p != NULL ? names.p : "", names.n);
    certificate->names[names.n] = '\0';
}

static void describe_issuer(const X509 *leaf, struct observed_certificate *certificate)
{
    char text[OBSERVATION_ISSUER_SIZE] = "";
    const X509_NAME *issuer = X509_get_issuer_name(leaf);
    (void)X509_NAME_oneline(issuer, text, sizeof(text));
    safe_text_cut(bytes_of(text), OBSERVATION_ISSUER_SIZE - SAFE_TEXT_ELLIPSIS_ROOM,
                  certificate->issuer);
}

static void describe(X509 *leaf, STACK_OF(X509) * sent, const char *host,
                     struct observed_certificate *certificate)
{
    certificate->seen = true;
    certificate->name_matched =
        X509_check_host(leaf, host, 0,
                        X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                        NULL) == 1;
    certificate->self_signed = X509_self_signed(leaf, 0) == 1;
    certificate->not_before_s = time_of(X509_get0_notBefore(leaf));
    certificate->not_after_s = time_of(X509_get0_notAfter(leaf));
    certificate->chain_not_after_s = certificate->not_after_s;
    certificate->sent = sk_X509_num(sent) > 0 ? (size_t)sk_X509_num(sent) : 1;
    for (int i = 0; i < sk_X509_num(sent); i++) {
        int64_t end_s = time_of(X509_get0_notAfter(sk_X509_value(sent, i)));
        if (end_s < certificate->chain_not_after_s) {
            certificate->chain_not_after_s = end_s;
        }
    }
    describe_key(leaf, certificate);
    describe_names(leaf, certificate);
    describe_issuer(leaf, certificate);
    ERR_clear_error();
}

/* OpenSSL's verification, in the place of its result. */
static int on_certificate(X509_STORE_CTX *store_context, void *context)
{
    const struct tls_witness *witness = context;
    X509 *leaf = X509_STORE_CTX_get0_cert(store_context);
    const SSL *ssl =
        X509_STORE_CTX_get_ex_data(store_context, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct observed_certificate *certificate = witness->certificate;
    *witness->tls_version =
        SSL_version(ssl) == TLS1_3_VERSION ? TRANSFER_TLS_1_3 : TRANSFER_TLS_1_2;
    certificate->chain_verified = X509_verify_cert(store_context) == 1;
    certificate->verify_error = X509_STORE_CTX_get_error(store_context);
    if (!certificate->chain_verified) {
        (void)snprintf(certificate->why, sizeof(certificate->why), "%s",
                       X509_verify_cert_error_string(certificate->verify_error));
    }
    describe(leaf, X509_STORE_CTX_get0_untrusted(store_context), witness->host, certificate);
    X509_STORE_CTX_set_error(store_context, X509_V_OK);
    return 1;
}

/* When the handshake is over: in TLS 1.2 the keys are agreed after the certificate was seen. */
static void on_info(const SSL *ssl, int where, int value)
{
    (void)value;
    const struct tls_witness *witness = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if ((where & SSL_CB_HANDSHAKE_DONE) == 0) {
        return;
    }
    SSL *asked = (SSL *)ssl; /* what is looked up is not changed */
    long group = SSL_get_negotiated_group(asked);
    const char *name = group != NID_undef ? SSL_group_to_name(asked, (int)group) : NULL;
    (void)snprintf(witness->group, OBSERVATION_GROUP_SIZE, "%s", name != NULL ? name : "");
}

void tls_witness_setup(SSL_CTX *context, void *witness)
{
    struct tls_witness *seen = witness;
    SSL_CTX_set1_cert_store(context, seen->trust);
    SSL_CTX_set_cert_verify_callback(context, on_certificate, seen);
    SSL_CTX_set_app_data(context, seen); /* libcurl keeps nothing there */
    SSL_CTX_set_info_callback(context, on_info);
}
