#include "acceptor.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>

#include "lib/base/clock.h"

enum { ACCEPTS_PER_TURN = 64 };

/* One listener. */
struct place {
    struct acceptor *acceptor;
    h2o_socket_t *socket; /* NULL: closed */
    enum listener_kind kind;
    const struct settings_listen_terms *terms;
};

struct acceptor {
    struct channel_house *house;
    struct place *places;
    size_t count;
    bool rests;             /* at the limit, or out of descriptors … */
    size_t rested_at_count; /* … with so many connections */
    size_t turn;            /* whose it was last, of the listeners */
};

static void on_acceptable(h2o_socket_t *listener, const char *err);

static void rest(struct acceptor *acceptor)
{
    if (acceptor->rests) {
        return;
    }
    /* Merely returning would spin: the listener stays readable. */
    for (size_t i = 0; i < acceptor->count; i++) {
        if (acceptor->places[i].socket != NULL) {
            h2o_socket_read_stop(acceptor->places[i].socket);
        }
    }
    acceptor->rests = true;
    acceptor->rested_at_count = acceptor->house->connections.count;
    atomic_fetch_add(&acceptor->house->connections.totals->paused, 1);
}

static void end_rest(struct acceptor *acceptor)
{
    if (acceptor->rests) {
        acceptor->rests = false;
        atomic_fetch_sub(&acceptor->house->connections.totals->paused, 1);
    }
}

static bool somebody_waits(const struct place *place)
{
    struct pollfd listener = {.fd = h2o_socket_get_fd(place->socket), .events = POLLIN};
    return poll(&listener, 1, 0) > 0;
}

/* Somebody waits, and cannot be let in. */
static void wait_for_room(struct acceptor *acceptor)
{
    rest(acceptor);
    if (!acceptor->house->connections.draining) {
        connections_make_room(&acceptor->house->connections, clock_monotonic_ms());
    }
}

/* False: nothing more to take now. */
static bool accept_one(struct place *place)
{
    struct acceptor *acceptor = place->acceptor;
    if (!connections_have_room(&acceptor->house->connections)) {
        if (somebody_waits(place)) {
            wait_for_room(acceptor);
        }
        return false;
    }
    errno = 0;
    h2o_socket_t *socket = h2o_evloop_socket_accept(place->socket);
    if (socket != NULL) {
        channel_open(acceptor->house, socket, place->kind, place->terms);
        return true;
    }
    int why = errno;
    if (why == EMFILE || why == ENFILE || why == ENOBUFS || why == ENOMEM) {
        wait_for_room(acceptor);
    }
    return why == ECONNABORTED || why == EINTR;
}

static void on_acceptable(h2o_socket_t *listener, const char *err)
{
    struct place *place = listener->data;
    for (int i = 0; err == NULL && i < ACCEPTS_PER_TURN && accept_one(place); i++) {
    }
}

/* The listeners take turns: the queue of one must not keep the others from what little room there
 * is. */
static void take_turns(struct acceptor *acceptor)
{
    end_rest(acceptor);
    for (size_t i = 0; i < acceptor->count && !acceptor->rests; i++) {
        acceptor->turn = (acceptor->turn + 1) % acceptor->count;
        struct place *place = &acceptor->places[acceptor->turn];
        if (place->socket != NULL) {
            (void)accept_one(place);
        }
    }
    for (size_t i = 0; i < acceptor->count && !acceptor->rests; i++) {
        if (acceptor->places[i].socket != NULL) {
            h2o_socket_read_start(acceptor->places[i].socket, on_acceptable);
        }
    }
}

void acceptor_close(struct acceptor *acceptor)
{
    for (size_t i = 0; i < acceptor->count; i++) {
        struct place *place = &acceptor->places[i];
        if (place->socket == NULL) {
            continue;
        }
        /* Whoever the kernel has let in already is not turned away. */
        for (int n = 0; n < SOMAXCONN && accept_one(place); n++) {
        }
        h2o_socket_close(place->socket);
        place->socket = NULL;
    }
    end_rest(acceptor); /* nobody waits to be let in any more */
}

bool acceptor_rests(const struct acceptor *acceptor)
{
    return acceptor->rests;
}

void acceptor_tend(struct acceptor *acceptor, bool may_try)
{
    const struct connections *connections = &acceptor->house->connections;
    bool may_have_room = may_try || connections->count < acceptor->rested_at_count;
    if (acceptor->rests && may_have_room && connections_have_room(connections)) {
        take_turns(acceptor);
    }
}

/* What the kernel keeps of an answer that nobody takes goes after this time, too, even where the
 * connection is closed already; accepted sockets inherit it. */
void acceptor_set_limits(struct acceptor *acceptor)
{
    int request_ms = (int)acceptor->house->connections.limits.request_ms;
    for (size_t i = 0; i < acceptor->count; i++) {
        if (acceptor->places[i].socket != NULL) {
            (void)setsockopt(h2o_socket_get_fd(acceptor->places[i].socket), IPPROTO_TCP,
                             TCP_USER_TIMEOUT, &request_ms, sizeof(request_ms));
        }
    }
}

struct acceptor *acceptor_new(h2o_loop_t *loop, struct channel_house *house,
                              const struct worker_listener *listeners, size_t count)
{
    struct acceptor *acceptor = memory_zero(1, sizeof(*acceptor));
    acceptor->house = house;
    acceptor->places = memory_zero(count, sizeof(*acceptor->places));
    acceptor->count = count;
    for (size_t i = 0; i < count; i++) {
        struct place *place = &acceptor->places[i];
        place->acceptor = acceptor;
        place->kind = listeners[i].kind;
        place->terms = listeners[i].terms;
        place->socket = h2o_evloop_socket_create(loop, listeners[i].fd, H2O_SOCKET_FLAG_DONT_READ);
        place->socket->data = place;
        h2o_socket_read_start(place->socket, on_acceptable);
    }
    acceptor_set_limits(acceptor);
    return acceptor;
}

void acceptor_free(struct acceptor *acceptor)
{
    if (acceptor != NULL) {
        free(acceptor->places);
        free(acceptor);
    }
}
