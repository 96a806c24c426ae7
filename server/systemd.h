/* systemd's two protocols (sd_notify(3), sd_listen_fds(3)) behind one small door. All of it is
 * without effect where systemd is not. */
#ifndef SERVER_SYSTEMD_H
#define SERVER_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct systemd_sockets {
    int first; /* descriptor of the first */
    int count;
    char **names; /* FileDescriptorName of each */
};

/* What systemd passed, close-on-exec; the environment forgets it. Clear with
 * systemd_sockets_clear, which closes the descriptors. */
void systemd_sockets_take(struct systemd_sockets *ret_sockets);
void systemd_sockets_clear(struct systemd_sockets *sockets);

/* The descriptor of the N-th socket named NAME, or -1. */
int systemd_sockets_find(const struct systemd_sockets *sockets, const char *name, size_t n);

/* Whether FD is a listening stream socket. */
bool systemd_socket_listens(int fd);

void systemd_notify_ready(const char *status);
/* Before readiness. EXTEND_MS: so long the start may still take from now on, whatever
 * TimeoutStartSec= says; 0: no longer than that. */
void systemd_notify_loading(const char *status, int64_t extend_ms);
void systemd_notify_reloading(void);
void systemd_notify_stopping(void);
void systemd_notify_watchdog(void);

/* How often systemd wants to hear systemd_notify_watchdog, or 0: not at all. */
int64_t systemd_watchdog_ms(void);

#endif
