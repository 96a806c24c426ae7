#include "jws.h"

#include <jansson.h>
#include <openssl/evp.h>

#include "acme/protocol/base64url.h"

enum { MAC_LENGTH = 32 }; /* HMAC with SHA-256 */

static void json_cleanup(json_t **json)
{
    json_decref(*json);
}

/* The key as a JSON value; the caller's reference. */
static json_t *jwk_value(const struct account_key *key)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(JWS_MAX);
    account_key_jwk(key, &text);
    return json_loadb(text.p, text.n, 0, NULL);
}

/* Appends JSON's text in base64url. JSON is NULL where a text in it is not UTF-8. */
static void add_encoded(const json_t *json, struct buffer *out)
{
    CLEANUP_FREE char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text == NULL) {
        out->overflow = true;
        return;
    }
    base64url_add(bytes_of(text), out);
}

/* Appends what is signed, BASE64URL(HEADER) "." BASE64URL(PAYLOAD) (RFC 7515 §5.1), and takes
 * HEADER. */
static void add_signing_input(json_t *header, struct bytes payload, struct buffer *input)
{
    add_encoded(header, input);
    json_decref(header);
    buffer_add(input, BYTES("."));
    base64url_add(payload, input);
}

/* Appends the JWS of INPUT and its SIGNATURE. Base64url needs no escapes in JSON. */
static void add_flattened(const struct buffer *input, struct bytes signature, struct buffer *out)
{
    CLEANUP(buffer_clear) struct buffer signature_text = BUFFER(JWS_MAX);
    base64url_add(signature, &signature_text);
    size_t header_length = strcspn(input->p, ".");
    buffer_printf(out, "{\"protected\":\"%.*s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
                  (int)header_length, input->p, input->p + header_length + 1, signature_text.p);
}

/* Takes HEADER. */
static void sign(const struct account_key *key, json_t *header, struct bytes payload,
                 struct buffer *out)
{
    CLEANUP(buffer_clear) struct buffer input = BUFFER(JWS_MAX);
    add_signing_input(header, payload, &input);
    if (input.overflow) {
        out->overflow = true;
        return;
    }
    CLEANUP(buffer_clear) struct buffer signature = BUFFER(JWS_MAX);
    account_key_sign(key, buffer_bytes(&input), &signature);
    add_flattened(&input, buffer_bytes(&signature), out);
}

void jws_sign(const struct account_key *key, const struct jws_header *header, struct bytes payload,
              struct buffer *out)
{
    json_t *fields = header->kid != NULL
                         ? json_pack("{s:s, s:s, s:s*, s:s}", "alg", "ES256", "kid", header->kid,
                                     "nonce", header->nonce, "url", header->url)
                         : json_pack("{s:s, s:o, s:s*, s:s}", "alg", "ES256", "jwk", jwk_value(key),
                                     "nonce", header->nonce, "url", header->url);
    sign(key, fields, payload, out);
}

void jws_bind(const struct account_key *key, const char *kid, struct bytes mac_key,
              const char *new_account_url, struct buffer *out)
{
    CLEANUP(buffer_clear) struct buffer jwk = BUFFER(JWS_MAX);
    CLEANUP(buffer_clear) struct buffer input = BUFFER(JWS_MAX);
    account_key_jwk(key, &jwk);
    add_signing_input(
        json_pack("{s:s, s:s, s:s}", "alg", "HS256", "kid", kid, "url", new_account_url),
        buffer_bytes(&jwk), &input);
    if (input.overflow) {
        out->overflow = true;
        return;
    }
    unsigned char mac[MAC_LENGTH];
    size_t n = 0;
    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, mac_key.p, mac_key.n,
                  (const unsigned char *)input.p, input.n, mac, sizeof(mac), &n) == NULL) {
        abort(); /* out of memory, or an OpenSSL without its default provider */
    }
    add_flattened(&input, (struct bytes){(const char *)mac, n}, out);
}

void jws_key_change(const struct account_key *new_key, const struct account_key *old_key,
                    const char *account_url, const char *key_change_url, struct buffer *out)
{
    CLEANUP(json_cleanup)
    json_t *change = json_pack("{s:s, s:o}", "account", account_url, "oldKey", jwk_value(old_key));
    CLEANUP_FREE char *payload = change != NULL ? json_dumps(change, JSON_COMPACT) : NULL;
    if (payload == NULL) {
        out->overflow = true;
        return;
    }
    /* Without a nonce, which the outer JWS has. */
    jws_sign(new_key, &(struct jws_header){.url = key_change_url}, bytes_of(payload), out);
}
