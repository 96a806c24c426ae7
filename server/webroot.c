#include "webroot.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/memory.h"
#include "lib/base/thread.h"

enum { READERS = 2 };

/* A question is in one of these until its answer is sent, by whoever takes it out. */
enum question_state {
    QUESTION_PREPARED, /* the engine's, which opens it at once */
    QUESTION_WAITS,    /* for a reader */
    QUESTION_IS_READ,
    QUESTION_IS_ANSWERED, /* in time by otherwise; its reader still has it */
};

struct question {
    TAILQ_ENTRY(question) link; /* in QUESTION_WAITS and QUESTION_IS_READ */
    struct webroot *webroot;
    enum question_state state;
    int64_t deadline_ms;
    struct http_reply reply;
    struct http_answer otherwise;
    char token[WEBROOT_TOKEN_MAX + 1];
};

struct webroot {
    char *directory;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    TAILQ_HEAD(questions, question) questions; /* that have no answer, oldest first */
    size_t count;                              /* of all, those answered late too */
    size_t threads;                            /* that run */
    bool ends;
};

/* --- The file --- */

static int open_token(int directory, const char *token)
{
    CLEANUP_FREE char *path = memory_printf(".well-known/acme-challenge/%s", token);
    const struct open_how how = {
        .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, /* a FIFO keeps nobody */
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
}

char *webroot_read(const char *directory, const char *token, size_t *ret_n)
{
    struct stat status;
    CLEANUP_CLOSE int top = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_CLOSE int fd = top >= 0 ? open_token(top, token) : -1;
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size > WEBROOT_FILE_MAX) {
        return NULL;
    }
    CLEANUP_FREE char *text = memory_zero(WEBROOT_FILE_MAX + 1, 1);
    ssize_t n = 0;
    size_t all = 0;
    do { /* one octet more than may be: it may have grown */
        n = read(fd, text + all, WEBROOT_FILE_MAX + 1 - all);
        all += n > 0 ? (size_t)n : 0;
    } while (n > 0 && all <= WEBROOT_FILE_MAX);
    if (n < 0 || all > WEBROOT_FILE_MAX) {
        return NULL;
    }
    *ret_n = all;
    return TAKE(text);
}

/* --- Questions --- */

static void forget(struct question *question)
{
    question->webroot->count--;
    http_answer_clear(&question->otherwise);
    free(question);
}

/* ANSWER is taken. With the lock: the desk holds its own for a few instructions. */
static void send_answer(struct question *question, struct http_answer *answer)
{
    TAILQ_REMOVE(&question->webroot->questions, question, link);
    http_reply_send(question->reply, answer);
    *answer = (struct http_answer){0};
}

static struct question *next_waiting(struct webroot *webroot)
{
    struct question *question = TAILQ_FIRST(&webroot->questions);
    while (question != NULL && question->state != QUESTION_WAITS) {
        question = TAILQ_NEXT(question, link);
    }
    return question;
}

static bool goes_on(void *context)
{
    (void)context;
    return true;
}

/* Without the lock while the disk is asked. */
static void read_one(struct webroot *webroot, struct question *question)
{
    size_t n = 0;
    question->state = QUESTION_IS_READ;
    pthread_mutex_unlock(&webroot->lock);
    fault_stall("webroot", goes_on, question);
    char *text = webroot_read(webroot->directory, question->token, &n);
    pthread_mutex_lock(&webroot->lock);
    if (question->state != QUESTION_IS_READ) {
        free(text);
    } else if (text != NULL) {
        struct http_answer found;
        http_answer_owned_text(&found, 200, text, n);
        send_answer(question, &found);
    } else {
        send_answer(question, &question->otherwise);
    }
    forget(question);
}

static void *run_reader(void *context)
{
    struct webroot *webroot = context;
    pthread_mutex_lock(&webroot->lock);
    while (!webroot->ends) {
        struct question *question = next_waiting(webroot);
        if (question != NULL) {
            read_one(webroot, question);
        } else {
            pthread_cond_wait(&webroot->changed, &webroot->lock);
        }
    }
    webroot->threads--;
    pthread_cond_broadcast(&webroot->changed);
    pthread_mutex_unlock(&webroot->lock);
    return NULL;
}

/* Those that are over time. What a reader has stays its own to free. */
static void answer_late(struct webroot *webroot, int64_t now_ms)
{
    struct question *question = NULL;
    while ((question = TAILQ_FIRST(&webroot->questions)) != NULL &&
           question->deadline_ms <= now_ms) {
        bool is_read = question->state == QUESTION_IS_READ;
        send_answer(question, &question->otherwise);
        if (is_read) {
            question->state = QUESTION_IS_ANSWERED;
        } else {
            forget(question);
        }
    }
}

static void wait_until(struct webroot *webroot, int64_t until_ms)
{
    const struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
    (void)pthread_cond_timedwait(&webroot->changed, &webroot->lock, &until);
}

static void *run_clock(void *context)
{
    struct webroot *webroot = context;
    pthread_mutex_lock(&webroot->lock);
    while (!webroot->ends) {
        answer_late(webroot, clock_monotonic_ms());
        const struct question *first = TAILQ_FIRST(&webroot->questions);
        if (first != NULL) {
            wait_until(webroot, first->deadline_ms);
        } else {
            pthread_cond_wait(&webroot->changed, &webroot->lock);
        }
    }
    webroot->threads--;
    pthread_cond_broadcast(&webroot->changed);
    pthread_mutex_unlock(&webroot->lock);
    return NULL;
}

/* --- How it is asked, on a worker's thread --- */

static void *prepare(void *context, struct bytes token, struct http_answer *otherwise)
{
    struct webroot *webroot = context;
    struct question *question = NULL;
    pthread_mutex_lock(&webroot->lock);
    if (webroot->count < WEBROOT_WAITING) {
        webroot->count++;
        question = memory_zero(1, sizeof(*question));
        question->webroot = webroot;
        question->otherwise = *otherwise;
        memcpy(question->token, token.p, token.n);
    }
    pthread_mutex_unlock(&webroot->lock);
    return question;
}

static void *open_question(void *context, struct http_reply reply)
{
    struct question *question = context;
    question->reply = reply;
    return question;
}

static void ignore_piece(void *taking, struct bytes octets)
{
    (void)taking;
    (void)octets;
}

static void hand_over(void *taking)
{
    struct question *question = taking;
    struct webroot *webroot = question->webroot;
    pthread_mutex_lock(&webroot->lock);
    question->state = QUESTION_WAITS;
    question->deadline_ms = clock_monotonic_ms() + WEBROOT_MS;
    TAILQ_INSERT_TAIL(&webroot->questions, question, link);
    if (webroot->ends) {
        answer_late(webroot, question->deadline_ms);
    }
    pthread_cond_broadcast(&webroot->changed);
    pthread_mutex_unlock(&webroot->lock);
}

static void abandon(void *taking)
{
    struct question *question = taking;
    struct webroot *webroot = question->webroot;
    pthread_mutex_lock(&webroot->lock);
    forget(question);
    pthread_mutex_unlock(&webroot->lock);
}

static const struct http_body_taker TAKER = {
    .open = open_question, .piece = ignore_piece, .complete = hand_over, .abandon = abandon};

struct webroot_answers webroot_answers(struct webroot *webroot, struct http_answers others)
{
    return (struct webroot_answers){webroot != NULL ? &TAKER : NULL, prepare, webroot, others};
}

/* --- Birth and end --- */

/* Nobody joins them: one may wait for a disk for ever. */
static bool start(struct webroot *webroot, const char *name, void *(*run)(void *context),
                  struct error *e)
{
    pthread_t thread;
    webroot->threads++;
    if (!thread_start(name, run, webroot, &thread, e)) {
        webroot->threads--;
        return false;
    }
    (void)pthread_detach(thread);
    return true;
}

bool webroot_new(const char *directory, struct webroot **ret_webroot, struct error *e)
{
    pthread_condattr_t monotonic;
    struct webroot *webroot = memory_zero(1, sizeof(*webroot));
    webroot->directory = memory_string(directory);
    TAILQ_INIT(&webroot->questions);
    pthread_mutex_init(&webroot->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&webroot->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    bool ok = start(webroot, "webroot-clock", run_clock, e);
    for (size_t i = 0; i < READERS && ok; i++) {
        ok = start(webroot, "webroot", run_reader, e);
    }
    if (!ok) {
        webroot_free(webroot);
        return false;
    }
    *ret_webroot = webroot;
    return true;
}

void webroot_close(struct webroot *webroot)
{
    if (webroot != NULL) {
        pthread_mutex_lock(&webroot->lock);
        webroot->ends = true;
        answer_late(webroot, INT64_MAX);
        pthread_cond_broadcast(&webroot->changed);
        pthread_mutex_unlock(&webroot->lock);
    }
}

/* Readers that wait for nothing end at once. */
static bool all_end(struct webroot *webroot)
{
    int64_t until_ms = clock_monotonic_ms() + WEBROOT_MS;
    pthread_mutex_lock(&webroot->lock);
    while (webroot->threads != 0 && clock_monotonic_ms() < until_ms) {
        wait_until(webroot, until_ms);
    }
    bool all = webroot->threads == 0;
    pthread_mutex_unlock(&webroot->lock);
    return all;
}

void webroot_free(struct webroot *webroot)
{
    webroot_close(webroot);
    if (webroot == NULL || !all_end(webroot)) {
        return; /* a reader has it still; the process ends */
    }
    pthread_cond_destroy(&webroot->changed);
    pthread_mutex_destroy(&webroot->lock);
    free(webroot->directory);
    free(webroot);
}
