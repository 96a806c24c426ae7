#include "renewal_request.h"

#include <poll.h>

#include <jansson.h>

#include "lib/base/clock.h"
#include "publish/certificates/state_store.h"
#include "server/control/control.h"

enum {
    RENEW_TIMEOUT_MS = 30000,
    LOOK_EVERY_MS = 200, /* each look is a read of two rows */
};

/* --- What the store says --- */

static bool is_missing(const struct error *e)
{
    return e->code == ERROR_NOT_FOUND;
}

static bool read_mark(struct acme_store *store, const char *host, struct renewal_mark *ret_mark,
                      struct error *e)
{
    struct renewal_mark mark = {0};
    struct acme_store_certificate certificate;
    if (acme_store_find_certificate(store, host, &certificate, e)) {
        mark.certificate_id = certificate.id;
        acme_store_certificate_clear(&certificate);
    } else if (!is_missing(e)) {
        return false;
    }
    struct acme_store_host row;
    if (acme_store_find_host(store, host, &row, e)) {
        mark.trouble = row.trouble;
        mark.failures = row.failures;
        mark.next_s = row.next_s;
        mark.problem = TAKE(row.problem);
        acme_store_host_clear(&row);
    } else if (!is_missing(e)) {
        return false;
    }
    *ret_mark = mark;
    return true;
}

static void clear_mark(struct renewal_mark *mark)
{
    free(mark->problem);
    *mark = (struct renewal_mark){0};
}

enum renewal_outcome renewal_outcome(const struct renewal_mark *before,
                                     const struct renewal_mark *after, int64_t asked_s)
{
    if (after->certificate_id > before->certificate_id) {
        return RENEWAL_DONE;
    }
    /* A request may put the next try of an old trouble at once, which is no new one; a new one has
     * its next try ahead, or is another or one more. */
    bool new = after->trouble != before->trouble || after->failures > before->failures ||
               (after->next_s != before->next_s && after->next_s > asked_s);
    return after->trouble != ACME_HOST_FINE && new ? RENEWAL_FAILED : RENEWAL_UNDER_WAY;
}

void renewal_request_clear(struct renewal_request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        clear_mark(&request->hosts[i].before);
    }
    free(request->hosts);
    acme_store_close(request->store);
}

/* --- Which hosts --- */

void renewal_request_add(struct renewal_request *request, const struct dns_name *host)
{
    ARRAY_GROW(request->hosts, request->count, request->capacity);
    request->hosts[request->count++] = (struct renewal_host){.name = *host};
}

static void add_failing(const struct acme_store_host *row, void *context)
{
    struct error ignored;
    struct dns_name name;
    if ((row->trouble == ACME_HOST_WAITS || row->trouble == ACME_HOST_FAILS) &&
        dns_name_normalise(bytes_of(row->name), &name, &ignored)) {
        renewal_request_add(context, &name);
    }
}

bool renewal_request_add_failing(struct renewal_request *request, struct error *e)
{
    return state_store_open(request->settings, &request->store, e) &&
           acme_store_each_host(request->store, add_failing, request, e);
}

/* --- Asking --- */

/* The store may be missing: then the server, asked soon, makes it. */
static bool open_store(struct renewal_request *request, struct error *e)
{
    return request->store != NULL || state_store_open(request->settings, &request->store, e) ||
           e->code == ERROR_NOT_FOUND;
}

/* What the store has of HOST before. */
static bool mark(struct renewal_request *request, struct renewal_host *host, struct error *e)
{
    return !request->waits || (open_store(request, e) &&
                               (request->store == NULL ||
                                read_mark(request->store, host->name.text, &host->before, e)));
}

bool renewal_request_ask(struct renewal_request *request, struct renewal_host *host,
                         struct error *e)
{
    if (!mark(request, host, e)) {
        return false;
    }
    json_t *reply = NULL;
    json_t *question = json_pack("{s:s, s:s}", "command", "cert-renew", "host", host->name.text);
    host->asked =
        control_ask(settings_control(request->settings), question, RENEW_TIMEOUT_MS, &reply, e);
    json_decref(reply);
    json_decref(question);
    return host->asked || error_prefix(e, "%s: ", host->name.text);
}

/* --- Waiting --- */

struct waiting {
    struct renewal_request *request;
    void (*ended)(const struct renewal_host *host, const char *problem, void *context);
    void *context;
};

static bool look(const struct waiting *waiting, struct renewal_host *host, struct error *e)
{
    struct renewal_mark after;
    struct renewal_request *request = waiting->request;
    if (!read_mark(request->store, host->name.text, &after, e)) {
        return false;
    }
    enum renewal_outcome outcome = renewal_outcome(&host->before, &after, request->asked_s);
    host->ended = outcome != RENEWAL_UNDER_WAY;
    if (host->ended) {
        waiting->ended(host,
                       outcome == RENEWAL_DONE ? NULL
                       : after.problem != NULL ? after.problem
                                               : "it failed; the server's log says why",
                       waiting->context);
    }
    clear_mark(&after);
    return true;
}

static bool look_at_all(const struct waiting *waiting, size_t *ret_left, struct error *e)
{
    struct renewal_request *request = waiting->request;
    size_t left = 0;
    if (!open_store(request, e)) {
        return false;
    }
    for (size_t i = 0; i < request->count; i++) {
        struct renewal_host *host = &request->hosts[i];
        if (host->asked && !host->ended && request->store != NULL && !look(waiting, host, e)) {
            return false;
        }
        left += host->asked && !host->ended;
    }
    *ret_left = left;
    return true;
}

bool renewal_request_wait(struct renewal_request *request, int64_t wait_s,
                          void (*ended)(const struct renewal_host *host, const char *problem,
                                        void *context),
                          void *context, struct error *e)
{
    const struct waiting waiting = {request, ended, context};
    int64_t deadline_ms = clock_monotonic_ms() + wait_s * 1000;
    size_t left = 0;
    bool ok = look_at_all(&waiting, &left, e);
    while (ok && left != 0 && clock_monotonic_ms() < deadline_ms) {
        (void)poll(NULL, 0, LOOK_EVERY_MS);
        ok = look_at_all(&waiting, &left, e);
    }
    return ok;
}
