#include "systemd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

void systemd_sockets_take(struct systemd_sockets *ret_sockets)
{
    *ret_sockets = (struct systemd_sockets){.first = SD_LISTEN_FDS_START};
    int count = sd_listen_fds_with_names(1, &ret_sockets->names);
    ret_sockets->count = count > 0 ? count : 0;
}

void systemd_sockets_clear(struct systemd_sockets *sockets)
{
    for (int i = 0; i < sockets->count; i++) {
        close(sockets->first + i);
        free(sockets->names[i]);
    }
    free(sockets->names);
    *sockets = (struct systemd_sockets){0};
}

int systemd_sockets_find(const struct systemd_sockets *sockets, const char *name, size_t n)
{
    for (int i = 0; i < sockets->count; i++) {
        if (strcmp(sockets->names[i], name) == 0 && n-- == 0) {
            return sockets->first + i;
        }
    }
    return -1;
}

bool systemd_socket_listens(int fd)
{
    return sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0;
}

void systemd_notify_ready(const char *status)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void systemd_notify_loading(const char *status, int64_t extend_ms)
{
    if (extend_ms == 0) {
        sd_notifyf(0, "STATUS=%s", status);
    } else {
        sd_notifyf(0, "STATUS=%s\nEXTEND_TIMEOUT_USEC=%" PRId64, status, extend_ms * 1000);
    }
}

void systemd_notify_reloading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
               (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void systemd_notify_stopping(void)
{
    sd_notify(0, "STOPPING=1\nSTATUS=Answering what was asked");
}

void systemd_notify_watchdog(void)
{
    sd_notify(0, "WATCHDOG=1");
}

int64_t systemd_watchdog_ms(void)
{
    uint64_t microseconds = 0;
    return sd_watchdog_enabled(0, &microseconds) > 0 ? (int64_t)(microseconds / 1000) : 0;
}
