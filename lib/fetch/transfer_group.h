/* Many transfers at once on one thread, by libcurl's multi interface.
 *
 *     transfer_group_add(group, transfer_new(&request), on_done, order);
 *     while (transfer_group_count(group) != 0) {
 *         transfer_group_wait(group, timeout_ms, -1);
 *         transfer_group_run(group);                     // calls on_done
 *     }
 */
#ifndef LIB_FETCH_TRANSFER_GROUP_H
#define LIB_FETCH_TRANSFER_GROUP_H

#include "lib/base/error.h"
#include "lib/fetch/transfer.h"

struct transfer_group;

enum { TRANSFER_GROUPS_MAX = 4 }; /* that one thread waits for at once */

/* Connections are kept for the next transfer: at most so many, and so many to one host at a time.
 * 0: as many as there are transfers. Fails where no descriptor is left. */
bool transfer_group_new(size_t connections, struct transfer_group **ret_group, struct error *e)
    MUST_USE;
/* Transfers under way are dropped without a call of DONE, but of DROP. NULL is fine. */
void transfer_group_free(struct transfer_group *group);

typedef void (*transfer_group_done)(struct transfer *transfer, enum transfer_result result,
                                    void *context);

/* The group owns the transfer until DONE has returned; that is called from transfer_group_run,
 * once, and may add others. DROP (may be NULL) is called last of all, with or without DONE. */
void transfer_group_add(struct transfer_group *group, struct transfer *transfer,
                        transfer_group_done done, void (*drop)(void *context), void *context);
/* Ends one that is under way, without a call of DONE, but of DROP. Not from within its own DONE. */
void transfer_group_drop(struct transfer_group *group, struct transfer *transfer);
/* Under way. */
size_t transfer_group_count(const struct transfer_group *group);

/* Waits until there is something to do, FD (-1: none) is readable, or TIMEOUT_MS are over. */
void transfer_group_wait(struct transfer_group *group, int timeout_ms, int fd);
/* The same for the COUNT GROUPS of one thread, at most TRANSFER_GROUPS_MAX. */
void transfer_groups_wait(struct transfer_group *const *groups, size_t count, int timeout_ms,
                          int fd);
void transfer_group_run(struct transfer_group *group);

#endif
