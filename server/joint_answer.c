#include "joint_answer.h"

#include <string.h>

void joint_answer_join(struct joint_answer *joint, uint64_t ticket)
{
    joint->is_wanted = true;
    /* There are no more tickets than clients. */
    if (ticket != 0 && joint->waiting_count < CONTROL_CLIENTS_MAX) {
        joint->waiting[joint->waiting_count++] = ticket;
    }
}

bool joint_answer_begin(struct joint_answer *joint)
{
    if (joint->is_under_way || !joint->is_wanted) {
        return false;
    }
    memcpy(joint->served, joint->waiting, sizeof(joint->served));
    joint->served_count = joint->waiting_count;
    joint->waiting_count = 0;
    joint->is_wanted = false;
    joint->is_under_way = true;
    return true;
}

void joint_answer_give(struct joint_answer *joint, struct control *control, json_t *reply)
{
    for (size_t i = 0; i < joint->served_count; i++) {
        control_answer(control, joint->served[i], json_incref(reply));
    }
    joint->served_count = 0;
    joint->is_under_way = false;
    json_decref(reply);
}
