/* An issued certificate is got: its chain, or one of the alternates (RFC 8555 §7.4.2), looked at
 * and chosen. A chain that came and is good is taken in the end, whatever becomes of the
 * alternates. */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "order_parts.h"

/* For all alternates together, of a certificate that is there already. */
enum { ALTERNATES_MS = 20000 };

static void clear_chain(struct order *order)
{
    certificate_pair_unref(TAKE(order->issued.pair));
    free(TAKE(order->chain));
    order->is_preferred = false;
}

static void clear_alternates(struct order *order)
{
    while (order->alternate_count != 0) {
        free(order->alternates[--order->alternate_count]);
    }
}

void order_clear_chains(struct order *order)
{
    clear_chain(order);
    clear_alternates(order);
    free(TAKE(order->chain_problem));
}

/* --- Which chain --- */

static bool is_preferred(const struct order *order, struct bytes chain)
{
    const char *preferred = ca_settings(order->ca)->preferred_chain;
    return preferred == NULL || issued_has_issuer(chain, preferred);
}

/* CHAIN, which just came, is what will be taken, where it is good and better than what there is. */
static void consider(struct order *order, struct bytes chain)
{
    struct issued issued;
    struct error e;
    bool preferred = is_preferred(order, chain);
    if (order->chain != NULL && !preferred) {
        return;
    }
    CLEANUP_FREE char *text = memory_string_of(chain);
    const struct issued_texts texts = {order->acme->reader, bytes_of(text),
                                       bytes_of(order->row.key)};
    if (!issued_check(&texts, order->row.host, clock_wall_s(), &issued, &e)) {
        free(order->chain_problem);
        order->chain_problem = memory_string(e.text);
        return;
    }
    clear_chain(order);
    order->chain = TAKE(text);
    order->issued = issued;
    order->is_preferred = preferred;
}

/* Takes what there is. */
static void settle(struct order *order)
{
    if (order->chain == NULL) {
        CLEANUP_FREE char *problem = TAKE(order->chain_problem);
        order_make_no_sense(order, "chain", problem);
        return;
    }
    if (!order->is_preferred) {
        log_event(order->acme->log, LOG_LEVEL_WARNING, "acme.certificate.other_chain",
                  LOG_TEXT("host", order->row.host),
                  LOG_TEXT("preferred", ca_settings(order->ca)->preferred_chain));
    }
    order_finish(order);
}

/* --- Alternates --- */

static void on_alternate(const struct ca_answer *answer, void *context);

/* The next is asked for while it could be better than what there is, and time is left. */
static void try_next_alternate(struct order *order)
{
    bool late = clock_monotonic_ms() >= order->alternates_until_ms;
    if (order->is_preferred || order->alternate_count == 0 || late) {
        settle(order);
        return;
    }
    CLEANUP_FREE char *url = order->alternates[--order->alternate_count];
    struct ca_question question = {
        .endpoint = CA_URL, .url = url, .host = order->host->name, .is_extra = true};
    order->awaits = true;
    ca_ask(order->ca, &question, on_alternate, order);
}

static void on_alternate(const struct ca_answer *answer, void *context)
{
    struct order *order = order_returned(context);
    if (order == NULL) {
        return;
    }
    if (answer->verdict == CA_GOOD) {
        consider(order, answer->http->body);
    } else if (answer->verdict == CA_LATER) {
        clear_alternates(order); /* the CA is not to be asked: they would only wait */
    }
    try_next_alternate(order);
}

static void remember_alternates(struct order *order, const struct transport_answer *http)
{
    clear_alternates(order);
    /* The first is to be tried first, and they are taken from the end. */
    for (size_t i = http->alternate_count; i > 0; i--) {
        order->alternates[order->alternate_count++] = memory_string(http->alternates[i - 1]);
    }
}

/* --- The default chain --- */

static void on_certificate(const struct ca_answer *answer, void *context)
{
    struct order *order = order_answered(answer, context, false);
    if (order == NULL) {
        return;
    }
    fault_point("acme.certificate.received");
    order_clear_chains(order);
    consider(order, answer->http->body);
    remember_alternates(order, answer->http);
    /* The end of the wait for alternates, should no answer come; order_continue sees to it. */
    order->alternates_until_ms = clock_monotonic_ms() + ALTERNATES_MS;
    order->step = settle;
    host_plan_after(order->host, ALTERNATES_MS);
    try_next_alternate(order);
}

void order_download(struct order *order)
{
    if (order->certificate == NULL) {
        order_make_no_sense(order, "malformed", "the CA's order is valid and names no certificate");
        return;
    }
    order_ask(order, order->certificate, NULL, NULL, on_certificate);
}
