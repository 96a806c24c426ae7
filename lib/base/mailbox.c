#include "mailbox.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/file.h"

struct letter {
    struct letter *next;
    void (*run)(void *context);
    void *context;
};

struct mailbox {
    pthread_mutex_t lock; /* held for a few instructions */
    struct letter *first;
    struct letter **end;
    int fd;
};

bool mailbox_new(struct mailbox **ret_mailbox, struct error *e)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return error_system(e, "cannot make an eventfd");
    }
    struct mailbox *mailbox = memory_zero(1, sizeof(*mailbox));
    pthread_mutex_init(&mailbox->lock, NULL);
    mailbox->end = &mailbox->first;
    mailbox->fd = fd;
    *ret_mailbox = mailbox;
    return true;
}

static struct letter *take_all(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    struct letter *first = mailbox->first;
    mailbox->first = NULL;
    mailbox->end = &mailbox->first;
    pthread_mutex_unlock(&mailbox->lock);
    return first;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL) {
        return;
    }
    for (struct letter *letter = take_all(mailbox); letter != NULL;) {
        struct letter *next = letter->next;
        free(letter);
        letter = next;
    }
    pthread_mutex_destroy(&mailbox->lock);
    file_close(&mailbox->fd);
    free(mailbox);
}

void mailbox_post(struct mailbox *mailbox, void (*run)(void *context), void *context)
{
    struct letter *letter = memory_zero(1, sizeof(*letter));
    letter->run = run;
    letter->context = context;
    pthread_mutex_lock(&mailbox->lock);
    *mailbox->end = letter;
    mailbox->end = &letter->next;
    /* Under the lock: whoever frees the mailbox after running this letter must find us gone. */
    uint64_t one = 1;
    ssize_t ignored = write(mailbox->fd, &one, sizeof(one));
    (void)ignored;
    pthread_mutex_unlock(&mailbox->lock);
}

int mailbox_fd(const struct mailbox *mailbox)
{
    return mailbox->fd;
}

void mailbox_run(struct mailbox *mailbox)
{
    uint64_t ignored = 0;
    ssize_t n = read(mailbox->fd, &ignored, sizeof(ignored));
    (void)n;
    for (struct letter *letter = take_all(mailbox); letter != NULL;) {
        struct letter *next = letter->next;
        letter->run(letter->context);
        free(letter);
        letter = next;
    }
}
