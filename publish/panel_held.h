/* Until when senders may hold a policy of a domain that is removed. */
#ifndef PUBLISH_PANEL_HELD_H
#define PUBLISH_PANEL_HELD_H

#include "publish/served_history.h"

/* Of a mode other than none, if the domain stops serving one at NOW_S; 0: nobody holds one.
 * *RET_KNOWN false: the server's history cannot say, and senders may. */
int64_t panel_held_until(struct served_history *history, const char *domain, int64_t now_s,
                         bool *ret_known);

#endif
