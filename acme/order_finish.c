/* From a proved host to its certificate: finalize, then store and install what order_chain.c got
 * (RFC 8555 §7.4). */
#include <stdlib.h>

#include "acme/protocol/base64url.h"
#include "acme/protocol/csr.h"
#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/memory.h"
#include "order_parts.h"

static void on_finalized(const struct ca_answer *answer, void *context)
{
    struct order *asker = context;
    asker->is_finalized = asker->is_finalized || order_answer_is_unsure(asker, answer);
    struct order *order = order_answered(answer, asker, true);
    if (order == NULL) {
        return;
    }
    if (answer->verdict == CA_GOOD) {
        fault_point("acme.finalize.answered");
        order_proceed(order, answer->http->body, answer->wait_s);
    } else if (strcmp(answer->problem.type, "orderNotReady") == 0) {
        order_poll(order, answer->wait_s, order_look);
    } else {
        order_fail_by(order, &answer->problem, answer->wait_s);
    }
}

void order_finalize(struct order *order)
{
    CLEANUP(buffer_clear) struct buffer csr = BUFFER((size_t)2 * CSR_MAX);
    base64url_add((struct bytes){order->row.csr, order->row.csr_octets}, &csr);
    order_ask(order, order->finalize, json_pack("{s:s}", "csr", csr.p), "acme.finalize.sent",
              on_finalized);
}

/* --- The certificate --- */

/* By a clock that is ahead of the CA's, the moment may be past already. Then half of what is left:
 * one renewal must not follow the other at once. */
static int64_t choose_moment(const struct issued *issued, int64_t now_s)
{
    int64_t moment_s = renewal_moment(issued->not_before_s, issued->not_after_s, arc4random());
    return moment_s > now_s ? moment_s : now_s + (issued->not_after_s - now_s) / 2;
}

static void fill_row(const struct order *order, struct acme_store_certificate *row)
{
    const struct issued *issued = &order->issued;
    *row = (struct acme_store_certificate){
        .host = order->row.host,
        .chain = order->chain,
        .key = order->row.key,
        .directory = order->row.directory,
        .account = (char *)ca_account_url(order->ca),
        .not_before_s = issued->not_before_s,
        .not_after_s = issued->not_after_s,
        .ari_id = issued->ari_id[0] != '\0' ? (char *)issued->ari_id : NULL,
        .renew_s = choose_moment(issued, clock_wall_s()),
    };
}

/* Lets HOST rest where it got its last certificate just before: a CA that wants every new one
 * renewed at once, or a clock that is far ahead, must not make an endless row of orders. */
static void rest(struct host *host, const struct issued *issued)
{
    enum { REST_MAX_S = 3600 };
    int64_t now_ms = clock_monotonic_ms();
    int64_t rest_s = (issued->not_after_s - issued->not_before_s) / 10;
    rest_s = rest_s < REST_MAX_S ? rest_s : REST_MAX_S;
    if (host->issued_ms != 0 && now_ms - host->issued_ms < rest_s * 1000) {
        host->next_s = clock_wall_s() + rest_s;
    }
    host->issued_ms = now_ms;
}

/* The certificate comes and the order goes in one transaction: after a crash there is the one or
 * the other. */
void order_finish(struct order *order)
{
    const struct issued *issued = &order->issued;
    struct acme *acme = order->acme;
    struct host *host = order->host;
    struct acme_store_certificate row;
    struct error e;
    fill_row(order, &row);
    if (!acme_store_put_certificate(acme->store, &row, &row.id, &e)) {
        acme_store_failed(acme, &e);
        return;
    }
    acme->orders_done++;
    acme->renewals += order->is_renewal;
    host_take_certificate(host, &row, issued->pair);
    acme_tell_issued_later(acme, host->name, ca_settings(order->ca)->name, order->row.url,
                           (issued->not_after_s - clock_wall_s()) / 86400);
    host->forced = false;
    host->lost_order = false;
    host_clear_trouble(host);
    rest(host, issued);
    order_abandon(order);
    host_plan(host);
}
