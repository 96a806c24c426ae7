#!/bin/sh
# A deploy hook of certbot: what certbot keeps may be read by the group that mtasts-host runs as. certbot makes the
# directories live and archive, and each new key, for root alone.
#
#     install -m 755 mtasts-host.sh /etc/letsencrypt/renewal-hooks/deploy/
#     /etc/letsencrypt/renewal-hooks/deploy/mtasts-host.sh      # once, for what is there already
#
# Nothing has to be reloaded: the server sees new certificates by itself. MTASTS_GROUP is another group.
set -eu
group=${MTASTS_GROUP:-mtasts-host}
# certbot names the certificate that it has just put in place, TOP/live/NAME.
top=${RENEWED_LINEAGE:-/etc/letsencrypt/live/}
top=${top%/live/*}
chgrp -R "$group" "$top/live" "$top/archive"
chmod -R g+rX "$top/live" "$top/archive"
