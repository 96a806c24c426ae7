#include "ca_carrier.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"

enum { WAIT_MAX_S = 7 * 86400 }; /* what a CA may ask for */

/* --- Life --- */

bool ca_new(const struct ca_options *options, const struct settings_directory *settings,
            struct ca **ret_ca, struct error *e)
{
    struct ca *ca = memory_zero(1, sizeof(*ca));
    ca->options = *options;
    ca->settings = settings;
    if (!ca_load_account(ca, e)) {
        ca_free(ca);
        return false;
    }
    *ret_ca = ca;
    return true;
}

void ca_free(struct ca *ca)
{
    if (ca == NULL) {
        return;
    }
    ca_drop_questions(ca);
    for (size_t i = 0; i < ca->nonce_count; i++) {
        free(ca->nonces[i]);
    }
    acme_directory_clear(&ca->directory);
    acme_store_account_clear(&ca->account);
    account_key_free(ca->key);
    account_key_free(ca->next_key);
    free(ca->problem);
    free(ca->roll_failure);
    free(ca);
}

/* --- Whether it can be asked (acme/machine/ca_machine.h) --- */

const struct ca_state *ca_state(const struct ca *ca)
{
    return &ca->state;
}

static void set_problem(struct ca *ca, const char *why)
{
    free(ca->problem);
    ca->problem = memory_string_or_null(why);
}

static void note_held(struct ca *ca, const struct ca_action *action)
{
    set_problem(ca, action->problem);
    CLEANUP_FREE char *problem = acme_problem_for_log(action->problem);
    log_event(ca->options.log, LOG_LEVEL_WARNING, "acme.ca.held",
              LOG_TEXT("ca", ca->settings->name), LOG_NUMBER("seconds", action->wait_s),
              LOG_TEXT("problem", problem));
}

static void carry_out(struct ca *ca, const struct ca_action *action)
{
    switch (action->kind) {
    case CA_ACTION_FETCH:
        ca_fetch_directory(ca);
        break;
    case CA_ACTION_REGISTER:
        ca_register(ca);
        break;
    case CA_ACTION_ASK_KEY:
        ca_ask_which_key(ca);
        break;
    case CA_ACTION_HELD:
        note_held(ca, action);
        break;
    case CA_ACTION_PUT_OFF:
        ca_put_off_questions(ca);
        break;
    case CA_ACTION_SAVE:
        ca_save_account(ca);
        break;
    case CA_ACTION_ANSWERS:
        log_event(ca->options.log, LOG_LEVEL_INFO, "acme.ca.answers",
                  LOG_TEXT("ca", ca->settings->name));
        break;
    case CA_ACTION_NO_PROBLEM:
        set_problem(ca, NULL);
        break;
    }
}

static void step(struct ca *ca, const struct ca_event *event)
{
    const struct ca_view view = {
        .now_ms = clock_monotonic_ms(), .now_s = clock_wall_s(), .random = arc4random()};
    struct ca_actions actions;
    ca_machine_step(&ca->state, event, &view, &actions);
    for (size_t i = 0; i < actions.count; i++) {
        carry_out(ca, &actions.items[i]);
    }
}

void ca_tell(struct ca *ca, enum ca_event_kind kind, const char *problem)
{
    step(ca, &(struct ca_event){.kind = kind, .problem = problem});
}

/* The instance is where the user can do something about it: lift an account's pause, say. */
void ca_tell_wait(struct ca *ca, enum ca_event_kind kind, const struct acme_problem *problem,
                  int64_t wait_s)
{
    CLEANUP_FREE char *why = memory_printf(
        "%s%s%s", problem->detail[0] != '\0' ? problem->detail : "the CA asks us to wait",
        problem->instance[0] != '\0' ? " " : "", problem->instance);
    step(ca, &(struct ca_event){.kind = kind, .problem = why, .wait_s = wait_s});
}

void ca_note_clock_set(struct ca *ca, int64_t jump_s)
{
    step(ca, &(struct ca_event){.kind = CA_EVENT_CLOCK_SET, .wait_s = jump_s});
}

void ca_prepare(struct ca *ca)
{
    ca_tell(ca, CA_EVENT_WANTED, NULL);
}

int64_t ca_wait_of(const struct transport_answer *http)
{
    int64_t wait_s = -1;
    bool told = http->retry_after != NULL &&
                retry_after_parse(bytes_of(http->retry_after), clock_wall_s(), &wait_s);
    return told ? (wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S) : -1;
}

/* --- New orders, so many at a time --- */

bool ca_take_order(struct ca *ca, int64_t now_s)
{
    int64_t wait_s = 0;
    const struct settings_acme *settings = ca->options.settings;
    if (!token_bucket_take(&ca->state.bucket, settings->orders, settings->orders_window_s, now_s,
                           &wait_s)) {
        return false;
    }
    ca_save_account(ca);
    return true;
}

double ca_orders_left(const struct ca *ca, int64_t now_s)
{
    const struct settings_acme *settings = ca->options.settings;
    return token_bucket_level(&ca->state.bucket, settings->orders, settings->orders_window_s,
                              now_s);
}

/* --- What others may know --- */

const struct settings_directory *ca_settings(const struct ca *ca)
{
    return ca->settings;
}

const struct acme_directory *ca_directory(const struct ca *ca)
{
    return ca->state.has_directory ? &ca->directory : NULL;
}

const char *ca_account_url(const struct ca *ca)
{
    return ca->account.url;
}

const char *ca_thumbprint(const struct ca *ca)
{
    return account_key_thumbprint(ca->key);
}

const char *ca_problem(const struct ca *ca)
{
    return ca->problem;
}
