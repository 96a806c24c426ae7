/* `acme.hook`: the operator's program that is told of each new certificate, once it is durable. */
#ifndef ACME_ISSUED_HOOK_H
#define ACME_ISSUED_HOOK_H

struct acme;

/* Runs it for HOST, on the pool; nothing where none is configured. A failure is logged. */
void issued_hook_run(struct acme *acme, const char *host);

#endif
