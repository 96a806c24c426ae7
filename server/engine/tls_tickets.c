#include "tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "lib/base/secret_memory.h"

struct tls_tickets {
    struct ticket_keys *keys; /* in secret memory */
    EVP_CIPHER *cipher;
    OSSL_LIB_CTX *library;
};

/* What the callback may return, by SSL_CTX_set_tlsext_ticket_key_evp_cb(3). */
enum { TICKET_FAILED = -1, TICKET_UNKNOWN = 0, TICKET_GOOD = 1, TICKET_GOOD_AND_RENEWED = 2 };

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int make_ticket(const struct tls_tickets *tickets, const struct tls_ticket *ticket)
{
    struct ticket_key *key = &tickets->keys->keys[TICKET_KEY_CURRENT];
    size_t iv_length = (size_t)EVP_CIPHER_get_iv_length(tickets->cipher);
    memcpy(ticket->name, key->name, sizeof(key->name));
    bool made =
        RAND_bytes_ex(tickets->library, ticket->iv, iv_length, 0) == 1 &&
        EVP_EncryptInit_ex2(ticket->cipher, tickets->cipher, key->cipher, ticket->iv, NULL) == 1 &&
        set_mac(ticket->mac, key);
    return made ? TICKET_GOOD : TICKET_FAILED;
}

/* A ticket of TLS 1.3 is for one use (RFC 8446 §C.4), so each use gives another, as OpenSSL by
 * itself has it; one of TLS 1.2 is replaced when its key is not the current one. */
static int read_ticket(const struct tls_tickets *tickets, const struct tls_ticket *ticket)
{
    enum ticket_key_role role = TICKET_KEY_CURRENT;
    struct ticket_key *key = ticket_keys_find(tickets->keys, ticket->name, &role);
    if (key == NULL) {
        return TICKET_UNKNOWN;
    }
    if (EVP_DecryptInit_ex2(ticket->cipher, tickets->cipher, key->cipher, ticket->iv, NULL) != 1 ||
        !set_mac(ticket->mac, key)) {
        return TICKET_FAILED;
    }
    return role == TICKET_KEY_CURRENT && SSL_version(ticket->ssl) != TLS1_3_VERSION
               ? TICKET_GOOD
               : TICKET_GOOD_AND_RENEWED;
}

int tls_tickets_handle(const struct tls_tickets *tickets, const struct tls_ticket *ticket,
                       bool make)
{
    return make ? make_ticket(tickets, ticket) : read_ticket(tickets, ticket);
}

struct tls_tickets *tls_tickets_new(const struct ticket_keys *keys, OSSL_LIB_CTX *library)
{
    struct tls_tickets *tickets = memory_zero(1, sizeof(*tickets));
    tickets->library = library;
    tickets->keys = secret_memory_new(sizeof(*keys));
    *tickets->keys = *keys;
    tickets->cipher = EVP_CIPHER_fetch(library, "AES-256-CBC", NULL);
    if (tickets->cipher == NULL) {
        tls_tickets_free(tickets);
        return NULL;
    }
    return tickets;
}

void tls_tickets_free(struct tls_tickets *tickets)
{
    if (tickets != NULL) {
        EVP_CIPHER_free(tickets->cipher);
        secret_memory_free(tickets->keys, sizeof(*tickets->keys));
        free(tickets);
    }
}

void tls_tickets_take(struct tls_tickets *tickets, const struct ticket_keys *keys)
{
    *tickets->keys = *keys;
}
