/* The part of `status` about providers' policies that are followed, for people. */
#ifndef CLI_MIRROR_VIEW_H
#define CLI_MIRROR_VIEW_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* MIRROR is the member "mirror" of the answer (server/control/control.h); prints nothing where
 * there is none. */
void mirror_view_print(const json_t *mirror, int64_t now_s, FILE *out);

#endif
