/* Answers that come later find who waits for them, or nobody. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/memory.h"
#include "server/engine/desk.h"

enum { WAITERS = 8, THREADS = 4, ROUNDS = 500 };

struct waiting {
    struct desk_waiter waiter;
    struct http_reply reply;
    size_t answers;
    int status;
    struct desk *desk;
    struct waiting *gives_up; /* another one, when its own answer comes */
};

static _Atomic size_t wakes;

static void on_wake(void *context)
{
    assert_non_null(context);
    atomic_fetch_add(&wakes, 1);
}

static void on_answer(struct desk_waiter *waiter, struct http_answer *answer)
{
    struct waiting *waiting = (struct waiting *)waiter;
    waiting->answers++;
    waiting->status = answer->status;
    http_answer_clear(answer);
    if (waiting->gives_up != NULL) {
        desk_give_up(waiting->desk, &waiting->gives_up->waiter);
    }
}

static struct desk *open_desk(void)
{
    static int context;
    atomic_store(&wakes, 0);
    return desk_new(on_wake, &context);
}

static void wait_for(struct desk *desk, struct waiting *waiting)
{
    *waiting = (struct waiting){.waiter.deliver = on_answer, .desk = desk};
    waiting->reply = desk_wait(desk, &waiting->waiter);
}

static void answer(struct http_reply reply, int status)
{
    struct http_answer text;
    http_answer_owned_text(&text, status, memory_string("later\n"), 6);
    http_reply_send(reply, &text);
    assert_null(text.owned); /* the desk's now */
}

static void an_answer_finds_who_waits_for_it(void **state)
{
    (void)state;
    struct desk *desk = open_desk();
    struct waiting waiting[WAITERS];
    for (size_t i = 0; i < WAITERS; i++) {
        wait_for(desk, &waiting[i]);
    }
    for (size_t i = WAITERS; i-- > 0;) {
        answer(waiting[i].reply, (int)(200 + i));
    }
    assert_int_equal(waiting[0].answers, 0); /* not before the worker's turn */
    assert_int_equal(atomic_load(&wakes), WAITERS);
    desk_deliver(desk);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_int_equal(waiting[i].answers, 1);
        assert_int_equal(waiting[i].status, 200 + i);
        assert_int_equal(waiting[i].waiter.ticket, 0);
    }
    desk_deliver(desk); /* nothing more */
    assert_int_equal(waiting[0].answers, 1);
    desk_free(desk);
}

static void who_has_gone_gets_nothing(void **state)
{
    (void)state;
    struct desk *desk = open_desk();
    struct waiting gone;
    struct waiting other;
    wait_for(desk, &gone);
    desk_give_up(desk, &gone.waiter);
    desk_give_up(desk, &gone.waiter); /* which may be said twice */
    wait_for(desk, &other);           /* and has another ticket */
    answer(gone.reply, 200);
    desk_deliver(desk);
    assert_int_equal(gone.answers, 0);
    assert_int_equal(other.answers, 0);
    answer(other.reply, 202);
    desk_deliver(desk);
    assert_int_equal(other.status, 202);
    desk_free(desk);
}

static void who_goes_while_answers_are_delivered_gets_nothing(void **state)
{
    (void)state;
    struct desk *desk = open_desk();
    struct waiting first;
    struct waiting second;
    wait_for(desk, &first);
    wait_for(desk, &second);
    first.gives_up = &second;
    answer(first.reply, 200);
    answer(second.reply, 200);
    desk_deliver(desk);
    assert_int_equal(first.answers, 1);
    assert_int_equal(second.answers, 0);
    desk_free(desk);
}

static void what_nobody_fetched_is_freed(void **state)
{
    (void)state;
    struct desk *desk = open_desk();
    struct waiting waiting;
    wait_for(desk, &waiting);
    desk_give_up(desk, &waiting.waiter);
    answer(waiting.reply, 200);
    desk_free(desk); /* AddressSanitizer looks */
    desk_free(NULL);
}

struct sender {
    pthread_t thread;
    struct waiting *waiting; /* every THREADS-th from here */
};

static void *send_all(void *context)
{
    const struct sender *sender = context;
    for (size_t i = 0; i < ROUNDS; i++) {
        answer(sender->waiting[i * THREADS].reply, 200);
    }
    return NULL;
}

static void threads_hand_in_while_the_worker_delivers(void **state)
{
    (void)state;
    struct desk *desk = open_desk();
    struct waiting *waiting = memory_zero((size_t)ROUNDS * THREADS, sizeof(*waiting));
    struct sender senders[THREADS];
    for (size_t i = 0; i < (size_t)ROUNDS * THREADS; i++) {
        wait_for(desk, &waiting[i]);
    }
    for (size_t i = 0; i < THREADS; i++) {
        senders[i].waiting = waiting + i;
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    while (atomic_load(&wakes) < (size_t)ROUNDS * THREADS) {
        desk_deliver(desk);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(senders[i].thread, NULL);
    }
    desk_deliver(desk);
    for (size_t i = 0; i < (size_t)ROUNDS * THREADS; i++) {
        assert_int_equal(waiting[i].answers, 1);
    }
    free(waiting);
    desk_free(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_finds_who_waits_for_it),
        cmocka_unit_test(who_has_gone_gets_nothing),
        cmocka_unit_test(who_goes_while_answers_are_delivered_gets_nothing),
        cmocka_unit_test(what_nobody_fetched_is_freed),
        cmocka_unit_test(threads_hand_in_while_the_worker_delivers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
