/* Whether a domain's records may be published already. A TXT record tells every sender to fetch the
 * policy over HTTPS (RFC 8461 §3.1): before the policy host has a certificate each of these fetches
 * fails, and senders that report (RFC 8460) say so. Certificates are looked for only where the
 * configuration has `acme`: elsewhere a proxy in front may have them. */
#ifndef CLI_RECORD_GATE_H
#define CLI_RECORD_GATE_H

#include "acme/store/acme_store.h"
#include "cli/covered_names.h"

enum { RECORD_GATE_NAMES_TOLD = 10 };

/* What happens to a record whose name has no certificate. */
enum record_gate_kind {
    RECORD_GATE_TELLS,     /* it passes, with a word */
    RECORD_GATE_STRICT,    /* it is not printed */
    RECORD_GATE_PUBLISHES, /* it is not published */
};

struct record_gate {
    const struct settings *settings; /* borrowed */
    struct acme_store *store;        /* NULL: there is none yet, so nothing is in it */
    struct covered_names covered;    /* by certificates that do not come by ACME */
    int64_t now_s;
    enum record_gate_kind kind;
    bool blind; /* the store cannot be read: nothing is known, which was told */
    size_t missing;
};

void record_gate_open(struct record_gate *gate, const struct settings *settings,
                      enum record_gate_kind kind, int64_t now_s);
/* Whether the TXT record of DOMAIN may be printed, or published. Tells on stderr what lacks a
 * certificate, once for each call, the first few. */
bool record_gate_passes(struct record_gate *gate, struct bytes domain);
/* Tells how many more there were, and gives what to exit with. */
int record_gate_end(const struct record_gate *gate);
void record_gate_close(struct record_gate *gate);

#endif
