/* For whom a proxy asks: the client in X-Forwarded-For, or in Forwarded (RFC 7239). Pure. */
#ifndef SERVER_ENGINE_FORWARDED_H
#define SERVER_ENGINE_FORWARDED_H

#include <sys/socket.h>

#include "config/settings.h"
#include "lib/base/bytes.h"

/* Each proxy adds at the right whom it was asked by. So from the right, the first address that is
 * of none of the proxies in FROM is the client; what stands before it the client may have written
 * itself. Where all are proxies, the first of them. False: VALUE of FIELD names no address there
 * ("unknown", a name of the proxy's own): the client is not known, and
 * *RET_CLIENT is as it was. */
bool forwarded_client(enum settings_forwarded field, struct bytes value,
                      const struct settings_networks *from, struct sockaddr_storage *ret_client);

#endif
