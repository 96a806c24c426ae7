/* Finds certificate and key files in a directory tree, by the layouts that ACME clients leave:
 *
 *     NAME/{fullchain,privkey}.pem          certbot's live/, by hand
 *     NAME.crt + NAME.key                   lego
 *     NAME/NAME.crt + NAME/NAME.key         Caddy
 *     NAME_ecc/fullchain.cer + NAME_ecc/NAME.key, NAME/fullchain.cer + NAME/NAME.key
 *                                           acme.sh
 *     NAME.pem                              chain and key in one file
 */
#ifndef LIB_CERTIFICATES_CERTIFICATE_TREE_H
#define LIB_CERTIFICATES_CERTIFICATE_TREE_H

#include "lib/base/bytes.h"

/* Whether PATH is one half of a pair by its name: the paths of chain and key (equal for one file),
 * for the caller to free. False: not a file of ours (README, *.issuer.crt, *.json, cert.pem,
 * chain.pem, ca.cer …). Pure: looks at the path only. */
bool certificate_tree_pair_of(const char *path, char **ret_chain_path, char **ret_key_path);

#endif
