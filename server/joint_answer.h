/* Clients of the control socket that ask the same: the work is done once for all who asked before
 * it began, and who asks while it is under way waits for the next time. So a crowd costs at most
 * two walks over everything, and each gets an answer that is no older than its question.
 *
 *     joint_answer_join(&joint, ticket);
 *     if (joint_answer_begin(&joint)) … do it, and then:
 *     joint_answer_give(&joint, control, reply);
 *     if (joint_answer_begin(&joint)) … again, for those who came meanwhile
 */
#ifndef SERVER_JOINT_ANSWER_H
#define SERVER_JOINT_ANSWER_H

#include "server/control_socket.h"

/* Zero-initialised: nobody asks. */
struct joint_answer {
    uint64_t waiting[CONTROL_CLIENTS_MAX];
    size_t waiting_count;
    uint64_t served[CONTROL_CLIENTS_MAX];
    size_t served_count;
    bool is_wanted;
    bool is_under_way;
};

/* TICKET is one of the control socket's, or 0: nobody waits for the answer. */
void joint_answer_join(struct joint_answer *joint, uint64_t ticket);
/* True: it is to be done now, for all who wait. */
bool joint_answer_begin(struct joint_answer *joint);
/* Whether anybody is served by what is under way. */
static inline bool joint_answer_is_awaited(const struct joint_answer *joint)
{
    return joint->served_count != 0;
}
/* Takes REPLY (may be NULL where it is not awaited), which all who are served get. */
void joint_answer_give(struct joint_answer *joint, struct control *control, json_t *reply);

#endif
