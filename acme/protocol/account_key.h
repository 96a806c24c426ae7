/* An ACME account's key: ECDSA P-256, for ES256 signatures (RFC 7518 §3.4). Immutable. */
#ifndef ACME_PROTOCOL_ACCOUNT_KEY_H
#define ACME_PROTOCOL_ACCOUNT_KEY_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"

struct account_key;

bool account_key_generate(struct account_key **ret_key, struct error *e) MUST_USE;
/* PKCS #8 PEM, unencrypted. */
bool account_key_parse(struct bytes pem, struct account_key **ret_key, struct error *e) MUST_USE;
/* Appends it as account_key_parse reads it. The caller wipes PEM. */
void account_key_print(const struct account_key *key, struct buffer *pem);
/* NULL is fine. */
void account_key_free(struct account_key *key);

/* Appends {"crv":"P-256","kty":"EC","x":…,"y":…}: RFC 7638's order, no white space. */
void account_key_jwk(const struct account_key *key, struct buffer *json);
/* SHA-256 of the above in base64url (RFC 7638), 43 octets. The key's own. */
const char *account_key_thumbprint(const struct account_key *key);
/* Appends ES256's signature of TEXT: R and S, 32 octets each. */
void account_key_sign(const struct account_key *key, struct bytes text, struct buffer *out);

#endif
