/* What people ask for: a renewal, a revocation, a new account key. */
#include "acme/client.h"
#include "acme/protocol/base64url.h"
#include "acme/protocol/issued.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"

/* One that is answered later. Made on any thread, then the ACME thread's. */
struct request {
    struct acme *acme;
    struct request *next; /* of acme.requests */
    char *name;           /* a host, or a directory, or NULL */
    int reason;
    acme_done done;
    void *context;
    bool rolls;     /* it is a key change … */
    bool waits;     /* … that has not begun */
    size_t ca;      /* a key change: the one that is under way */
    char *failures; /* of those before it, or NULL */
};

enum { DER_MAX = 64 * 1024 };

static struct request *request_new(struct acme *acme, const char *name, acme_done done,
                                   void *context)
{
    struct request *request = memory_zero(1, sizeof(*request));
    request->acme = acme;
    request->name = memory_string_or_null(name);
    request->done = done;
    request->context = context;
    return request;
}

static void request_free(struct request *request)
{
    free(request->name);
    free(request->failures);
    free(request);
}

/* For one that is not in the list. */
static void answer(struct request *request, const char *failure)
{
    if (!atomic_load(&request->acme->thread.abandon)) {
        request->done(failure, request->context);
    }
    request_free(request);
}

static void list_add(struct request *request)
{
    request->next = request->acme->requests;
    request->acme->requests = request;
}

static void finish(struct request *request, const char *failure)
{
    struct request **place = &request->acme->requests;
    while (*place != request) {
        place = &(*place)->next;
    }
    *place = request->next;
    struct acme *acme = request->acme;
    answer(request, failure);
    acme->orders.pausing = false;
    for (const struct request *other = acme->requests; other != NULL; other = other->next) {
        acme->orders.pausing = acme->orders.pausing || other->rolls;
    }
}

void requests_drop(struct acme *acme)
{
    while (acme->requests != NULL) {
        finish(acme->requests, "it was interrupted; try again");
    }
}

/* False: answered. */
static bool may_order(struct request *request)
{
    struct acme *acme = request->acme;
    if (acme->session.store == NULL && !atomic_load(&acme->thread.abandon)) {
        session_begin(acme); /* whoever asks may have mended what was wrong */
    }
    if (!acme_leads(acme)) {
        answer(request, acme->session.problem != NULL
                            ? acme->session.problem
                            : "another process orders certificates for this state directory; ask "
                              "that one");
        return false;
    }
    return true;
}

static struct host *find_host(struct request *request)
{
    struct host *host = hosts_find(request->acme, bytes_of(request->name));
    if (host == NULL || !host->state.wanted) {
        CLEANUP_FREE char *why =
            memory_printf("%s is not served here; add its domain to the policies", request->name);
        answer(request, why);
        return NULL;
    }
    return host;
}

/* --- Renewal --- */

static void do_renew(void *message)
{
    struct request *request = message;
    struct host *host = may_order(request) ? find_host(request) : NULL;
    if (host == NULL) {
        return;
    }
    host_tell(host, HOST_EVENT_FORCED);
    answer(request, NULL);
}

void acme_renew(struct acme *acme, const char *host, acme_done done, void *context)
{
    mailbox_post(acme->thread.mailbox, do_renew, request_new(acme, host, done, context));
}

/* --- Revocation (RFC 8555 §7.6) --- */

static void on_revoked(const struct ca_answer *told, void *context)
{
    struct request *request = context;
    struct host *host = hosts_find(request->acme, bytes_of(request->name));
    bool revoked = told->verdict == CA_GOOD || (told->verdict == CA_REFUSED &&
                                                strcmp(told->problem.type, "alreadyRevoked") == 0);
    if (revoked) {
        host_tell(host, HOST_EVENT_REVOKED);
        log_event(request->acme->log, LOG_LEVEL_WARNING, "acme.certificate.revoked",
                  LOG_TEXT("host", host->name), LOG_NUMBER("reason", request->reason));
        finish(request, NULL);
    } else if (told->verdict == CA_REFUSED) {
        finish(request, told->problem.detail);
    } else {
        finish(request, "the CA does not answer, or asks us to wait; try again later");
    }
}

static bool ask_revocation(struct request *request, struct host *host,
                           const struct acme_store_certificate *row, struct error *e)
{
    CLEANUP(buffer_clear) struct buffer der = BUFFER(DER_MAX);
    CLEANUP(buffer_clear) struct buffer text = BUFFER((size_t)2 * DER_MAX);
    if (host->issuer == NULL || row->account == NULL) {
        return error_set(e, ERROR_NOT_FOUND,
                         "the certificate of %s was not got by this program from a CA that is "
                         "configured; revoke it with the program that got it",
                         host->name);
    }
    if (!ca_machine_is_ready(ca_state(host->issuer), clock_monotonic_ms())) {
        ca_prepare(host->issuer); /* for the next try */
        if (ca_directory(host->issuer) == NULL && ca_problem(host->issuer) != NULL) {
            return error_set(e, ERROR_RETRY, "%s; try again later", ca_problem(host->issuer));
        }
    }
    if (!issued_leaf(bytes_of(row->chain), &der, e)) {
        return false;
    }
    base64url_add(buffer_bytes(&der), &text);
    struct ca_question question = {
        .endpoint = CA_REVOKE_CERT,
        .payload = json_pack("{s:s,s:i}", "certificate", text.p, "reason", request->reason),
        .host = host->name,
    };
    list_add(request);
    ca_ask(host->issuer, &question, on_revoked, request);
    return true;
}

static void do_revoke(void *message)
{
    struct request *request = message;
    struct acme_store_certificate row;
    struct error e;
    struct host *host = may_order(request) ? find_host(request) : NULL;
    if (host == NULL) {
        return;
    }
    if (!acme_store_find_certificate(request->acme->session.store, host->name, &row, &e)) {
        answer(request, e.code == ERROR_NOT_FOUND ? "it has no certificate of ours" : e.text);
        return;
    }
    if (!ask_revocation(request, host, &row, &e)) {
        answer(request, e.text);
    }
    acme_store_certificate_clear(&row);
}

void acme_revoke(struct acme *acme, const char *host, int reason, acme_done done, void *context)
{
    struct request *request = request_new(acme, host, done, context);
    request->reason = reason;
    mailbox_post(acme->thread.mailbox, do_revoke, request);
}

/* --- Key change: every order is let end first --- */

static bool concerns(const struct request *request, const struct ca *ca)
{
    const struct settings_directory *settings = ca_settings(ca);
    return request->name == NULL || strcmp(request->name, settings->name) == 0 ||
           strcmp(request->name, settings->url) == 0;
}

static void roll_next(struct request *request);

static void on_rolled(const char *failure, void *context)
{
    struct request *request = context;
    if (failure != NULL) {
        char *before = request->failures;
        request->failures =
            memory_printf("%s%s%s: %s", before != NULL ? before : "", before != NULL ? "; " : "",
                          ca_settings(request->acme->cas.items[request->ca])->name, failure);
        free(before);
    }
    request->ca++;
    roll_next(request);
}

static void roll_next(struct request *request)
{
    struct acme *acme = request->acme;
    while (request->ca < acme->cas.count && !concerns(request, acme->cas.items[request->ca])) {
        request->ca++;
    }
    if (request->ca < acme->cas.count) {
        ca_roll_over(acme->cas.items[request->ca], on_rolled, request);
        return;
    }
    CLEANUP_FREE char *failures = TAKE(request->failures);
    finish(request, failures);
}

/* All that it is about can be asked now, or will not be soon. */
static bool is_prepared(const struct request *request, int64_t now_ms)
{
    const struct acme *acme = request->acme;
    for (size_t i = 0; i < acme->cas.count; i++) {
        struct ca *ca = acme->cas.items[i];
        if (concerns(request, ca) && ca_machine_use(ca_state(ca), now_ms) == CA_USE_NONE) {
            ca_prepare(ca);
            return false;
        }
    }
    return true;
}

void requests_continue(struct acme *acme)
{
    for (struct request *request = acme->requests; request != NULL; request = request->next) {
        if (request->waits && acme->orders.under_way == 0 && acme->looks.times.count == 0 &&
            is_prepared(request, clock_monotonic_ms())) {
            request->waits = false;
            roll_next(request);
            return; /* the list may be another; the loop comes again */
        }
    }
}

static void do_roll_over(void *message)
{
    struct request *request = message;
    if (!may_order(request)) {
        return;
    }
    bool known = false;
    for (size_t i = 0; i < request->acme->cas.count; i++) {
        known = known || concerns(request, request->acme->cas.items[i]);
    }
    if (!known) {
        answer(request, "no CA of that name or URL is configured; see acme.directories");
        return;
    }
    request->rolls = true;
    request->waits = true;
    request->acme->orders.pausing = true;
    list_add(request);
}

void acme_roll_over(struct acme *acme, const char *directory, acme_done done, void *context)
{
    mailbox_post(acme->thread.mailbox, do_roll_over, request_new(acme, directory, done, context));
}
