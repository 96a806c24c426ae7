/* What a CA gives without a signature: its directory (RFC 8555 §7.1.1) and nonces (§7.2). */
#include <string.h>

#include "ca_carrier.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"

enum { NONCES_ASKED_MAX = 4 };

/* It was not what was asked for. */
static void note_bad_answer(struct ca *ca, const struct transport_answer *http, const char *what)
{
    struct acme_problem problem = {.type = ""};
    if (http->failure == NULL) {
        acme_problem_parse(http->body, &problem);
    }
    bool asks = http->failure == NULL && (http->status == 429 || http->status == 503);
    if (asks) {
        ca_tell_wait(ca, http->status == 429 ? CA_EVENT_ASKS_US_TO_WAIT : CA_EVENT_ASKS_ALL_TO_WAIT,
                     &problem, ca_wait_of(http));
        return;
    }
    CLEANUP_FREE char *why =
        http->failure != NULL ? memory_printf("%s: %s: %s", ca->settings->url, what, http->failure)
                              : memory_printf("%s: %s: status %ld %s", ca->settings->url, what,
                                              http->status, problem.detail);
    ca_tell(ca, CA_EVENT_OUTAGE, why);
}

static bool is_good(const struct transport_answer *http)
{
    return http->failure == NULL && (http->status == 200 || http->status == 204);
}

/* A CA without the profile that is required is no CA for us. */
static bool is_unfit(const struct ca *ca)
{
    const struct settings_directory *settings = ca->settings;
    return settings->profile != NULL && settings->profile_required &&
           !acme_names_have(&ca->directory.profiles, settings->profile);
}

static void tell_unfit(struct ca *ca)
{
    enum { NAMES_MAX = 512 };
    const struct acme_names *offered = &ca->directory.profiles;
    CLEANUP(buffer_clear) struct buffer names = BUFFER(NAMES_MAX);
    for (size_t i = 0; i < offered->count; i++) {
        buffer_printf(&names, "%s%s", i != 0 ? ", " : "", offered->items[i]);
    }
    CLEANUP_FREE char *why =
        memory_printf("%s offers no profile \"%s\" (it offers: %s); correct `profile`, or remove "
                      "`profile_required`",
                      ca->settings->url, ca->settings->profile, names.n != 0 ? names.p : "none");
    ca_tell(ca, CA_EVENT_UNFIT, why);
}

static void on_directory(const struct transport_answer *http, void *context)
{
    struct ca *ca = context;
    struct acme_directory directory;
    struct error e;
    bool is_read = is_good(http) && acme_directory_parse(http->body, &directory, &e);
    if (!is_read) {
        ca_tell(ca, CA_EVENT_NO_DIRECTORY, NULL);
    }
    if (!is_good(http)) {
        note_bad_answer(ca, http, "directory");
    } else if (!is_read) {
        ca_tell(ca, CA_EVENT_OUTAGE, e.text);
    } else {
        acme_directory_clear(&ca->directory);
        ca->directory = directory;
        if (is_unfit(ca)) {
            tell_unfit(ca);
        } else {
            ca_tell(ca, CA_EVENT_DIRECTORY, NULL);
        }
    }
}

void ca_fetch_directory(struct ca *ca)
{
    const struct transport_request request = {.url = ca->settings->url,
                                              .trust = ca->settings->trust};
    transport_send(ca->options.transport, &request, on_directory, ca);
}

/* base64url, as RFC 8555 §6.5.1 has it. */
static bool is_nonce(const char *text)
{
    enum { NONCE_MAX = 512 };
    static const char ALPHABET[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t n = strspn(text, ALPHABET);
    return n != 0 && n <= NONCE_MAX && text[n] == '\0';
}

void ca_keep_nonce(struct ca *ca, const char *nonce)
{
    if (nonce == NULL || !is_nonce(nonce)) {
        return;
    }
    if (ca->nonce_count == CA_NONCES_MAX) { /* the oldest has the least chance */
        free(ca->nonces[0]);
        memmove(ca->nonces, ca->nonces + 1, (CA_NONCES_MAX - 1) * sizeof(ca->nonces[0]));
        ca->nonce_count--;
    }
    ca->nonces[ca->nonce_count++] = memory_string(nonce);
}

static void on_nonce(const struct transport_answer *http, void *context)
{
    struct ca *ca = context;
    ca->nonces_asked--;
    if (!is_good(http)) {
        note_bad_answer(ca, http, "newNonce");
    } else if (http->nonce == NULL) {
        ca_tell(ca, CA_EVENT_OUTAGE, "the CA's newNonce gives no nonce");
    } else {
        ca_tell(ca, CA_EVENT_ANSWERED, NULL);
        ca_keep_nonce(ca, http->nonce);
    }
}

void ca_ask_nonce(struct ca *ca)
{
    const struct transport_request request = {
        .url = ca->directory.new_nonce, .trust = ca->settings->trust, .head = true};
    if (ca->nonces_asked < NONCES_ASKED_MAX) {
        ca->nonces_asked++;
        transport_send(ca->options.transport, &request, on_nonce, ca);
    }
}
