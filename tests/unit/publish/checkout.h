/* A configuration and its policies in a directory of the test's own, all of it removed at the end;
 * and a server that answers on its control socket, on a thread. */
#ifndef TESTS_UNIT_PUBLISH_CHECKOUT_H
#define TESTS_UNIT_PUBLISH_CHECKOUT_H

#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "lib/base/file.h"
#include "publish/workspace.h"

struct checkout {
    char top[64];
    char *config;
    struct workspace workspace; /* once loaded */
};

static inline int checkout_remove_one(const char *path, const struct stat *status, int flag,
                                      struct FTW *at)
{
    (void)status;
    (void)flag;
    (void)at;
    return remove(path);
}

/* NAME, "policies.d/a.yaml", in the checkout; the caller frees it. */
static inline char *checkout_path(const struct checkout *c, const char *name)
{
    return file_path_join(c->top, name);
}

static inline void checkout_write(const struct checkout *c, const char *name, const char *text)
{
    struct error e;
    CLEANUP_FREE char *path = checkout_path(c, name);
    CLEANUP_FREE char *directory = file_path_directory(path);
    assert_true(file_make_directories(directory, 0700, &e));
    if (!file_replace(path, bytes_of(text), 0600, &e)) {
        fail_msg("%s", e.text);
    }
}

static inline void checkout_expect(const struct checkout *c, const char *name, const char *want)
{
    struct error e;
    CLEANUP_FREE char *path = checkout_path(c, name);
    CLEANUP(buffer_clear) struct buffer text = BUFFER(1 << 20);
    assert_true(file_read(path, &text, NULL, &e));
    buffer_add(&text, (struct bytes){"", 1});
    assert_string_equal(text.p, want);
}

/* POLICIES is policies.d/a.yaml, MORE stands in the configuration besides. */
static inline void checkout_make(struct checkout *c, const char *more, const char *policies)
{
    *c = (struct checkout){0};
    (void)snprintf(c->top, sizeof(c->top), "/tmp/mtasts-publish-XXXXXX");
    assert_non_null(mkdtemp(c->top));
    CLEANUP_FREE char *text = memory_printf("policies: policies.d\nstate: state\n%s", more);
    checkout_write(c, "mtasts-host.yaml", text);
    checkout_write(c, "policies.d/a.yaml", policies);
    c->config = checkout_path(c, "mtasts-host.yaml");
}

/* Anew, where it was loaded before. */
static inline void checkout_load(struct checkout *c)
{
    struct error e;
    workspace_clear(&c->workspace);
    if (!workspace_load(c->config, &c->workspace, &e)) {
        diagnostics_print(&c->workspace.configuration, stderr);
        fail_msg("%s", e.text);
    }
}

static inline struct catalogue_view checkout_view(const struct checkout *c, const char *domain)
{
    struct catalogue_view view;
    assert_true(catalogue_find(c->workspace.catalogue, bytes_of(domain), &view));
    return view;
}

static inline void checkout_clear(struct checkout *c)
{
    workspace_clear(&c->workspace);
    free(c->config);
    assert_int_equal(nftw(c->top, checkout_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* --- A server --- */

struct served {
    json_t *(*answer)(const json_t *request, void *context);
    void *context;
    int listener;
    pthread_t thread;
    atomic_int asked;
};

static inline json_t *served_read(int fd)
{
    size_t n = 0;
    static char text[1 << 17]; /* one thread at a time */
    for (ssize_t got = 1; got > 0 && memchr(text, '\n', n) == NULL;
         n += got > 0 ? (size_t)got : 0) {
        got = recv(fd, text + n, sizeof(text) - n, 0);
    }
    return json_loadb(text, n, 0, NULL);
}

static inline void *served_run(void *context)
{
    struct served *served = context;
    for (int fd; (fd = accept(served->listener, NULL, NULL)) >= 0; close(fd)) {
        json_t *request = served_read(fd);
        json_t *reply = served->answer(request, served->context);
        char *text = json_dumps(reply, 0);
        (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
        free(text);
        json_decref(reply);
        json_decref(request);
        atomic_fetch_add(&served->asked, 1);
    }
    return NULL;
}

static inline void served_start(struct served *served, const struct checkout *c)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP_FREE char *state = checkout_path(c, "state");
    (void)mkdir(state, 0700);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/state/control.sock", c->top);
    (void)unlink(address.sun_path); /* of one that was stopped */
    served->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(served->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(served->listener, 8), 0);
    assert_int_equal(pthread_create(&served->thread, NULL, served_run, served), 0);
}

static inline void served_stop(struct served *served)
{
    (void)shutdown(served->listener, SHUT_RDWR);
    pthread_join(served->thread, NULL);
    close(served->listener);
}

#endif
