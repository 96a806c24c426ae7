/* How the configuration calls a CA: "letsencrypt" rather than its URL. */
#ifndef CLI_CA_NAME_H
#define CLI_CA_NAME_H

#include "config/settings.h"

/* URL is a directory's; itself where the configuration does not have it (any more). */
const char *ca_name(const struct settings *settings, const char *url);

#endif
