#include "lib/base/mailbox.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { POSTERS = 4, MESSAGES = 5000 };

struct poster {
    struct mailbox *mailbox;
    pthread_t thread;
    size_t ran;
    bool disordered;
};

struct message {
    struct poster *poster;
    size_t number;
};

static void receive(void *context)
{
    struct message *message = context;
    message->poster->disordered |= message->number != message->poster->ran;
    message->poster->ran++;
    free(message);
}

static void *post_all(void *context)
{
    struct poster *poster = context;
    for (size_t i = 0; i < MESSAGES; i++) {
        struct message *message = memory_zero(1, sizeof(*message));
        *message = (struct message){poster, i};
        mailbox_post(poster->mailbox, receive, message);
    }
    return NULL;
}

static bool is_readable(const struct mailbox *mailbox, int timeout_ms)
{
    struct pollfd fd = {.fd = mailbox_fd(mailbox), .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1;
}

static void test_runs_what_threads_post_each_in_order(void **state)
{
    (void)state;
    struct error e;
    struct mailbox *mailbox = NULL;
    struct poster posters[POSTERS] = {0};
    size_t ran = 0;
    assert_true(mailbox_new(&mailbox, &e));
    assert_false(is_readable(mailbox, 0));
    for (size_t i = 0; i < POSTERS; i++) {
        posters[i].mailbox = mailbox;
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    while (ran < (size_t)POSTERS * MESSAGES) {
        assert_true(is_readable(mailbox, 10000));
        mailbox_run(mailbox);
        ran = 0;
        for (size_t i = 0; i < POSTERS; i++) {
            ran += posters[i].ran;
        }
    }
    for (size_t i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, NULL);
        assert_int_equal(posters[i].ran, MESSAGES);
        assert_false(posters[i].disordered);
    }
    /* A letter may have been taken before the wake-up for it was. */
    mailbox_run(mailbox);
    assert_false(is_readable(mailbox, 0));
    mailbox_free(mailbox);
    mailbox_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_what_threads_post_each_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
