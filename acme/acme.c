#include "acme.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>
#include <openssl/evp.h>

#include "acme/client.h"
#include "acme/name_question.h"
#include "acme/preflight.h"
#include "acme/protocol/base64url.h"
#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/memory.h"
#include "lib/base/thread.h"

enum {
    TURN_MS = 1000,           /* the longest wait: the store and the lock are looked at */
    SESSION_AGAIN_MS = 60000, /* after the store failed */
    LOCK_AGAIN_MS = 5000,
    POOL_THREADS = 128, /* each may wait for a tenant's name servers, by their lanes */
    TENDED_PER_TURN = 1000,
    NAMES_ASKED_MAX = 1000,
    JUMP_MS = 60000, /* of the wall clock: more than any slewing */
};

void acme_show_thumbprint(struct acme *acme, const char *thumbprint)
{
    if (strcmp(acme->thumbprint, thumbprint) != 0) {
        (void)snprintf(acme->thumbprint, sizeof(acme->thumbprint), "%s", thumbprint);
        challenge_board_set_thumbprint(acme->options.board, thumbprint);
    }
}

void acme_count_failure(struct acme *acme, const char *type)
{
    size_t i = 0;
    size_t room = sizeof(acme->tally.failures[0].type) - 1;
    while (i < acme->tally.failure_count &&
           strncmp(acme->tally.failures[i].type, type, room) != 0) {
        i++;
    }
    if (i == ACME_FAILURE_TYPES_MAX) {
        return;
    }
    struct acme_failure_count *failure = &acme->tally.failures[i];
    if (i == acme->tally.failure_count) {
        acme->tally.failure_count++;
        (void)snprintf(failure->type, sizeof(failure->type), "%s", type);
    }
    failure->count++;
}

/* --- One turn --- */

/* A wall clock that is set makes nothing due that was not. */
static bool tell_clock_set(struct host *host, void *context)
{
    const int64_t *jump_ms = context;
    host_step(host, &(struct host_event){.kind = HOST_EVENT_CLOCK_SET, .wait_s = *jump_ms / 1000});
    return true;
}

static void watch_clock(struct acme *acme)
{
    int64_t offset_ms = clock_wall_s() * 1000 - clock_monotonic_ms();
    int64_t jump_ms = offset_ms - acme->clock_offset_ms;
    if (jump_ms > JUMP_MS || jump_ms < -JUMP_MS) {
        acme->clock_offset_ms = offset_ms;
        log_event(acme->log, LOG_LEVEL_WARNING, "acme.clock.set",
                  LOG_NUMBER("seconds", jump_ms / 1000));
        for (size_t i = 0; i < acme->cas.count; i++) {
            ca_note_clock_set(acme->cas.items[i], jump_ms / 1000);
        }
        hosts_each(acme, tell_clock_set, &jump_ms);
    }
}

static void tend_due(struct acme *acme)
{
    int64_t now_ms = clock_monotonic_ms();
    struct schedule_item *item = NULL;
    orders_wake(acme, now_ms, TENDED_PER_TURN);
    for (int i = 0; i < TENDED_PER_TURN && (item = schedule_first(&acme->hosts.timed)) != NULL &&
                    item->due_ms <= now_ms;
         i++) {
        host_tell(host_of_item(item), HOST_EVENT_WAKE);
    }
}

static void lead(struct acme *acme)
{
    watch_clock(acme);
    acme_show_thumbprint(acme, ca_thumbprint(acme->cas.items[0]));
    tend_due(acme);
    requests_continue(acme);
    preflights_end_late(acme);
    checks_begin(acme);
}

/* Everything that answers and times ask for, then what is to be durable, then what depends on it.
 */
static void turn(struct acme *acme)
{
    struct error e;
    int64_t now_ms = clock_monotonic_ms();
    /* Who only serves writes nothing, and must not wait for who orders. */
    if (acme_leads(acme) && !acme_store_begin(acme->session.store, &e)) {
        if (e.code != ERROR_RETRY) {
            acme_store_failed(acme, &e);
        } /* else another program writes just now: the next turn will do */
        acme->thread.stop = atomic_load(&acme->thread.abandon);
        return;
    }
    mailbox_run(acme->thread.mailbox);
    transport_run(acme->transport);
    transfer_group_run(acme->looks.group);
    if (now_ms - acme->followed.looked_ms >= TURN_MS) {
        acme->followed.looked_ms = now_ms;
        if (!follow_store(acme, &e)) {
            acme_store_failed(acme, &e);
        }
    }
    if (acme_leads(acme) && !acme->thread.stop) {
        lead(acme);
    }
    if (acme_leads(acme) && acme->session.problem == NULL &&
        !acme_store_commit(acme->session.store, &e)) {
        acme_store_failed(acme, &e);
    }
    if (acme->session.problem == NULL) {
        acme_do_deeds(acme);
        for (size_t i = 0; i < acme->cas.count; i++) {
            ca_flush(acme->cas.items[i]);
        }
    }
}

static int64_t sooner_of(const struct schedule *schedule, int64_t due_ms)
{
    const struct schedule_item *item = schedule_first(schedule);
    return item != NULL && item->due_ms < due_ms ? item->due_ms : due_ms;
}

static void wait(const struct acme *acme)
{
    struct transfer_group *const groups[] = {transport_group(acme->transport), acme->looks.group};
    int64_t now_ms = clock_monotonic_ms();
    int64_t due_ms = sooner_of(&acme->looks.times, sooner_of(&acme->hosts.timed, now_ms + TURN_MS));
    due_ms = sooner_of(&acme->orders.timers, due_ms);
    int timeout_ms = due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
    transfer_groups_wait(groups, ARRAY_LENGTH(groups), timeout_ms,
                         mailbox_fd(acme->thread.mailbox));
}

/* Without a session only messages are heard. */
static void rest(struct acme *acme)
{
    struct pollfd ready = {.fd = mailbox_fd(acme->thread.mailbox), .events = POLLIN};
    (void)poll(&ready, 1, TURN_MS);
    mailbox_run(acme->thread.mailbox);
    if (clock_monotonic_ms() - acme->session.tried_ms >= SESSION_AGAIN_MS) {
        session_begin(acme);
    }
}

/* Who only serves takes over when the one who orders is gone. */
static void try_to_lead(struct acme *acme)
{
    struct error e;
    int64_t now_ms = clock_monotonic_ms();
    if (acme->session.lock >= 0 || now_ms - acme->session.tried_ms < LOCK_AGAIN_MS) {
        return;
    }
    acme->session.tried_ms = now_ms;
    if (!session_try_lock(acme, &e)) {
        acme_store_failed(acme, &e);
    } else if (acme->session.lock >= 0) {
        session_end(acme);
        session_begin(acme);
    }
}

static void *run(void *context)
{
    struct acme *acme = context;
    rcu_reader_register();
    hosts_init(acme);
    hosts_want(acme);
    session_begin(acme);
    acme->thread.stop =
        atomic_load(&acme->thread.abandon); /* then not all may be loaded: nothing is ordered */
    if (!acme->thread.stop) {
        acme->options.loaded(acme->options.context);
    }
    while (!acme->thread.stop) {
        if (acme->session.store == NULL) {
            rest(acme);
            continue;
        }
        turn(acme);
        if (acme->session.problem == NULL) {
            try_to_lead(acme);
        }
        if (acme->session.problem != NULL) {
            session_end(acme);
            acme->session.tried_ms = clock_monotonic_ms();
        } else if (!acme->thread.stop) {
            wait(acme);
        }
    }
    if (acme->session.store != NULL) {
        session_end(acme);
    }
    acme_do_deeds(acme);
    work_pool_free(TAKE(acme->works.pool));
    works_free(acme);
    hosts_clear(acme);
    rcu_reader_unregister();
    return NULL;
}

/* --- Messages --- */

struct domain_message {
    struct acme *acme;
    bool gone;
    size_t n;
    char name[];
};

static struct domain_message *message_new(struct acme *acme, struct bytes name, bool gone)
{
    struct domain_message *message = memory_zero(1, sizeof(*message) + name.n + 1);
    message->acme = acme;
    message->gone = gone;
    message->n = name.n;
    memcpy(message->name, name.p, name.n);
    return message;
}

static void do_domain_changed(void *context)
{
    CLEANUP_FREE struct domain_message *message = context;
    if (!atomic_load(&message->acme->thread.abandon)) {
        hosts_domain_changed(message->acme, (struct bytes){message->name, message->n},
                             message->gone);
    }
}

void acme_domain_changed(struct acme *acme, struct bytes domain, bool gone)
{
    mailbox_post(acme->thread.mailbox, do_domain_changed, message_new(acme, domain, gone));
}

static void do_name_asked(void *context)
{
    CLEANUP_FREE struct domain_message *message = context;
    struct acme *acme = message->acme;
    atomic_fetch_sub(&acme->thread.names_asked, 1);
    struct host *host = hosts_find(acme, (struct bytes){message->name, message->n});
    if (host != NULL && !atomic_load(&acme->thread.abandon)) {
        host_tell(host, HOST_EVENT_ASKED);
    }
}

void acme_name_asked(struct acme *acme, struct bytes host)
{
    if (atomic_fetch_add(&acme->thread.names_asked, 1) >= NAMES_ASKED_MAX) {
        atomic_fetch_sub(&acme->thread.names_asked, 1);
        return;
    }
    mailbox_post(acme->thread.mailbox, do_name_asked, message_new(acme, host, false));
}

static void do_look_again(void *context)
{
    struct acme *acme = context;
    if (acme_leads(acme) && !atomic_load(&acme->thread.abandon)) {
        hosts_look_again(acme);
    }
}

void acme_look_again(struct acme *acme)
{
    mailbox_post(acme->thread.mailbox, do_look_again, acme);
}

struct status_message {
    struct acme *acme;
    void (*done)(struct acme_status *status, void *context);
    void *context;
};

static void do_status(void *context)
{
    CLEANUP_FREE struct status_message *message = context;
    if (!atomic_load(&message->acme->thread.abandon)) {
        message->done(acme_status_new(message->acme), message->context);
    }
}

void acme_ask_status(struct acme *acme, void (*done)(struct acme_status *status, void *context),
                     void *context)
{
    struct status_message *message = memory_zero(1, sizeof(*message));
    *message = (struct status_message){acme, done, context};
    mailbox_post(acme->thread.mailbox, do_status, message);
}

static void do_stop(void *context)
{
    struct acme *acme = context;
    acme->thread.stop = true;
}

/* --- Start and stop --- */

/* Of all that decides what a CA is asked: a host that it rejected is asked for again when this
 * changes. */
static void digest_settings(struct acme *acme)
{
    const struct settings_acme *settings = acme->settings;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        abort(); /* out of memory */
    }
    for (size_t i = 0; i < settings->directory_count; i++) {
        const struct settings_directory *directory = &settings->directories[i];
        const char *const texts[] = {directory->url, directory->profile, directory->eab_kid};
        for (size_t t = 0; t < ARRAY_LENGTH(texts); t++) {
            const char *text = texts[t] != NULL ? texts[t] : "";
            (void)EVP_DigestUpdate(context, text, strlen(text) + 1);
        }
    }
    (void)EVP_DigestUpdate(context, settings->challenges, sizeof(settings->challenges));
    (void)EVP_DigestFinal_ex(context, digest, &n);
    EVP_MD_CTX_free(context);
    for (unsigned i = 0; i < n && 2 * i + 2 < sizeof(acme->session.settings_digest); i++) {
        (void)snprintf(acme->session.settings_digest + (size_t)2 * i, 3, "%02x", digest[i]);
    }
}

static void make_probe_token(struct acme *acme)
{
    unsigned char octets[32];
    CLEANUP(buffer_clear) struct buffer text = BUFFER(128);
    arc4random_buf(octets, sizeof(octets));
    base64url_add((struct bytes){(char *)octets, sizeof(octets)}, &text);
    (void)snprintf(acme->probe_token, sizeof(acme->probe_token), "%s", text.p);
}

static bool make_resolver(const struct acme *acme, int64_t deadline_ms,
                          struct dns_resolver **ret_resolver, struct error *e)
{
    const struct settings_list *servers = &acme->options.settings->dns_resolvers;
    if (!dns_resolver_new((const char *const *)servers->items, servers->count, ret_resolver, e)) {
        return false;
    }
    dns_resolver_set_deadline_ms(*ret_resolver, deadline_ms);
    return true;
}

static bool prepare(struct acme *acme, struct error *e)
{
    digest_settings(acme);
    make_probe_token(acme);
    return mailbox_new(&acme->thread.mailbox, e) &&
           make_resolver(acme, NAME_SLOW_MS, &acme->resolvers.slow, e) &&
           make_resolver(acme, NAME_QUICK_MS, &acme->resolvers.quick, e) &&
           work_pool_new("acme-wait", POOL_THREADS, &acme->works.pool, e);
}

static void acme_free(struct acme *acme)
{
    mailbox_free(acme->thread.mailbox);
    work_pool_free(acme->works.pool);
    dns_resolver_free(acme->resolvers.slow);
    dns_resolver_free(acme->resolvers.quick);
    pair_reader_free(acme->reader);
    chain_pool_unref(acme->chains);
    file_close(&acme->session.lock);
    free(acme->session.problem);
    free(acme);
}

bool acme_start(const struct acme_options *options, struct acme **ret_acme, struct error *e)
{
    struct acme *acme = memory_zero(1, sizeof(*acme));
    acme->options = *options;
    acme->settings = options->settings->acme;
    acme->log = options->log;
    acme->session.lock = -1;
    acme->after.last = &acme->after.first;
    acme->followed.version = -1;
    acme->looks.max = checks_count_places();
    acme->chains = chain_pool_new();
    acme->reader = pair_reader_new(acme->chains);
    acme->clock_offset_ms = clock_wall_s() * 1000 - clock_monotonic_ms();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        abort(); /* out of memory */
    }
    if (!prepare(acme, e) || !thread_start("acme", run, acme, &acme->thread.id, e)) {
        acme_free(acme);
        return false;
    }
    *ret_acme = acme;
    return true;
}

void acme_stop(struct acme *acme)
{
    if (acme == NULL) {
        return;
    }
    atomic_store(&acme->thread.abandon, true);
    mailbox_post(acme->thread.mailbox, do_stop, acme);
    pthread_join(acme->thread.id, NULL);
    acme_free(acme);
}
