/* Clients of the control socket that ask the same: the work is done once for all who asked before
 * it began, and who asks while it is under way waits for the next time. So a crowd costs at most
 * two walks over everything, and each gets an answer that is no older than its question.
 *
 *     round_join(&round, ticket);
 *     if (round_begin(&round)) … do it, and then:
 *     round_answer(&round, control, reply);
 *     if (round_begin(&round)) … again, for those who came meanwhile
 */
#ifndef SERVER_ROUND_H
#define SERVER_ROUND_H

#include "server/control_socket.h"

/* Zero-initialised: nobody asks. */
struct round {
    uint64_t waiting[CONTROL_CLIENTS_MAX];
    size_t waiting_count;
    uint64_t served[CONTROL_CLIENTS_MAX];
    size_t served_count;
    bool is_wanted;
    bool is_under_way;
};

/* TICKET is one of the control socket's, or 0: nobody waits for the answer. */
void round_join(struct round *round, uint64_t ticket);
/* True: it is to be done now, for all who wait. */
bool round_begin(struct round *round);
/* Whether anybody is served by what is under way. */
static inline bool round_is_awaited(const struct round *round)
{
    return round->served_count != 0;
}
/* Takes REPLY (may be NULL where it is not awaited), which all who are served get. */
void round_answer(struct round *round, struct control *control, json_t *reply);

#endif
