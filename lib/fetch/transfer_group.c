#include "transfer_group.h"

#include <assert.h>
#include <poll.h>
#include <sys/epoll.h>

#include "lib/base/file.h"
#include "lib/fetch/transfer_parts.h"

enum { EVENTS_MAX = 64 }; /* taken at once */

/* libcurl tells which sockets it waits for as they come and go, and epoll keeps them: a turn costs
 * what happened in it, not what is under way. */
struct transfer_group {
    CURLM *multi;
    int epoll; /* readable where one of the sockets is ready */
    struct transfer *first;
    size_t count;
};

/* libcurl waits for WHAT of FD from now on. */
static int on_socket(CURL *curl, curl_socket_t fd, int what, void *context, void *unused)
{
    const struct transfer_group *group = context;
    struct epoll_event event = {.data.fd = fd};
    (void)curl;
    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(group->epoll, EPOLL_CTL_DEL, fd, &event);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    bool known = epoll_ctl(group->epoll, EPOLL_CTL_MOD, fd, &event) == 0;
    return known || epoll_ctl(group->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -1;
}

bool transfer_group_new(size_t connections, struct transfer_group **ret_group, struct error *e)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    CURLM *multi = epoll >= 0 ? curl_multi_init() : NULL; /* it may want descriptors, too */
    if (multi == NULL) {
        bool failed = error_system(e, "cannot wait for transfers");
        file_close(&epoll);
        return failed;
    }
    struct transfer_group *group = memory_zero(1, sizeof(*group));
    group->multi = multi;
    group->epoll = epoll;
    const long most = (long)connections;
    transfer_require(
        curl_multi_setopt(group->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
        curl_multi_setopt(group->multi, CURLMOPT_SOCKETDATA, group) == CURLM_OK &&
        curl_multi_setopt(group->multi, CURLMOPT_MAX_HOST_CONNECTIONS, most) == CURLM_OK &&
        (most == 0 || curl_multi_setopt(group->multi, CURLMOPT_MAXCONNECTS, most) == CURLM_OK));
    *ret_group = group;
    return true;
}

static void drop_transfer(struct transfer_group *group, struct transfer *transfer)
{
    if (transfer->previous != NULL) {
        transfer->previous->next = transfer->next;
    } else {
        group->first = transfer->next;
    }
    if (transfer->next != NULL) {
        transfer->next->previous = transfer->previous;
    }
    group->count--;
    (void)curl_multi_remove_handle(group->multi, transfer->curl);
    if (transfer->drop != NULL) {
        transfer->drop(transfer->context);
    }
    transfer_free(transfer);
}

void transfer_group_free(struct transfer_group *group)
{
    if (group == NULL) {
        return;
    }
    while (group->first != NULL) {
        drop_transfer(group, group->first);
    }
    (void)curl_multi_cleanup(group->multi);
    file_close(&group->epoll);
    free(group);
}

void transfer_group_add(struct transfer_group *group, struct transfer *transfer,
                        transfer_group_done done, void (*drop)(void *context), void *context)
{
    transfer->done = done;
    transfer->drop = drop;
    transfer->context = context;
    transfer->next = group->first;
    if (transfer->next != NULL) {
        transfer->next->previous = transfer;
    }
    group->first = transfer;
    group->count++;
    transfer_require(curl_multi_add_handle(group->multi, transfer->curl) == CURLM_OK);
}

void transfer_group_drop(struct transfer_group *group, struct transfer *transfer)
{
    drop_transfer(group, transfer);
}

size_t transfer_group_count(const struct transfer_group *group)
{
    return group->count;
}

/* libcurl's own timers may ask for less. */
static int sooner(const struct transfer_group *group, int timeout_ms)
{
    long left_ms = -1;
    (void)curl_multi_timeout(group->multi, &left_ms);
    return left_ms >= 0 && left_ms < timeout_ms ? (int)left_ms : timeout_ms;
}

void transfer_groups_wait(struct transfer_group *const *groups, size_t count, int timeout_ms,
                          int fd)
{
    struct pollfd ready[TRANSFER_GROUPS_MAX + 1] = {{.fd = fd, .events = POLLIN}};
    assert(count <= TRANSFER_GROUPS_MAX);
    for (size_t i = 0; i < count; i++) {
        ready[i + 1] = (struct pollfd){.fd = groups[i]->epoll, .events = POLLIN};
        timeout_ms = sooner(groups[i], timeout_ms);
    }
    (void)poll(ready, count + 1, timeout_ms); /* a negative descriptor is passed over */
}

void transfer_group_wait(struct transfer_group *group, int timeout_ms, int fd)
{
    transfer_groups_wait(&group, 1, timeout_ms, fd);
}

static int actions_of(uint32_t events)
{
    return (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
           (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

/* Lets libcurl do what sockets and timers ask for. */
static void act(struct transfer_group *group)
{
    struct epoll_event events[EVENTS_MAX];
    int running = 0;
    int count = epoll_wait(group->epoll, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        (void)curl_multi_socket_action(group->multi, events[i].data.fd,
                                       actions_of(events[i].events), &running);
    }
    (void)curl_multi_socket_action(group->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

void transfer_group_run(struct transfer_group *group)
{
    act(group);
    CURLMsg *message = NULL;
    int left = 0;
    while ((message = curl_multi_info_read(group->multi, &left)) != NULL) {
        struct transfer *transfer = NULL;
        CURLcode code = message->data.result;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer) ==
                CURLE_OK) {
            enum transfer_result result = transfer_end(transfer, code);
            transfer->done(transfer, result, transfer->context);
            drop_transfer(group, transfer);
        }
    }
}
