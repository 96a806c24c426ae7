#include "transfer_group.h"

#include "fetch/transfer_parts.h"

struct transfer_group {
    CURLM *multi;
    struct transfer *first;
    size_t count;
};

struct transfer_group *transfer_group_new(size_t connections)
{
    struct transfer_group *group = memory_zero(1, sizeof(*group));
    group->multi = curl_multi_init();
    transfer_require(group->multi != NULL);
    transfer_require(curl_multi_setopt(group->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                                       (long)connections) == CURLM_OK);
    transfer_require(curl_multi_setopt(group->multi, CURLMOPT_MAXCONNECTS, (long)connections) ==
                     CURLM_OK);
    return group;
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

size_t transfer_group_count(const struct transfer_group *group)
{
    return group->count;
}

void transfer_group_wait(struct transfer_group *group, int timeout_ms, int fd)
{
    struct curl_waitfd extra = {.fd = fd, .events = CURL_WAIT_POLLIN};
    (void)curl_multi_poll(group->multi, &extra, fd >= 0 ? 1 : 0, timeout_ms, NULL);
}

void transfer_group_run(struct transfer_group *group)
{
    int running = 0;
    (void)curl_multi_perform(group->multi, &running);
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
