#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/descriptor.h"
#include "lib/base/file.h"
#include "lib/base/group.h"
#include "lib/base/unix_socket.h"

static const char *const kind_names[LISTENER_KINDS] = {
    [LISTENER_HTTPS] = "https",
    [LISTENER_HTTP] = "http",
    [LISTENER_PLAIN] = "plain",
    [LISTENER_ADMIN] = "admin",
};

const char *listener_kind_name(enum listener_kind kind)
{
    return kind_names[kind];
}

/* What to do about errno, for the operator. */
static const char *bind_advice(int system_errno)
{
    static const struct {
        int system_errno;
        const char *text;
    } advice[] = {
        {EACCES, "; ports below 1024 need root, CAP_NET_BIND_SERVICE (systemd: "
                 "AmbientCapabilities=) or a lower sysctl net.ipv4.ip_unprivileged_port_start"},
        {EADDRINUSE, "; another program listens there (`ss -ltnp` names it): stop it or choose "
                     "another port"},
        {EADDRNOTAVAIL, "; this machine has no such address (`ip address` lists them)"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(advice); i++) {
        if (advice[i].system_errno == system_errno) {
            return advice[i].text;
        }
    }
    return "";
}

static bool bind_error(const char *text, struct error *e)
{
    int system_errno = errno;
    char why[128];
    error_format(e, ERROR_SYSTEM, "cannot listen on %s: %s%s", text,
                 strerror_r(system_errno, why, sizeof(why)), bind_advice(system_errno));
    e->system_errno = system_errno;
    return false;
}

enum {
    /* Requests are small. What a turn of the loop reads at once is bounded by this, before a limit
     * of ours is looked at (server/engine/connections.h). */
    RECEIVE_OCTETS = 16 * 1024,
};

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_storage storage;
};

static socklen_t address_length(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof(address->six) : sizeof(address->four);
}

static in_port_t *address_port(union address *address)
{
    return address->any.sa_family == AF_INET6 ? &address->six.sin6_port : &address->four.sin_port;
}

static bool parse_address(const struct settings_listen *listen, union address *ret_address,
                          struct error *e)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(listen->host, NULL, &hints, &found) != 0) {
        return error_set(e, ERROR_SYNTAX,
                         "cannot listen on %s: %s is not an IP address; write one, such as "
                         "\"[::]:443\" for all",
                         listen->text, listen->host);
    }
    *ret_address = (union address){0};
    memcpy(ret_address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    *address_port(ret_address) = htons(listen->port);
    return true;
}

static bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* A bound socket, or -1 with errno. SHARE: others of ours have the port. */
static int bind_tcp(const union address *address, bool share)
{
    CLEANUP_CLOSE int fd =
        socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool done = fd >= 0 && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
                /* Before listen(2): the connections accepted inherit it. */
                set_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_OCTETS) &&
                (address->any.sa_family != AF_INET6 ||
                 set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY,
                            !IN6_IS_ADDR_UNSPECIFIED(&address->six.sin6_addr))) &&
                (!share || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
                bind(fd, &address->any, address_length(address)) == 0 &&
                /* Set only after the first bind, so that a stranger's socket on the port is an
                 * error; our own that follow are let in by it. */
                (share || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1));
    if (!done) {
        return -1;
    }
    return descriptor_take(&fd);
}

/* "[::]" means every address there is; a machine without IPv6 has only the others. */
static int bind_first(union address *address)
{
    int fd = bind_tcp(address, false);
    if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) &&
        address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->six.sin6_addr)) {
        in_port_t port = address->six.sin6_port;
        *address = (union address){.four = {.sin_family = AF_INET, .sin_port = port}};
        fd = bind_tcp(address, false);
    }
    return fd;
}

static char *address_text(const union address *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (address->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->six.sin6_addr, text, sizeof(text));
        return memory_printf("[%s]", text);
    }
    inet_ntop(AF_INET, &address->four.sin_addr, text, sizeof(text));
    return memory_string(text);
}

static bool open_tcp(const struct settings_listen *config, size_t workers,
                     struct listener *listener, struct error *e)
{
    union address address;
    if (!parse_address(config, &address, e)) {
        return false;
    }
    listener->fds[0] = bind_first(&address);
    socklen_t length = sizeof(address);
    if (listener->fds[0] < 0 || getsockname(listener->fds[0], &address.any, &length) != 0) {
        return bind_error(config->text, e);
    }
    for (size_t i = 1; i < workers; i++) {
        listener->fds[i] = bind_tcp(&address, true);
        if (listener->fds[i] < 0) {
            return bind_error(config->text, e);
        }
    }
    for (size_t i = 0; i < workers; i++) {
        if (listen(listener->fds[i], SOMAXCONN) != 0) {
            return bind_error(config->text, e);
        }
    }
    listener->port = ntohs(*address_port(&address));
    listener->address = address_text(&address);
    return true;
}

/* One socket for all workers: whichever wakes first takes the connection. */
static bool share(int fd, size_t workers, struct listener *listener, struct error *e)
{
    for (size_t i = 0; i < workers; i++) {
        listener->fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (listener->fds[i] < 0) {
            return error_system(e, "cannot duplicate the socket %s", listener->address);
        }
    }
    return true;
}

static bool open_unix(const struct settings_listen *config, const struct listener_options *options,
                      struct listener *listener, struct error *e)
{
    CLEANUP_CLOSE int fd = -1;
    struct unix_socket_owner owner = {options->uid, options->gid, (mode_t)config->terms.mode};
    const char *group = config->terms.group;
    if (group != NULL && !group_find(group, &owner.gid, e)) {
        return error_prefix(e, "cannot listen on %s: ", config->text);
    }
    if (!unix_socket_listen(config->host, &owner, &fd, &listener->file, e)) {
        return false;
    }
    listener->path = memory_string(config->host);
    listener->address = memory_string(config->text);
    return share(fd, options->workers, listener, e);
}

static int bound_port(int fd)
{
    union address address = {0};
    socklen_t length = sizeof(address);
    bool internet = getsockname(fd, &address.any, &length) == 0 &&
                    (address.any.sa_family == AF_INET || address.any.sa_family == AF_INET6);
    return internet ? ntohs(*address_port(&address)) : 0;
}

static struct listener *add(struct listeners *listeners, enum listener_kind kind,
                            const struct settings_listen *config, size_t workers)
{
    ARRAY_GROW(listeners->items, listeners->count, listeners->capacity);
    struct listener *listener = &listeners->items[listeners->count++];
    *listener = (struct listener){
        .kind = kind, .terms = &config->terms, .fds = memory_zero(workers, sizeof(int))};
    listeners->workers = workers;
    for (size_t i = 0; i < workers; i++) {
        listener->fds[i] = -1;
    }
    return listener;
}

/* A unit may have several sockets of one name: all of them. */
static bool open_systemd(enum listener_kind kind, const struct settings_listen *config,
                         const struct listener_options *options, struct listeners *listeners,
                         struct error *e)
{
    size_t n = 0;
    for (int fd; (fd = systemd_sockets_find(options->systemd, config->host, n)) >= 0; n++) {
        if (!systemd_socket_listens(fd)) {
            return error_set(e, ERROR_SYNTAX,
                             "%s is not a listening stream socket; use ListenStream= in its unit",
                             config->text);
        }
        struct listener *listener = add(listeners, kind, config, options->workers);
        listener->address = memory_string(config->text);
        listener->port = bound_port(fd);
        (void)set_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_OCTETS);
        if (!share(fd, options->workers, listener, e)) {
            return false;
        }
    }
    return n != 0 ||
           error_set(e, ERROR_NOT_FOUND,
                     "systemd passed no socket named %s; start the socket unit that has "
                     "FileDescriptorName=%s (`systemctl status` of it says why it could not), or "
                     "put an address into `listen`",
                     config->host, config->host);
}

bool listener_open(enum listener_kind kind, const struct settings_listen *listen,
                   const struct listener_options *options, struct listeners *listeners,
                   struct error *e)
{
    switch (listen->kind) {
    case LISTEN_TCP:
        return open_tcp(listen, options->workers, add(listeners, kind, listen, options->workers),
                        e);
    case LISTEN_UNIX:
        return open_unix(listen, options, add(listeners, kind, listen, options->workers), e);
    case LISTEN_SYSTEMD:
        return open_systemd(kind, listen, options, listeners, e);
    }
    return error_set(e, ERROR_SYNTAX, "cannot listen on %s", listen->text);
}

static bool is_port_of(const struct listeners *ours, int port)
{
    bool is = false;
    for (size_t i = 0; i < ours->count && !is; i++) {
        is = ours->items[i].port == port;
    }
    return is;
}

bool listener_try(const struct settings_listen *listen, const struct listeners *ours,
                  struct error *e)
{
    union address address;
    if (!parse_address(listen, &address, e)) {
        return false;
    }
    if (is_port_of(ours, listen->port)) {
        *address_port(&address) = 0;
    }
    CLEANUP_CLOSE int fd = bind_first(&address);
    return fd >= 0 || errno == EACCES || bind_error(listen->text, e);
}

static bool open_all(enum listener_kind kind, const struct settings_listens *listens,
                     const struct listener_options *options, struct listeners *listeners,
                     struct error *e)
{
    for (size_t i = 0; i < listens->count; i++) {
        if (!listener_open(kind, &listens->items[i], options, listeners, e)) {
            return false;
        }
    }
    return true;
}

bool listeners_open(const struct settings *settings, const struct listener_options *options,
                    struct listeners *ret_listeners, struct error *e)
{
    struct listeners listeners = {0};
    if (!open_all(LISTENER_HTTPS, &settings->https, options, &listeners, e) ||
        !open_all(LISTENER_HTTP, &settings->http, options, &listeners, e) ||
        !open_all(LISTENER_PLAIN, &settings->plain, options, &listeners, e)) {
        listeners_close(&listeners);
        return false;
    }
    *ret_listeners = listeners;
    return true;
}

bool listeners_open_admin(const struct settings *settings, const struct listener_options *options,
                          struct listeners *ret_listeners, struct error *e)
{
    struct listeners listeners = {0};
    if (!open_all(LISTENER_ADMIN, &settings->admin.listens, options, &listeners, e)) {
        listeners_close(&listeners);
        return false;
    }
    *ret_listeners = listeners;
    return true;
}

void listeners_close(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *listener = &listeners->items[i];
        for (size_t j = 0; j < listeners->workers; j++) {
            file_close(&listener->fds[j]);
        }
        if (listener->path != NULL) {
            unix_socket_remove(listener->path, &listener->file);
        }
        free(listener->fds);
        free(listener->address);
        free(listener->path);
    }
    free(listeners->items);
    *listeners = (struct listeners){0};
}

int listener_take(struct listener *listener, size_t worker)
{
    int fd = listener->fds[worker];
    listener->fds[worker] = -1;
    return fd;
}

void listeners_log(const struct listeners *listeners, struct log *log)
{
    for (size_t i = 0; i < listeners->count; i++) {
        const struct listener *listener = &listeners->items[i];
        log_event(log, LOG_LEVEL_INFO, "server.listening",
                  LOG_TEXT("kind", listener_kind_name(listener->kind)),
                  LOG_TEXT("address", listener->address), LOG_NUMBER("port", listener->port));
    }
}
