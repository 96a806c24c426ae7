/* Whether a domain's records may be published already. A TXT record tells every sender to fetch the
 * policy over HTTPS (RFC 8461 §3.1): before the policy host has a certificate each of these fetches
 * fails, and senders that report (RFC 8460) say so. Certificates are looked for only where the
 * configuration has `acme`: elsewhere a proxy in front may have them. */
#ifndef PUBLISH_RECORD_GATE_H
#define PUBLISH_RECORD_GATE_H

#include "acme/store/acme_store.h"
#include "publish/certificates/covered_names.h"

enum record_gate_answer { RECORD_GATE_HAS, RECORD_GATE_LACKS, RECORD_GATE_UNKNOWN };

struct record_gate {
    const struct settings *settings; /* borrowed */
    struct acme_store *store;        /* NULL: there is none yet, so nothing is in it */
    struct covered_names covered;    /* by certificates that do not come by ACME */
    int64_t now_s;
    char *blind; /* why nothing is known: the store cannot be read; owned; or NULL */
};

void record_gate_open(struct record_gate *gate, const struct settings *settings, int64_t now_s);
/* Whether mta-sts.DOMAIN has a certificate that is valid now, or needs none of us. */
enum record_gate_answer record_gate_ask(struct record_gate *gate, struct bytes domain);
void record_gate_close(struct record_gate *gate);

#endif
