/* How far the first load is, in words for people. */
#ifndef SERVER_PROGRESS_TEXT_H
#define SERVER_PROGRESS_TEXT_H

#include "policies/loader/loader.h"

enum { PROGRESS_TEXT_MAX = 128 };

/* "Loading: policies", "Loading: 120,000 of 1,000,000 certificates", "Loading: certificates by
 * ACME". */
void progress_text(const struct loader_progress *progress, char ret_text[PROGRESS_TEXT_MAX]);

#endif
