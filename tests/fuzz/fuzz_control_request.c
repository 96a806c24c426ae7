/* Requests at the control socket, on a server without loader and ACME client: whatever a client
 * sends, it reads one line of JSON, safe to be shown, and the end; nothing at all only where it
 * ended before its line did. The first octet says whether the server serves or stops. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/server/temporary.h"
#include "lib/base/buffer.h"
#include "lib/base/clock.h"
#include "lib/base/unix_socket.h"
#include "server/server_state.h"
#include "shown.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPLY_MAX = 1024 * 1024, TURNS_MAX = 100000 };

static struct fixture {
    struct settings settings;
    struct server server;
    char *directory;
    char *path;
} fixture;

/* Those that the loader answers are answered as while it stops. */
static void ask(uint64_t ticket, enum control_rank rank, const json_t *request, void *context)
{
    struct server *server = context;
    const char *name = json_string_value(json_object_get(request, "command"));
    enum server_phase phase = server->phase;
    if (name != NULL && (strcmp(name, "status") == 0 || strcmp(name, "reload") == 0)) {
        server->phase = SERVER_STOPPING;
    }
    commands_ask(ticket, rank, request, server);
    server->phase = phase;
}

static void clean_up(void)
{
    history_close(fixture.server.history);
    control_close(fixture.server.control);
    policy_index_free(fixture.server.tables.policies);
    rcu_reader_unregister();
    temporary_remove(fixture.directory);
    free(fixture.path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct error e;
    rcu_reader_register();
    fixture.directory = temporary_make();
    fixture.path = temporary_path(fixture.directory, "control.sock");
    fixture.settings.state = fixture.directory;
    fixture.settings.file = fixture.path;
    fixture.server.settings = &fixture.settings;
    fixture.server.tables.policies = policy_index_new();
    atomic_store(&fixture.server.tables.policies_known, true);
    const struct control_options options = {fixture.path, "root",          getegid(),
                                            ask,          &fixture.server, NULL};
    shown_require(control_open(&options, &fixture.server.control, &e));
    shown_require(atexit(clean_up) == 0);
    return 0;
}

static int connect_client(void)
{
    struct error e;
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    shown_require(unix_socket_address(fixture.path, &address, &e));
    shown_require(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

/* Sends TEXT and ends, while the server runs, and reads to the end. */
static void exchange(struct bytes text, struct buffer *reply)
{
    int fd = connect_client();
    for (size_t turn = 0;; turn++) {
        char *room = buffer_reserve(reply, 4096);
        ssize_t sent = text.n != 0 ? send(fd, text.p, text.n, MSG_NOSIGNAL) : 0;
        text = bytes_skip(text, sent > 0 ? (size_t)sent : 0);
        if (text.n == 0) {
            (void)shutdown(fd, SHUT_WR);
        }
        control_run(fixture.server.control, clock_monotonic_ms());
        shown_require(room != NULL && turn < TURNS_MAX);
        ssize_t n = recv(fd, room, 4096, 0);
        reply->n += n > 0 ? (size_t)n : 0;
        if (n == 0) {
            break;
        }
        shown_require(n > 0 || errno == EAGAIN);
    }
    (void)close(fd);
    control_run(fixture.server.control, clock_monotonic_ms());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    CLEANUP(buffer_clear) struct buffer reply = BUFFER(REPLY_MAX);
    struct bytes text = {(const char *)data + 1, size - 1};
    fixture.server.phase = data[0] % 2 == 0 ? SERVER_SERVING : SERVER_STOPPING;
    exchange(text, &reply);
    if (text.n == 0 || memchr(text.p, '\n', text.n) == NULL) {
        shown_require(reply.n == 0);
        return 0;
    }
    shown_require(reply.n != 0 && memchr(reply.p, '\n', reply.n) == reply.p + reply.n - 1);
    shown_require_safe((struct bytes){reply.p, reply.n - 1});
    json_t *read = json_loadb(reply.p, reply.n, 0, NULL);
    shown_require(json_is_object(read));
    json_decref(read);
    return 0;
}
