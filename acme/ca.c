
#include "ca_parts.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"

enum {
    WAIT_MAX_S = 7 * 86400, /* what a CA may ask for */
    OUTAGE_MIN_S = 5,
    OUTAGE_MAX_S = 600,
    OUT_AFTER = 2, /* outages in a row */
};

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

/* --- Whether it can be asked --- */

static bool is_held(const struct ca *ca, int64_t now_ms)
{
    return now_ms < ca->held_ms;
}

bool ca_is_ready(const struct ca *ca, int64_t now_ms)
{
    return ca->has_directory && ca->account.url != NULL && ca->next_key == NULL &&
           !is_held(ca, now_ms);
}

int64_t ca_held_until_ms(const struct ca *ca)
{
    return ca->held_ms;
}

bool ca_is_out(const struct ca *ca)
{
    return ca->outages >= OUT_AFTER || ca->account_failures != 0 || ca->is_unfit;
}

static void set_problem(struct ca *ca, const char *why)
{
    free(ca->problem);
    ca->problem = memory_string_or_null(why);
}

void ca_hold(struct ca *ca, int64_t wait_s, const char *why)
{
    int64_t until_ms = clock_monotonic_ms() + wait_s * 1000;
    if (until_ms > ca->held_ms) {
        ca->held_ms = until_ms;
    }
    set_problem(ca, why);
    CLEANUP_FREE char *problem = acme_problem_for_log(why);
    log_event(ca->options.log, LOG_LEVEL_WARNING, "acme.ca.held",
              LOG_TEXT("ca", ca->settings->name), LOG_NUMBER("seconds", wait_s),
              LOG_TEXT("problem", problem));
}

void ca_note_outage(struct ca *ca, const char *why)
{
    /* What was under way together fails together, and is one outage. */
    if (ca->outages != 0 && is_held(ca, clock_monotonic_ms())) {
        ca_put_off_questions(ca);
        return;
    }
    int64_t wait_s = OUTAGE_MIN_S;
    for (unsigned i = 0; i < ca->outages && wait_s < OUTAGE_MAX_S; i++) {
        wait_s *= 2;
    }
    ca->outages++;
    ca_hold(ca, wait_s < OUTAGE_MAX_S ? wait_s : OUTAGE_MAX_S, why);
    ca_put_off_questions(ca);
}

void ca_note_answer(struct ca *ca)
{
    if (ca->outages != 0) {
        ca->outages = 0;
        log_event(ca->options.log, LOG_LEVEL_INFO, "acme.ca.answers",
                  LOG_TEXT("ca", ca->settings->name));
    }
    if (!is_held(ca, clock_monotonic_ms())) {
        set_problem(ca, NULL);
    }
    ca->server_errors = 0;
}

/* Retry-After in seconds; -1: none that can be read. */
int64_t ca_wait_of(const struct transport_answer *http)
{
    int64_t wait_s = -1;
    bool told = http->retry_after != NULL &&
                retry_after_parse(bytes_of(http->retry_after), clock_wall_s(), &wait_s);
    return told ? (wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S) : -1;
}

/* Whatever the CA wants in general, not of one host: 429 and 503 (RFC 8555 §6.6, RFC 9110 §15.6.4).
 * True: it is held now. */
bool ca_heed_wait(struct ca *ca, const struct transport_answer *http,
                  const struct acme_problem *problem)
{
    enum { UNTOLD_S = 60 };
    if (http->status != 429 && http->status != 503) {
        return false;
    }
    int64_t now_s = clock_wall_s();
    int64_t wait_s = ca_wait_of(http);
    if (wait_s <= 0) {
        wait_s = wait_s == 0 ? 1 : UNTOLD_S;
    }
    /* The instance is where the user can do something about it: lift an account's pause, say. */
    CLEANUP_FREE char *why = memory_printf(
        "%s%s%s", problem->detail[0] != '\0' ? problem->detail : "the CA asks us to wait",
        problem->instance[0] != '\0' ? " " : "", problem->instance);
    ca_hold(ca, wait_s, why);
    *(http->status == 503 ? &ca->account.ca_wait_s : &ca->account.wait_s) = now_s + wait_s;
    ca_save_account(ca);
    return true;
}

/* --- New orders, so many at a time --- */

bool ca_take_order(struct ca *ca, int64_t now_s, int64_t *ret_wait_s)
{
    const struct settings_acme *settings = ca->options.settings;
    if (!token_bucket_take(&ca->bucket, settings->orders, settings->orders_window_s, now_s,
                           ret_wait_s)) {
        return false;
    }
    ca_save_account(ca);
    return true;
}

double ca_orders_left(const struct ca *ca, int64_t now_s)
{
    const struct settings_acme *settings = ca->options.settings;
    return token_bucket_level(&ca->bucket, settings->orders, settings->orders_window_s, now_s);
}

/* --- What others may know --- */

const struct settings_directory *ca_settings(const struct ca *ca)
{
    return ca->settings;
}

const struct acme_directory *ca_directory(const struct ca *ca)
{
    return ca->has_directory ? &ca->directory : NULL;
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
