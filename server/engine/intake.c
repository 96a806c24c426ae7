#include "intake.h"

static void answer_is_there(struct intake *intake)
{
    intake->state = INTAKE_IS_ANSWERED;
    if (intake->connection->kind != LISTENER_ADMIN) {
        connection_count_answer(intake->connection, intake->version, intake->answer.status);
    }
    exchange_log_later(intake->exchange, intake->record, &intake->answer);
}

static void on_delivered(struct desk_waiter *waiter, struct http_answer *answer)
{
    struct intake *intake =
        (struct intake *)(void *)((char *)waiter - offsetof(struct intake, waiter));
    intake->answer = *answer;
    if (intake->state == INTAKE_TAKES) {
        intake->taker->abandon(intake->taking);
    }
    answer_is_there(intake);
    intake->answered(intake->answered_context);
}

void intake_open(struct intake *intake, const struct http_request *request,
                 const struct http_answer *answer)
{
    intake->state = INTAKE_TAKES;
    intake->taker = answer->taker;
    intake->version = request->version;
    intake->record = exchange_remember(intake->exchange, intake->connection, request);
    intake->waiter.deliver = on_delivered;
    struct http_reply reply = desk_wait(intake->exchange->desk, &intake->waiter);
    intake->taking = answer->taker->open(answer->taker_context, reply);
    /* All at once: its octets are counted as they come in, before any of them is seen here. */
    connection_expects(intake->connection, (int64_t)answer->taker->max);
}

struct http_answer intake_take_answer(struct intake *intake)
{
    struct http_answer answer = intake->answer;
    intake->answer = (struct http_answer){0};
    return answer;
}

static void stop_taking(struct intake *intake)
{
    if (intake->state == INTAKE_TAKES) {
        intake->taker->abandon(intake->taking);
    }
    desk_give_up(intake->exchange->desk, &intake->waiter);
}

bool intake_piece(struct intake *intake, struct bytes octets)
{
    intake->received += octets.n;
    if (intake->received > intake->taker->max) {
        stop_taking(intake);
        http_answer_text(&intake->answer, 413, BYTES("The request's body is too long.\n"));
        answer_is_there(intake);
        return false;
    }
    intake->taker->piece(intake->taking, octets);
    return true;
}

void intake_complete(struct intake *intake)
{
    intake->state = INTAKE_WAITS;
    intake->taker->complete(intake->taking);
}

void intake_clear(struct intake *intake)
{
    if (intake->state != INTAKE_NONE) {
        stop_taking(intake);
        http_answer_clear(&intake->answer);
        free(intake->record);
        *intake = (struct intake){0};
    }
}
