/* ACME's request bodies: JSON Web Signatures in the flattened JSON serialisation (RFC 7515 §7.2.2,
 * RFC 8555 §6.2).
 *
 * What comes out longer than JWS_MAX, and a text that is not UTF-8, sets OUT's `overflow`. */
#ifndef ACME_PROTOCOL_JWS_H
#define ACME_PROTOCOL_JWS_H

#include "acme/protocol/account_key.h"

enum { JWS_MAX = 64 * 1024 };

struct jws_header {
    const char *url;
    const char *nonce; /* NULL: none (inner ones) */
    const char *kid;   /* the account's URL; NULL: the key itself, as `jwk` */
};

/* Appends the JWS. An empty PAYLOAD is that of POST-as-GET (RFC 8555 §6.3). */
void jws_sign(const struct account_key *key, const struct jws_header *header, struct bytes payload,
              struct buffer *out);

/* Appends the external account binding of KEY (RFC 8555 §7.3.4): HS256 by MAC_KEY (raw octets). */
void jws_bind(const struct account_key *key, const char *kid, struct bytes mac_key,
              const char *new_account_url, struct buffer *out);

/* Appends the inner JWS of a key change (RFC 8555 §7.3.5), signed by the NEW key. */
void jws_key_change(const struct account_key *new_key, const struct account_key *old_key,
                    const char *account_url, const char *key_change_url, struct buffer *out);

#endif
