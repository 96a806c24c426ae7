/* Domains on their way out, as the server's history has them: which serve mode none, which are
 * served no more, and until when senders may hold a policy of another mode.
 *
 * Asked of the running server, which any user of its control socket may. Where none runs, its
 * history is read as it lies in the state directory, which needs its rights. */
#ifndef PUBLISH_LEAVING_LIST_H
#define PUBLISH_LEAVING_LIST_H

#include <stdint.h>

#include "config/settings.h"

struct leaving_item {
    char *domain;
    int64_t retired_s; /* since when it serves mode none; 0: it did not */
    int64_t gone_s;    /* since when it is served no more; 0: it is, or nobody saw it go */
    int64_t until_s;   /* 0: no sender holds a policy of another mode */
    bool known;        /* false: senders may hold what was served before the history knew it */
    bool served;       /* as far as anybody knows */
    /* Of leaving_list_ask_left(): what it served last. */
    char *shared; /* the shared policy ("@NAME"); NULL: a text of its own */
    char *digest; /* of the text, in hex; NULL: not known */
};

/* Zero-initialised is empty. */
struct leaving_list {
    struct leaving_item *items; /* those that went last first, then by name */
    size_t count;
    size_t capacity;
    int64_t gone_count; /* how many are served no more, those that are not in `items` too */
};

enum { LEAVING_LIST_MAX = 1000 };

/* ERROR_NOT_FOUND: no server runs, and there is no history. */
bool leaving_list_ask(const struct settings *settings, struct leaving_list *ret_list,
                      struct error *e) MUST_USE;
/* A page of those that are served no more, by name, those behind AFTER ("": from the first). Asked
 * of the running server alone. */
bool leaving_list_ask_left(const struct settings *settings, const char *after,
                           struct leaving_list *ret_list, struct error *e) MUST_USE;
void leaving_list_clear(struct leaving_list *list);

#endif
