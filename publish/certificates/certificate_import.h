/* Takes over the certificates that another ACME client got, so that a move costs no order: of each
 * name that is configured the one that lives longest.
 *
 *     struct certificate_import import = {.settings = …, .catalogue = …, .tell = …};
 *     certificate_import_run(&import, "/etc/letsencrypt", &e)
 *     … import.taken, import.refused … */
#ifndef PUBLISH_CERTIFICATES_CERTIFICATE_IMPORT_H
#define PUBLISH_CERTIFICATES_CERTIFICATE_IMPORT_H

#include "acme/store/acme_store.h"
#include "config/settings.h"
#include "lib/base/name_map.h"
#include "policies/files/catalogue.h"

enum certificate_import_fate {
    CERTIFICATE_TAKEN,   /* for HOST; or it would be */
    CERTIFICATE_REFUSED, /* as E says */
    CERTIFICATE_FOREIGN, /* NAME is no policy host of a domain here */
    CERTIFICATE_OLDER,   /* HOST has one that lives until KEPT_UNTIL_S */
};

/* What became of the certificate in the file PATH; valid during the call. */
struct certificate_import_event {
    enum certificate_import_fate fate;
    const char *path;
    const char *host;
    struct bytes name;
    const struct error *e;
    int64_t until_s;
    int64_t kept_until_s;
};

struct certificate_import {
    const struct settings *settings;
    const struct catalogue *catalogue;
    bool dry; /* nothing is written */
    int64_t now_s;
    void (*tell)(const struct certificate_import_event *event, void *context);
    void *context;
    size_t taken;
    size_t refused;
    size_t passed_over; /* they are told */
    /* At work: */
    struct acme_store *store; /* NULL: there is none yet, and `dry` */
    struct name_map lives;    /* each host met, and until when what it has is valid */
    size_t puts;              /* in the transaction under way */
    struct error *failure;    /* of the store: nothing more is tried */
};

/* Takes those below DIRECTORY. False: the store, or DIRECTORY, cannot be used. */
bool certificate_import_run(struct certificate_import *import, const char *directory,
                            struct error *e) MUST_USE;

#endif
