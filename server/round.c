#include "round.h"

#include <string.h>

void round_join(struct round *round, uint64_t ticket)
{
    round->is_wanted = true;
    /* There are no more tickets than clients. */
    if (ticket != 0 && round->waiting_count < CONTROL_CLIENTS_MAX) {
        round->waiting[round->waiting_count++] = ticket;
    }
}

bool round_begin(struct round *round)
{
    if (round->is_under_way || !round->is_wanted) {
        return false;
    }
    memcpy(round->served, round->waiting, sizeof(round->served));
    round->served_count = round->waiting_count;
    round->waiting_count = 0;
    round->is_wanted = false;
    round->is_under_way = true;
    return true;
}

void round_answer(struct round *round, struct control *control, json_t *reply)
{
    for (size_t i = 0; i < round->served_count; i++) {
        control_answer(control, round->served[i], json_incref(reply));
    }
    round->served_count = 0;
    round->is_under_way = false;
    json_decref(reply);
}
