#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/base/buffer.h"
#include "server/domain_news.h"

enum { MANY = 20000, PATIENCE_MS = 20000 };

static struct mailbox *mailbox;

static int make_mailbox(void **state)
{
    struct error e;
    (void)state;
    assert_true(mailbox_new(&mailbox, &e));
    return 0;
}

static int free_mailbox(void **state)
{
    (void)state;
    mailbox_free(mailbox);
    return 0;
}

static void write_down(struct bytes domain, bool gone, void *context)
{
    buffer_printf(context, "%c%.*s ", gone ? '-' : '+', BYTES_ARG(domain));
}

static void test_tells_in_order_where_the_mailbox_runs(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer told = BUFFER(1024);
    struct domain_news *news = domain_news_new(mailbox, write_down, &told);
    domain_news_add(BYTES("a.test"), false, news);
    domain_news_add(BYTES("b.test"), false, news);
    domain_news_add(BYTES("a.test"), true, news);
    assert_int_equal(told.n, 0);
    mailbox_run(mailbox);
    assert_string_equal(told.p, "+a.test +b.test -a.test ");
    domain_news_add(BYTES("c.test"), false, news);
    mailbox_run(mailbox);
    mailbox_run(mailbox);
    assert_string_equal(told.p, "+a.test +b.test -a.test +c.test ");
    domain_news_add(BYTES("d.test"), false, news); /* dropped with the news */
    domain_news_free(news);
    domain_news_free(NULL);
}

static void count(struct bytes domain, bool gone, void *context)
{
    size_t *next = context;
    char want[32];
    (void)snprintf(want, sizeof(want), "%zu.test", *next);
    assert_true(bytes_equal(domain, bytes_of(want)));
    assert_int_equal(gone, *next % 2);
    ++*next;
}

static void *add_many(void *news)
{
    for (int i = 0; i < MANY; i++) {
        char domain[32];
        (void)snprintf(domain, sizeof(domain), "%d.test", i);
        domain_news_add(bytes_of(domain), i % 2 != 0, news);
    }
    return NULL;
}

static void test_nothing_is_lost_between_threads(void **state)
{
    (void)state;
    size_t next = 0;
    pthread_t loader;
    struct domain_news *news = domain_news_new(mailbox, count, &next);
    assert_int_equal(pthread_create(&loader, NULL, add_many, news), 0);
    while (next != MANY) {
        struct pollfd fd = {.fd = mailbox_fd(mailbox), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
        mailbox_run(mailbox);
    }
    pthread_join(loader, NULL);
    domain_news_free(news);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tells_in_order_where_the_mailbox_runs, make_mailbox,
                                        free_mailbox),
        cmocka_unit_test_setup_teardown(test_nothing_is_lost_between_threads, make_mailbox,
                                        free_mailbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
