/* What a CA gives without a signature: its directory (RFC 8555 §7.1.1) and nonces (§7.2). */
#include <string.h>

#include "ca_parts.h"
#include "lib/base/clock.h"
#include "lib/base/memory.h"

enum {
    DIRECTORY_AGE_MS = 24 * 60 * 60 * 1000, /* CAs change it, seldom */
    NONCES_ASKED_MAX = 4,
};

/* True: an answer of the CA's that says what was asked for. */
static bool note_plain_answer(struct ca *ca, const struct transport_answer *http, const char *what)
{
    if (http->failure == NULL && (http->status == 200 || http->status == 204)) {
        ca_note_answer(ca);
        return true;
    }
    struct acme_problem problem = {.type = ""};
    CLEANUP_FREE char *why = NULL;
    if (http->failure != NULL) {
        why = memory_printf("%s: %s: %s", ca->settings->url, what, http->failure);
    } else {
        acme_problem_parse(http->body, &problem);
        why = memory_printf("%s: %s: status %ld %s", ca->settings->url, what, http->status,
                            problem.detail);
        if (ca_heed_wait(ca, http, &problem)) {
            return false;
        }
    }
    ca_note_outage(ca, why);
    return false;
}

/* A CA without the profile that is required is no CA for us; it may get it. */
static void check_profile(struct ca *ca)
{
    enum { LOOK_AGAIN_S = 3600, NAMES_MAX = 512 };
    const struct settings_directory *settings = ca->settings;
    const struct acme_names *offered = &ca->directory.profiles;
    ca->is_unfit = settings->profile != NULL && settings->profile_required &&
                   !acme_names_have(offered, settings->profile);
    if (!ca->is_unfit) {
        return;
    }
    CLEANUP(buffer_clear) struct buffer names = BUFFER(NAMES_MAX);
    for (size_t i = 0; i < offered->count; i++) {
        buffer_printf(&names, "%s%s", i != 0 ? ", " : "", offered->items[i]);
    }
    CLEANUP_FREE char *why =
        memory_printf("%s offers no profile \"%s\" (it offers: %s); correct `profile`, or remove "
                      "`profile_required`",
                      settings->url, settings->profile, names.n != 0 ? names.p : "none");
    ca->has_directory = false;
    ca_hold(ca, LOOK_AGAIN_S, why);
}

static void on_directory(const struct transport_answer *http, void *context)
{
    struct ca *ca = context;
    struct acme_directory directory;
    struct error e;
    ca->fetching = false;
    if (!note_plain_answer(ca, http, "directory")) {
        return;
    }
    if (!acme_directory_parse(http->body, &directory, &e)) {
        ca_note_outage(ca, e.text);
        return;
    }
    acme_directory_clear(&ca->directory);
    ca->directory = directory;
    ca->has_directory = true;
    ca->fetched_ms = clock_monotonic_ms();
    check_profile(ca);
}

static void fetch_directory(struct ca *ca)
{
    const struct transport_request request = {.url = ca->settings->url,
                                              .trust = ca->settings->trust};
    ca->fetching = true;
    transport_send(ca->options.transport, &request, on_directory, ca);
}

void ca_prepare(struct ca *ca, int64_t now_ms)
{
    bool old = ca->has_directory && now_ms - ca->fetched_ms > DIRECTORY_AGE_MS;
    if (now_ms < ca->held_ms || ca->fetching) {
        return;
    }
    if (!ca->has_directory || old) {
        fetch_directory(ca);
    } else if (ca->account.url == NULL || ca->next_key != NULL) {
        ca_register(ca);
    }
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
    if (!note_plain_answer(ca, http, "newNonce")) {
        return;
    }
    if (http->nonce == NULL) {
        ca_note_outage(ca, "the CA's newNonce gives no nonce");
        return;
    }
    ca_keep_nonce(ca, http->nonce);
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
