#include "control_socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/clock.h"
#include "lib/base/descriptor.h"
#include "lib/base/file.h"
#include "lib/base/safe_json.h"
#include "lib/base/unix_socket.h"

enum {
    REST_MS = 250,
    PLACES = CONTROL_CLIENTS_MAX + CONTROL_SPARE_MAX,
    CHUNK = 16 * 1024,
    LINGER_OCTETS_MAX = 16 * CONTROL_REQUEST_MAX,
    GROUPS_MAX = 65536, /* that the kernel lets a process be in (NGROUPS_MAX) */
};

/* A client that goes away while its request is worked on keeps its place until that is done, so
 * that the work outstanding is bounded as the clients are. One that is answered before it has sent
 * all it wants to lingers: a Unix socket that is closed with octets unread makes the other side's
 * read fail, and the answer would be lost. */
enum client_state {
    CLIENT_FREE,
    CLIENT_READING,
    CLIENT_WAITING,
    CLIENT_GONE,
    CLIENT_WRITING,
    CLIENT_LINGERING,
};

struct client {
    enum client_state state;
    enum control_rank rank;
    int fd;
    uint64_t ticket; /* never used twice */
    int64_t deadline_ms;
    struct buffer request;
    char *reply;
    size_t reply_length;
    size_t sent;
    bool is_cut_short; /* it may be sending still when it is answered */
    size_t read_away;  /* while it lingers */
};

struct control {
    control_ask_fn ask;
    void *context;
    char *path;
    char *group_name;
    gid_t group;
    gid_t panel_group;
    bool has_panel_group;
    uid_t user;
    struct file_identity file; /* what we bound there */
    int listener;
    int epoll;
    int64_t rest_until_ms; /* the listener is out of the epoll until then; 0: it is in */
    uint64_t tickets;
    struct client clients[PLACES]; /* the spare ones last */
};

static bool watch(struct control *control, int operation, int fd, uint32_t events, void *data)
{
    struct epoll_event event = {.events = events, .data.ptr = data};
    return epoll_ctl(control->epoll, operation, fd, &event) == 0;
}

/* The file is the group's, so that the kernel lets its members connect. */
static bool listen_for_group(const struct control_options *options, int *ret_listener,
                             struct file_identity *ret_file, struct error *e)
{
    const struct unix_socket_owner owner = {geteuid(), options->group, 0};
    const struct unix_socket_owner *other = options->group != getegid() ? &owner : NULL;
    if (unix_socket_listen(options->path, other, ret_listener, ret_file, e)) {
        return true;
    }
    if (other != NULL && e->system_errno == EPERM) {
        return error_set(e, ERROR_SYSTEM,
                         "control: cannot give %s to the group %s; the server's user must be in it "
                         "(usermod -aG, or SupplementaryGroups= of the unit)",
                         options->path, options->group_name);
    }
    return error_prefix(e, "control: ");
}

bool control_open(const struct control_options *options, struct control **ret_control,
                  struct error *e)
{
    CLEANUP_CLOSE int listener = -1;
    struct file_identity file;
    if (!listen_for_group(options, &listener, &file, e)) {
        return false;
    }
    CLEANUP_CLOSE int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        return error_system(e, "cannot make an epoll");
    }
    struct control *control = memory_zero(1, sizeof(*control));
    control->ask = options->ask;
    control->context = options->context;
    control->path = memory_string(options->path);
    control->group_name = memory_string(options->group_name);
    control->group = options->group;
    control->has_panel_group = options->panel_group != NULL;
    control->panel_group = control->has_panel_group ? *options->panel_group : 0;
    control->user = geteuid();
    control->file = file;
    control->listener = descriptor_take(&listener);
    control->epoll = descriptor_take(&epoll);
    (void)watch(control, EPOLL_CTL_ADD, control->listener, EPOLLIN, NULL);
    *ret_control = control;
    return true;
}

static void drop(struct client *client)
{
    file_close(&client->fd); /* which takes it out of the epoll */
    buffer_clear(&client->request);
    free(client->reply);
    *client = (struct client){0};
}

void control_close(struct control *control)
{
    if (control == NULL) {
        return;
    }
    for (size_t i = 0; i < PLACES; i++) {
        if (control->clients[i].state != CLIENT_FREE) {
            drop(&control->clients[i]);
        }
    }
    unix_socket_remove(control->path, &control->file);
    file_close(&control->listener);
    file_close(&control->epoll);
    free(control->path);
    free(control->group_name);
    free(control);
}

int control_fd(const struct control *control)
{
    return control->epoll;
}

/* Whether it is the client's turn, which has a deadline. */
static bool is_timed(const struct client *client)
{
    return client->state == CLIENT_READING || client->state == CLIENT_WRITING ||
           client->state == CLIENT_LINGERING;
}

int control_timeout_ms(const struct control *control, int64_t now_ms)
{
    int64_t soonest = -1;
    if (control->rest_until_ms != 0) {
        soonest = control->rest_until_ms > now_ms ? control->rest_until_ms - now_ms : 0;
    }
    for (size_t i = 0; i < PLACES; i++) {
        const struct client *client = &control->clients[i];
        if (is_timed(client)) {
            int64_t left = client->deadline_ms > now_ms ? client->deadline_ms - now_ms : 0;
            soonest = soonest < 0 || left < soonest ? left : soonest;
        }
    }
    return (int)soonest;
}

/* Reads away what a client sends that has its answer, until it ends. */
static void linger(struct client *client)
{
    char ignored[CHUNK];
    ssize_t n = recv(client->fd, ignored, sizeof(ignored), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    client->read_away += n > 0 ? (size_t)n : 0;
    if (n <= 0 || client->read_away > LINGER_OCTETS_MAX) {
        drop(client);
    }
}

/* CLIENT has all of its answer. */
static void end(struct control *control, struct client *client)
{
    if (!client->is_cut_short || shutdown(client->fd, SHUT_WR) != 0) {
        drop(client);
        return;
    }
    client->state = CLIENT_LINGERING;
    client->deadline_ms = clock_monotonic_ms() + CONTROL_LINGER_MS;
    (void)watch(control, EPOLL_CTL_MOD, client->fd, EPOLLIN, client);
}

static void send_some(struct control *control, struct client *client)
{
    while (client->sent < client->reply_length) {
        ssize_t n = send(client->fd, client->reply + client->sent,
                         client->reply_length - client->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0) {
            drop(client);
            return;
        }
        client->sent += (size_t)n;
    }
    end(control, client);
}

/* Takes TEXT, a line. */
static void begin_answer(struct control *control, struct client *client, char *text)
{
    client->reply = text;
    client->reply_length = strlen(text);
    client->state = CLIENT_WRITING;
    client->deadline_ms = clock_monotonic_ms() + CONTROL_IO_MS;
    (void)watch(control, EPOLL_CTL_MOD, client->fd, EPOLLOUT, client);
    send_some(control, client);
}

void control_answer(struct control *control, uint64_t ticket, json_t *reply)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        bool is_gone = client->state == CLIENT_GONE;
        if ((client->state != CLIENT_WAITING && !is_gone) || client->ticket != ticket) {
            continue;
        }
        if (is_gone) {
            drop(client);
            break;
        }
        CLEANUP_FREE char *text = safe_json_dump(reply, JSON_COMPACT);
        begin_answer(control, client, memory_printf("%s\n", text));
        break;
    }
    json_decref(reply);
}

void control_answer_error(struct control *control, uint64_t ticket, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    control_answer(control, ticket, json_pack("{s:o}", "error", safe_json_text(text)));
}

static void take_request(struct control *control, struct client *client, size_t length)
{
    client->is_cut_short = length + 1 < client->request.n; /* there may be yet more */
    client->state = CLIENT_WAITING;
    uint64_t ticket = client->ticket;
    /* Now only its going away is of interest. */
    (void)watch(control, EPOLL_CTL_MOD, client->fd, EPOLLRDHUP, client);
    json_error_t error;
    json_t *request = json_loadb(client->request.p, length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(request)) {
        control_answer_error(control, ticket,
                             "not one JSON object in one line (%s); send {\"command\": \"status\"}",
                             request == NULL ? error.text : "something else");
    } else {
        control->ask(ticket, client->rank, request, control->context);
    }
    json_decref(request);
}

/* Answers CLIENT, who may be sending still. */
static void cut_short(struct control *control, struct client *client, const char *why)
{
    client->state = CLIENT_WAITING;
    client->is_cut_short = true;
    control_answer_error(control, client->ticket, "%s", why);
}

/* Long requests are for few at a time. */
static bool is_too_much(const struct control *control, const struct client *client)
{
    size_t sum = 0;
    for (size_t i = 0; i < PLACES; i++) {
        sum += control->clients[i].request.capacity;
    }
    return sum > CONTROL_REQUESTS_MAX && client->request.n > CONTROL_REQUEST_MAX;
}

static void read_some(struct control *control, struct client *client)
{
    size_t before = client->request.n; /* no line ends in what was looked at */
    char *room = buffer_reserve(&client->request, CHUNK);
    ssize_t n = room != NULL ? recv(client->fd, room, CHUNK, 0) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (room == NULL) {
        char why[64];
        (void)snprintf(why, sizeof(why), "a request of over %zu octets; send less",
                       client->request.max);
        cut_short(control, client, why);
        return;
    }
    if (n <= 0) {
        drop(client);
        return;
    }
    client->request.n += (size_t)n;
    const char *end = memchr(client->request.p + before, '\n', client->request.n - before);
    if (end != NULL) {
        take_request(control, client, (size_t)(end - client->request.p));
    } else if (is_too_much(control, client)) {
        cut_short(control, client, "too many long requests at a time; try again");
    }
}

/* The kernel's word on who is at the other end of FD. */
static enum control_rank rank_of(const struct control *control, int fd)
{
    struct ucred credentials;
    socklen_t length = sizeof(credentials);
    socklen_t octets = GROUPS_MAX * sizeof(gid_t);
    CLEANUP_FREE gid_t *groups = memory_zero(GROUPS_MAX, sizeof(gid_t));
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
        return CONTROL_STRANGER;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &octets) != 0) {
        octets = 0;
    }
    const struct control_peer peer = {credentials.uid, credentials.gid, groups,
                                      octets / sizeof(gid_t)};
    return control_rank_of(&peer, control->user, control->group,
                           control->has_panel_group ? &control->panel_group : NULL);
}

static struct client *free_place(struct control *control, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (control->clients[i].state == CLIENT_FREE) {
            return &control->clients[i];
        }
    }
    return NULL;
}

/* Where somebody of RANK is served, or else told why not; NULL: nowhere. */
static struct client *place_for(struct control *control, enum control_rank rank)
{
    static const struct {
        size_t from;
        size_t to;
    } PLACES_OF[] = {
        [CONTROL_STRANGER] = {0, 0},
        [CONTROL_MEMBER] = {0, CONTROL_MEMBERS_MAX},
        [CONTROL_PANEL] = {0, CONTROL_MEMBERS_MAX},
        [CONTROL_OWNER] = {CONTROL_MEMBERS_MAX, CONTROL_CLIENTS_MAX},
    };
    struct client *place = free_place(control, PLACES_OF[rank].from, PLACES_OF[rank].to);
    if (place == NULL && rank == CONTROL_OWNER) { /* members' places are theirs as well */
        place = free_place(control, 0, CONTROL_MEMBERS_MAX);
    }
    return place != NULL ? place : free_place(control, CONTROL_CLIENTS_MAX, PLACES);
}

/* Without a place or a descriptor to spare nobody can be let in, and a listener that stays readable
 * would keep the main thread spinning. */
static void rest(struct control *control, int64_t now_ms)
{
    if (watch(control, EPOLL_CTL_MOD, control->listener, 0, NULL)) {
        control->rest_until_ms = now_ms + REST_MS;
    }
}

static void end_rest(struct control *control, int64_t now_ms)
{
    if (control->rest_until_ms != 0 && control->rest_until_ms <= now_ms &&
        watch(control, EPOLL_CTL_MOD, control->listener, EPOLLIN, NULL)) {
        control->rest_until_ms = 0;
    }
}

/* One line of JSON; the caller frees it. */
static char *refusal_of(const struct control *control, enum control_rank rank)
{
    CLEANUP_FREE char *text =
        rank == CONTROL_STRANGER
            ? memory_printf(
                  "root, the server's user and members of the group %s may ask this "
                  "server, and you are none of them; run it with sudo, or become a member "
                  "(usermod -aG %s YOU) and log in anew",
                  control->group_name, control->group_name)
            : memory_string("too many clients of the control socket; try again");
    json_t *reply = json_pack("{s:o}", "error", safe_json_text(text));
    CLEANUP_FREE char *line = safe_json_dump(reply, JSON_COMPACT);
    json_decref(reply);
    return memory_printf("%s\n", line);
}

/* CLIENT has a spare place: what it asks is not looked at. */
static void refuse(struct control *control, struct client *client)
{
    client->is_cut_short = true;
    begin_answer(control, client, refusal_of(control, client->rank));
}

/* Whoever has no place at all does not wait either: behind it in the queue may be one who has. */
static void turn_away(const struct control *control, int fd, enum control_rank rank)
{
    CLEANUP_FREE char *line = refusal_of(control, rank);
    (void)send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void seat(struct control *control, struct client *client, int *fd, enum control_rank rank)
{
    int64_t deadline_ms = clock_monotonic_ms() + CONTROL_IO_MS;
    if (!watch(control, EPOLL_CTL_ADD, *fd, EPOLLIN, client)) {
        return;
    }
    *client = (struct client){
        .state = CLIENT_READING,
        .rank = rank,
        .fd = descriptor_take(fd),
        .ticket = ++control->tickets,
        .deadline_ms = deadline_ms,
        .request = BUFFER(rank >= CONTROL_PANEL ? CONTROL_PANEL_REQUEST_MAX : CONTROL_REQUEST_MAX)};
    if (client >= control->clients + CONTROL_CLIENTS_MAX) {
        refuse(control, client);
    }
}

static void greet(struct control *control, int64_t now_ms)
{
    if (free_place(control, 0, PLACES) == NULL) {
        rest(control, now_ms);
        return;
    }
    CLEANUP_CLOSE int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            rest(control, now_ms);
        }
        return;
    }
    enum control_rank rank = rank_of(control, fd);
    struct client *client = place_for(control, rank);
    if (client == NULL) {
        turn_away(control, fd, rank);
    } else {
        seat(control, client, &fd, rank);
    }
}

static void serve(struct control *control, struct client *client, uint32_t events)
{
    if (client->state == CLIENT_READING) {
        read_some(control, client);
    } else if (client->state == CLIENT_WRITING) {
        send_some(control, client);
    } else if (client->state == CLIENT_LINGERING) {
        linger(client);
    } else if (client->state == CLIENT_WAITING && (events & (EPOLLHUP | EPOLLERR)) != 0) {
        file_close(&client->fd);
        client->state = CLIENT_GONE;
    } else if (client->state == CLIENT_WAITING) {
        /* It has sent all it wants to and may well wait for the answer. */
        (void)watch(control, EPOLL_CTL_MOD, client->fd, 0, client);
    }
}

void control_run(struct control *control, int64_t now_ms)
{
    struct epoll_event events[PLACES + 1];
    end_rest(control, now_ms);
    int n = epoll_wait(control->epoll, events, PLACES + 1, 0);
    bool newcomer = false;
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == NULL) {
            newcomer = true; /* last, so that no event of this turn meets a reused place */
        } else {
            serve(control, events[i].data.ptr, events[i].events);
        }
    }
    for (size_t i = 0; i < PLACES; i++) {
        struct client *client = &control->clients[i];
        if (is_timed(client) && client->deadline_ms <= now_ms) {
            drop(client);
        }
    }
    if (newcomer) {
        greet(control, now_ms);
    }
}
