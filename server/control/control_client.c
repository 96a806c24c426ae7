/* control_ask of control.h: what the command line uses. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/clock.h"
#include "lib/base/descriptor.h"
#include "lib/base/file.h"
#include "lib/base/safe_json.h"
#include "lib/base/safe_text.h"
#include "lib/base/unix_socket.h"
#include "server/control/control.h"

enum { REPLY_MAX = 64 * 1024 * 1024 };

static bool connect_to(const char *path, int *ret_fd, struct error *e)
{
    struct sockaddr_un address;
    if (!unix_socket_address(path, &address, e)) {
        return false;
    }
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return error_system(e, "cannot make a socket");
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED) {
            return error_set(e, ERROR_NOT_FOUND,
                             "no server listens on %s; start it with `mtasts-host serve`, or name "
                             "its configuration with -c",
                             path);
        }
        if (errno == EACCES) {
            error_format_system(e, "cannot ask the server on %s", path);
            strncat(e->text,
                    "; run this with sudo, or as the server's user or a member of its group "
                    "(control.group)",
                    sizeof(e->text) - strlen(e->text) - 1);
            return false;
        }
        return error_system(e, "cannot ask the server on %s", path);
    }
    *ret_fd = descriptor_take(&fd);
    return true;
}

/* True: FD is ready for EVENTS. */
static bool wait_for(int fd, short events, int64_t deadline_ms, struct error *e)
{
    for (;;) {
        int64_t left = deadline_ms - clock_monotonic_ms();
        struct pollfd poll_fd = {.fd = fd, .events = events};
        int n = left > 0 ? poll(&poll_fd, 1, (int)left) : 0;
        if (n > 0) {
            return true;
        }
        if (n == 0) {
            return error_set(e, ERROR_RETRY,
                             "the server did not answer in time; look at its log, or try again");
        }
        if (errno != EINTR) {
            return error_system(e, "cannot wait for the server");
        }
    }
}

static bool send_all(int fd, struct bytes text, int64_t deadline_ms, struct error *e)
{
    while (text.n != 0) {
        if (!wait_for(fd, POLLOUT, deadline_ms, e)) {
            return false;
        }
        ssize_t n = send(fd, text.p, text.n, MSG_NOSIGNAL);
        if (n >= 0) {
            text = bytes_skip(text, (size_t)n);
        } else if (errno == EPIPE) {
            return true; /* it reads no more, and has said why */
        } else if (errno != EINTR && errno != EAGAIN) {
            return error_system(e, "cannot ask the server");
        }
    }
    return true;
}

static bool receive_all(int fd, struct buffer *reply, int64_t deadline_ms, struct error *e)
{
    for (;;) {
        enum { CHUNK = 16 * 1024 };
        if (!wait_for(fd, POLLIN, deadline_ms, e)) {
            return false;
        }
        char *room = buffer_reserve(reply, CHUNK);
        if (room == NULL) {
            return error_set(e, ERROR_LIMIT, "the server's answer is over %d octets", REPLY_MAX);
        }
        ssize_t n = recv(fd, room, CHUNK, 0);
        if (n == 0) {
            return true;
        }
        if (n < 0 && errno == ECONNRESET && reply->n != 0) {
            return true; /* it did not read what we sent, and has said why */
        }
        if (n < 0 && errno == ECONNRESET) {
            return error_set(e, ERROR_RETRY,
                             "the server ended before it answered; look at its log");
        }
        if (n > 0) {
            reply->n += (size_t)n;
        } else if (errno != EINTR && errno != EAGAIN) {
            return error_system(e, "cannot read the server's answer");
        }
    }
}

static bool parse_reply(struct bytes text, json_t **ret_reply, struct error *e)
{
    json_error_t why;
    json_t *reply = json_loadb(text.p, text.n, 0, &why);
    if (!json_is_object(reply)) {
        json_decref(reply);
        return error_set(e, ERROR_SYNTAX, "%s",
                         text.n == 0 ? "the server ended before it answered; look at its log"
                                     : "the server's answer is not a JSON object; is it of the "
                                       "same version?");
    }
    const char *failure = json_string_value(json_object_get(reply, "error"));
    if (failure != NULL) {
        *e = (struct error){.code = ERROR_CONFLICT};
        safe_text_cut_lines(bytes_of(failure), sizeof(e->text) - SAFE_TEXT_ELLIPSIS_ROOM, e->text);
        json_decref(reply);
        return false;
    }
    *ret_reply = reply;
    return true;
}

bool control_ask(const char *path, const json_t *request, int timeout_ms, json_t **ret_reply,
                 struct error *e)
{
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    CLEANUP_CLOSE int fd = -1;
    CLEANUP_FREE char *text = safe_json_dump(request, JSON_COMPACT);
    CLEANUP(buffer_clear) struct buffer line = BUFFER(REPLY_MAX);
    CLEANUP(buffer_clear) struct buffer reply = BUFFER(REPLY_MAX);
    buffer_printf(&line, "%s\n", text);
    return connect_to(path, &fd, e) && send_all(fd, buffer_bytes(&line), deadline_ms, e) &&
           receive_all(fd, &reply, deadline_ms, e) &&
           parse_reply(buffer_bytes(&reply), ret_reply, e);
}
