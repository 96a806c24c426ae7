/* Our account at a CA (RFC 8555 §7.3): made, found again, forgotten, given another key. */
#include <stdlib.h>

#include "acme/protocol/base64url.h"
#include "acme/protocol/jws.h"
#include "ca_carrier.h"
#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/memory.h"

enum { KEY_PEM_MAX = 4096, EAB_KEY_MAX = 4096 };

void ca_save_account(struct ca *ca)
{
    struct error e;
    ca->account.tokens = ca->state.bucket.tokens;
    ca->account.tokens_s = ca->state.bucket.filled_s;
    ca->account.wait_s = ca->state.wait_s;
    ca->account.ca_wait_s = ca->state.ca_wait_s;
    if (!acme_store_put_account(ca->options.store, &ca->account, &e)) {
        ca->options.store_failed(&e, ca->options.context);
    }
}

/* The key as the store keeps it; the caller frees it. */
static char *print_key(const struct account_key *key)
{
    CLEANUP(buffer_wipe) struct buffer pem = BUFFER(KEY_PEM_MAX);
    account_key_print(key, &pem);
    return memory_string(pem.p);
}

static void replace_text(char **place, char *text)
{
    if (*place != NULL) {
        explicit_bzero(*place, strlen(*place));
        free(*place);
    }
    *place = text;
}

static bool make_account(struct ca *ca, struct error *e)
{
    const struct settings_acme *settings = ca->options.settings;
    if (!account_key_generate(&ca->key, e)) {
        return false;
    }
    ca->account = (struct acme_store_account){
        .directory = memory_string(ca->settings->url),
        .key = print_key(ca->key),
        .tokens = (double)settings->orders,
        .tokens_s = clock_wall_s(),
    };
    return acme_store_put_account(ca->options.store, &ca->account, e);
}

static bool parse_keys(struct ca *ca, struct error *e)
{
    return account_key_parse(bytes_of(ca->account.key), &ca->key, e) &&
           (ca->account.next_key == NULL ||
            account_key_parse(bytes_of(ca->account.next_key), &ca->next_key, e));
}

bool ca_load_account(struct ca *ca, struct error *e)
{
    if (!acme_store_find_account(ca->options.store, ca->settings->url, &ca->account, e)) {
        if (e->code != ERROR_NOT_FOUND || !make_account(ca, e)) {
            return false;
        }
    } else if (!parse_keys(ca, e)) {
        return error_prefix(e, "the account at %s: ", ca->settings->url);
    }
    ca->state = (struct ca_state){
        .has_account = ca->account.url != NULL,
        .rolls = ca->account.next_key != NULL,
        .wait_s = ca->account.wait_s,
        .ca_wait_s = ca->account.ca_wait_s,
        .bucket = {ca->account.tokens, ca->account.tokens_s},
    };
    ca_tell(ca, CA_EVENT_LOADED, "the CA asked us to wait before the last start");
    return true;
}

void ca_forget_account(struct ca *ca)
{
    log_event(ca->options.log, LOG_LEVEL_WARNING, "acme.account.forgotten",
              LOG_TEXT("ca", ca->settings->name),
              LOG_TEXT("problem", "the CA does not know our account; it is made anew"));
    replace_text(&ca->account.url, NULL);
    ca_tell(ca, CA_EVENT_FORGOTTEN, NULL);
}

/* --- Registering --- */

static void fail_account(struct ca *ca, const char *why)
{
    ca_tell(ca, CA_EVENT_NOT_REGISTERED, why);
}

/* The CA's words, and what an operator can do about them. */
static char *explain_refusal(const struct ca *ca, const struct acme_problem *problem)
{
    static const struct {
        const char *type;
        const char *advice;
    } ROWS[] = {
        {"externalAccountRequired",
         "set eab: {kid: …, key_file: …} for this CA, with what the CA gave you"},
        {"userActionRequired", "read the CA's new terms, at the address that it names"},
        {"invalidContact", "correct acme.contact"},
        {"unsupportedContact", "correct acme.contact"},
        {"unauthorized", "look at eab: the CA may have revoked or used up that key"},
    };
    const char *advice = "see the CA's documentation";
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        advice = strcmp(problem->type, ROWS[i].type) == 0 ? ROWS[i].advice : advice;
    }
    return memory_printf("%s refuses an account: %s: %s%s%s; %s", ca->settings->url, problem->type,
                         problem->detail, problem->instance[0] != '\0' ? " " : "",
                         problem->instance, advice);
}

static void on_registered(const struct ca_answer *answer, void *context)
{
    struct ca *ca = context;
    if (answer->verdict == CA_LATER) {
        ca_tell(ca, CA_EVENT_ACCOUNT_LATER, NULL);
        return;
    }
    if (answer->verdict == CA_REFUSED) {
        CLEANUP_FREE char *why = explain_refusal(ca, &answer->problem);
        fail_account(ca, why);
        return;
    }
    enum acme_status_word status = ACME_VALID;
    struct error e;
    if (answer->http->location == NULL || !acme_account_parse(answer->http->body, &status, &e)) {
        fail_account(ca, "the CA's newAccount gives no account; report it to the CA");
        return;
    }
    if (status != ACME_VALID) { /* RFC 8555 §7.3.6: nothing is to be had with it any more */
        fail_account(ca, "the account was deactivated, or revoked by the CA; ask the CA");
        return;
    }
    fault_point("acme.account.registered");
    replace_text(&ca->account.url, memory_string(answer->http->location));
    ca_tell(ca, CA_EVENT_REGISTERED, NULL);
    log_event(ca->options.log, LOG_LEVEL_INFO, "acme.account.registered",
              LOG_TEXT("ca", ca->settings->name), LOG_TEXT("account", ca->account.url));
}

/* Adds the external account binding, where one is configured. */
static bool bind_account(const struct ca *ca, json_t *payload, struct error *e)
{
    const struct settings_directory *settings = ca->settings;
    CLEANUP(buffer_wipe) struct buffer text = BUFFER(EAB_KEY_MAX);
    CLEANUP(buffer_wipe) struct buffer mac_key = BUFFER(EAB_KEY_MAX);
    CLEANUP(buffer_clear) struct buffer binding = BUFFER(JWS_MAX);
    if (settings->eab_kid == NULL) {
        return !ca->directory.external_account_required ||
               error_set(e, ERROR_CONFLICT,
                         "%s makes accounts only for its customers (externalAccountRequired); set "
                         "eab: {kid: …, key_file: …} for this CA, with what the CA gave you",
                         settings->url);
    }
    if (!file_read(settings->eab_key_file, &text, NULL, e)) {
        return error_prefix(e, "eab.key_file: ");
    }
    struct bytes encoded = buffer_bytes(&text);
    while (encoded.n != 0 && strchr(" \t\r\n", encoded.p[encoded.n - 1]) != NULL) {
        encoded.n--;
    }
    if (encoded.n == 0 || !base64url_decode(encoded, &mac_key)) {
        return error_set(e, ERROR_SYNTAX,
                         "%s: the key is not base64url; write it as the CA gave it",
                         settings->eab_key_file);
    }
    jws_bind(ca->key, settings->eab_kid, buffer_bytes(&mac_key), ca->directory.new_account,
             &binding);
    return json_object_set_new(payload, "externalAccountBinding",
                               json_loadb(binding.p, binding.n, 0, NULL)) == 0 ||
           error_set(e, ERROR_SYNTAX, "the external account binding cannot be made");
}

/* Asks by JWK: before there is an account, and about which key it has. Takes PAYLOAD. */
static void ask_new_account(struct ca *ca, const struct account_key *key, json_t *payload,
                            ca_done done)
{
    struct ca_request *request = memory_zero(1, sizeof(*request));
    request->endpoint = CA_NEW_ACCOUNT;
    request->payload = json_dumps(payload, JSON_COMPACT);
    request->jwk = key;
    request->first = true;
    request->done = done;
    request->context = ca;
    ca->state.registering = true;
    ca_queue(ca, request);
    json_decref(payload);
}

void ca_register(struct ca *ca)
{
    const struct settings_list *contacts = &ca->options.settings->contacts;
    json_t *payload = json_pack("{s:b,s:[]}", "termsOfServiceAgreed", 1, "contact");
    for (size_t i = 0; i < contacts->count; i++) {
        json_array_append_new(json_object_get(payload, "contact"), json_string(contacts->items[i]));
    }
    struct error e;
    if (!bind_account(ca, payload, &e)) {
        json_decref(payload);
        fail_account(ca, e.text);
        return;
    }
    ask_new_account(ca, ca->key, payload, on_registered);
}

/* --- Another key (RFC 8555 §7.3.5) ---
 *
 * The new one is stored before the CA hears of it. Where it is not known whether the CA took it (we
 * were stopped, the answer was lost), the CA is asked which of the two has the account. */

static void adopt_next_key(struct ca *ca)
{
    account_key_free(ca->key);
    ca->key = TAKE(ca->next_key);
    replace_text(&ca->account.key, TAKE(ca->account.next_key));
    ca_tell(ca, CA_EVENT_ROLLED, NULL);
    log_event(ca->options.log, LOG_LEVEL_INFO, "acme.account.rolled_over",
              LOG_TEXT("ca", ca->settings->name));
}

static void drop_next_key(struct ca *ca)
{
    account_key_free(TAKE(ca->next_key));
    replace_text(&ca->account.next_key, NULL);
    ca_tell(ca, CA_EVENT_ROLLED, NULL);
}

static void end_roll_over(struct ca *ca, const char *failure)
{
    void (*done)(const char *, void *) = TAKE(ca->rolled);
    if (done != NULL) {
        done(failure, ca->rolled_context);
    }
}

/* The key that finds the account is the one. */
static void on_which_key(const struct ca_answer *answer, void *context)
{
    struct ca *ca = context;
    CLEANUP_FREE char *failure = TAKE(ca->roll_failure);
    if (answer->verdict == CA_GOOD) {
        adopt_next_key(ca);
        free(TAKE(failure));
    } else if (answer->verdict == CA_REFUSED &&
               strcmp(answer->problem.type, "accountDoesNotExist") == 0) {
        drop_next_key(ca);
    } else if (answer->verdict == CA_REFUSED) {
        fail_account(ca, answer->problem.detail);
    } else {
        ca_tell(ca, CA_EVENT_ACCOUNT_LATER, NULL);
    }
    end_roll_over(ca, failure);
}

void ca_ask_which_key(struct ca *ca)
{
    ask_new_account(ca, ca->next_key, json_pack("{s:b}", "onlyReturnExisting", 1), on_which_key);
}

static void on_rolled(const struct ca_answer *answer, void *context)
{
    struct ca *ca = context;
    switch (answer->verdict) {
    case CA_GOOD:
        fault_point("acme.rollover.answered");
        adopt_next_key(ca);
        end_roll_over(ca, NULL);
        break;
    case CA_REFUSED:
        /* Perhaps because it was done already: an answer that got lost makes libcurl ask again. */
        ca->roll_failure = memory_string(answer->problem.detail);
        ca_ask_which_key(ca);
        break;
    case CA_LATER: /* whether it was done is asked when the CA answers again */
        ca_tell(ca, CA_EVENT_ACCOUNT_LATER, NULL);
        end_roll_over(ca, "the CA does not answer; which key counts is found out when it does");
        break;
    }
}

void ca_roll_over(struct ca *ca, void (*done)(const char *failure, void *context), void *context)
{
    struct error e;
    if (!ca_machine_is_ready(&ca->state, clock_monotonic_ms())) {
        done("the CA cannot be used now; see `mtasts-host status`, and try again later", context);
        return;
    }
    if (!account_key_generate(&ca->next_key, &e)) {
        done(e.text, context);
        return;
    }
    ca->rolled = done;
    ca->rolled_context = context;
    ca->account.next_key = print_key(ca->next_key);
    ca_tell(ca, CA_EVENT_ROLL, NULL);

    CLEANUP(buffer_clear) struct buffer inner = BUFFER(JWS_MAX);
    jws_key_change(ca->next_key, ca->key, ca->account.url, ca->directory.key_change, &inner);
    struct ca_request *request = memory_zero(1, sizeof(*request));
    request->endpoint = CA_KEY_CHANGE;
    request->payload = buffer_take(&inner);
    request->first = true;
    request->done = on_rolled;
    request->context = ca;
    ca_queue(ca, request);
}
