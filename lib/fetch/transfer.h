/* One transfer by libcurl, set up as all of ours are: no redirects followed, TLS 1.2 or newer,
 * every size and time bounded. The one place that sets libcurl up; what an answer means is the
 * caller's.
 *
 *     CLEANUP(transfer_cleanup) struct transfer *transfer = transfer_new(&(struct
 * transfer_request){ .url = url, .protocols = "https", .timeout_ms = 5000, .body_max = 65536}); if
 * (transfer_run(transfer) == TRANSFER_DONE && transfer_status(transfer) == 200) …
 *
 * Many at once: lib/fetch/transfer_group.h. */
#ifndef LIB_FETCH_TRANSFER_H
#define LIB_FETCH_TRANSFER_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"

enum { TRANSFER_TLS_1_2 = 12, TRANSFER_TLS_1_3 = 13 };

/* The fields of one transfer's answers, in octets. libcurl keeps them, and its own bound is 300 KB
 * each: with hundreds of transfers under way others would decide how much memory we need. */
enum { TRANSFER_HEAD_MAX = 32 * 1024 };

struct address_rule; /* lib/fetch/address_rule.h */
struct ssl_ctx_st;   /* OpenSSL's SSL_CTX */

/* All but `url`, `protocols`, `timeout_ms` and `body_max` may be zero. Texts are borrowed until the
 * call returns, `abandon` and `tls_setup_context` until the transfer is freed. */
struct transfer_request {
    const char *url;
    const char *protocols; /* "https" */
    const char *agent;     /* User-Agent; NULL: "mtasts-host/VERSION" */
    bool by_proxy;         /* as the environment says; else straight */
    int64_t timeout_ms;    /* for all of it */
    int64_t connect_ms;    /* TCP and TLS; 0: timeout_ms */
    size_t body_max;       /* decoded, where the answer has a Content-Encoding all the same */

    bool head;          /* HEAD instead of GET */
    struct bytes post;  /* p not NULL: POST … */
    const char *header; /* … and one header field more, "NAME: VALUE" */
    bool connect_only;  /* end when the connection, TLS included, is up */
    bool starttls;      /* smtp: TLS is a must */

    const char *connect_to; /* "ADDRESS:PORT" in the place of the host's own; IPv6 in brackets */
    /* "HOST:PORT:ADDRESS,ADDRESS": what the host's name stands for. In a group it is so for all of
     * its transfers, and from then on; two that are to ask one host at two addresses say
     * `connect_to` instead. */
    const char *resolve;

    /* Which addresses may be connected to, judged for each as the connection is made, however its
     * name was looked up; NULL: any. Borrowed until the transfer is freed. Such a transfer takes no
     * connection that was made before, by another rule or by none, and leaves none behind; it goes
     * by no proxy, whose address would be judged in the place of the host's. */
    const struct address_rule *rule;

    bool unverified;        /* take any certificate */
    const char *trust;      /* PEM file of the CAs to trust, alone; NULL: the system's */
    const char *more_trust; /* PEM file of CAs to trust besides those, or NULL; borrowed until the
                               transfer is freed */
    int tls_max;            /* TRANSFER_TLS_1_2: no newer; 0: the newest */
    /* Has the last word on the context of each connection. */
    void (*tls_setup)(struct ssl_ctx_st *context, void *setup_context);
    void *tls_setup_context;
    bool no_alpn; /* no protocol of HTTP is announced: `tls_setup` may announce its own */

    /* Set by another thread: the result is of no use any more. For transfer_run; one in a group is
     * dropped there. */
    const _Atomic bool *abandon;
};

enum transfer_result {
    TRANSFER_DONE,           /* an answer, whatever it says; connect_only: connected */
    TRANSFER_NO_HOST,        /* the name has no address */
    TRANSFER_NO_CONNECTION,  /* refused, or no route */
    TRANSFER_REFUSED,        /* by `rule`: no address was left to connect to */
    TRANSFER_TIMED_OUT,      /* look at transfer_is_connected for where */
    TRANSFER_NO_TLS,         /* no agreement */
    TRANSFER_NO_STARTTLS,    /* not offered, or refused */
    TRANSFER_UNTRUSTED,      /* the certificate was refused */
    TRANSFER_NO_TRUST_FILE,  /* `trust` cannot be read */
    TRANSFER_WRONG_PROTOCOL, /* the URL's is not among `protocols` */
    TRANSFER_WRONG_ANSWER,   /* no HTTP, or no SMTP */
    TRANSFER_WRONG_CODING,   /* the body is not in the Content-Encoding it names, or in none we know
                              */
    TRANSFER_LONG_HEAD,      /* fields over TRANSFER_HEAD_MAX, those of 1xx answers among them */
    TRANSFER_TOO_LONG,       /* a body over body_max; what fitted is there, status and fields too */
    TRANSFER_BROKEN,         /* anything else: broken off, for the most part */
};

struct transfer;

struct transfer *transfer_new(const struct transfer_request *request);
/* NULL is fine. */
void transfer_free(struct transfer *transfer);
static inline void transfer_cleanup(struct transfer **transfer)
{
    transfer_free(*transfer);
}

/* Does it, and waits for its end. */
enum transfer_result transfer_run(struct transfer *transfer);

/* --- What came; texts live as long as the transfer --- */

/* Why it failed, in libcurl's words; never NULL. */
const char *transfer_why(const struct transfer *transfer);
/* Whether TCP's connection came about. Of one that timed out within TLS it is known only where
 * there was a `tls_setup`. */
bool transfer_is_connected(const struct transfer *transfer);
/* The first address that `rule` refused, as text; NULL: none was. It says nothing of the others,
 * which are tried all the same: a transfer that is done, or that failed at one of those, may have
 * one too. */
const char *transfer_refused_address(const struct transfer *transfer);
/* From the start to the end, milliseconds. */
int64_t transfer_time_ms(const struct transfer *transfer);

long transfer_status(const struct transfer *transfer);
const struct buffer *transfer_body(const struct transfer *transfer);
/* The I-th header field NAME of the answer; NULL: it has none. */
const char *transfer_field(const struct transfer *transfer, const char *name, size_t i);
/* Where a redirect leads, made absolute; NULL: it is none. */
const char *transfer_redirect(const struct transfer *transfer);

#endif
