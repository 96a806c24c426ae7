/* What is done once what was written is durable (acme/store/acme_store.h): a certificate is
 * installed, or told of. */
#ifndef ACME_AFTER_COMMIT_H
#define ACME_AFTER_COMMIT_H

#include <stdint.h>

#include "lib/certificates/pair.h"

struct acme;

struct after_commit {
    struct deed *first;
    struct deed **last;
};

/* NEW is to be served instead of OLD, once what was written is durable; takes both references. */
void acme_install_later(struct acme *acme, struct certificate_pair *new,
                        struct certificate_pair *old, const char *fault);
/* One line in the log, and `acme.hook`, once it is so. */
void acme_tell_issued_later(struct acme *acme, const char *host, const char *ca, const char *order,
                            int64_t days);
void acme_do_deeds(struct acme *acme);

#endif
