/* One name, mta-sts.DOMAIN: what it has, what it wants, and when it is due next. (state, event) →
 * (state, actions) over plain data, as acme/machine/order_machine.h; its carrier is acme/host.c.
 *
 * A name is in one place: it waits for a moment, or for its turn to be looked at, it is looked at,
 * it waits for its order's turn, or its order is under way; or it is nowhere, as nobody wants
 * anything of it. Whatever may change when it is due ends with HOST_ACTION_PLAN, which its carrier
 * answers with HOST_EVENT_PLAN, and the machine with a place.
 *
 * Times that outlive us are wall clock (…_s); a moment is monotonic (…_ms), reckoned from it when
 * it is planned. So a wall clock that is set changes nothing that is planned already. */
#ifndef ACME_MACHINE_HOST_MACHINE_H
#define ACME_MACHINE_HOST_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/machine/order_machine.h"
#include "acme/machine/trouble.h"

enum host_place {
    HOST_NOWHERE,
    HOST_TIMED,    /* until a moment */
    HOST_READY,    /* to be looked at, by its turn */
    HOST_LOOKING,  /* looks are under way */
    HOST_FOUND,    /* they were good: to be ordered, by its turn */
    HOST_ORDERING, /* an order is under way */
    HOST_PLACES,
};

/* Its certificate, as the store has it. */
struct host_certificate {
    int64_t id;
    int64_t not_before_s;
    int64_t not_after_s; /* 0: none */
    int64_t renew_s;     /* the moment chosen; 0: none yet */
    int64_t ari_start_s; /* the window that the CA named (RFC 9773) */
    int64_t ari_end_s;
    int64_t ari_next_s; /* when to ask for it again; 0: not at all */
    bool has_ari;       /* there is somebody to ask … */
    bool revoked;
};

struct host_state {
    enum host_place place;
    int64_t turn;    /* of HOST_READY and HOST_FOUND: the least first */
    bool wanted;     /* it is served; else only what it has is remembered */
    bool forced;     /* an operator wants a new certificate, whatever there is */
    bool asked;      /* a client asked for it */
    bool used_up;    /* its last look had to be ended … */
    bool slow_names; /* … or its name servers took long then: it goes behind those who are quick */
    bool is_covered; /* by another certificate, when it was planned last */
    bool lost_order; /* the CA forgot one, and the next is not done yet */
    bool left_order; /* the store has one that may be issued, and it was not wanted any more */

    struct host_certificate certificate;
    int64_t issued_ms; /* when this process got one for it last; 0: never */
    bool asks_ari;     /* a question is under way … */
    int64_t ari_asked; /* … about the certificate of this id */

    enum acme_host_trouble trouble;
    unsigned failures;  /* of orders, in a row */
    unsigned waits;     /* looks in a row that found that it does not reach us … */
    int64_t looked_ms;  /* … and when the last did */
    unsigned challenge; /* place in the configured list that is tried next */
    int64_t next_s;     /* not before; 0: at once */
};

enum host_event_kind {
    HOST_EVENT_PLAN,        /* `until_s`: another certificate covers it; 0: none */
    HOST_EVENT_REST,        /* the session ended: what it has is read again in the next */
    HOST_EVENT_LOADED,      /* `loaded`: its row, from the last run */
    HOST_EVENT_WANTED,      /* it is served, or its policy is another */
    HOST_EVENT_UNWANTED,    /* it is served no more */
    HOST_EVENT_WAKE,        /* its moment */
    HOST_EVENT_ASKED,       /* a client asked for it by SNI */
    HOST_EVENT_FORCED,      /* an operator did */
    HOST_EVENT_LOOK_SOON,   /* it may reach us now: look within `wait_s` */
    HOST_EVENT_CLOCK_SET,   /* the wall clock jumped by `wait_s` */
    HOST_EVENT_LOOK,        /* its turn: looks begin */
    HOST_EVENT_PUT_OFF,     /* its turn, but its CA takes no order now */
    HOST_EVENT_FOUND,       /* a CA would find us under it */
    HOST_EVENT_NOT_FOUND,   /* `problem`, `wait_s` */
    HOST_EVENT_LOOK_OLD,    /* it was found too long ago, or for another CA */
    HOST_EVENT_ORDER,       /* its order begins, or is taken up */
    HOST_EVENT_ORDER_ENDED, /* `order`: how */
    HOST_EVENT_CERTIFICATE, /* `certificate`: the store has another, or it is the first that we see
                             */
    HOST_EVENT_REVOKED,     /* it was, at our wish */
    HOST_EVENT_WINDOW,    /* from `start_s` to `until_s` the CA wants it renewed; `problem`: why */
    HOST_EVENT_NO_WINDOW, /* it does not say */
    HOST_EVENTS,
};

/* What is borrowed is valid until the actions are carried out. */
struct host_event {
    enum host_event_kind kind;
    int64_t wait_s; /* -1: not told */
    int64_t start_s;
    int64_t until_s;
    const char *problem;
    bool used_up; /* of looks */
    bool slow_names;
    bool other_settings; /* of LOADED: not those under which it was rejected */
    const struct order_action *order;
    const struct host_certificate *certificate;
    const struct host_state *loaded; /* trouble, failures, challenge, next_s */
};

/* Whether its CA can be asked for the renewal window. */
enum host_ari {
    HOST_ARI_NEVER, /* it does not offer it, or is not configured any more */
    HOST_ARI_NOT_YET,
    HOST_ARI_BUSY,
    HOST_ARI_NOW,
};

struct host_view {
    int64_t now_ms; /* monotonic */
    int64_t now_s;  /* wall clock */
    uint32_t random;
    bool leads; /* this process orders */
    enum host_ari ari;
};

enum host_action_kind {
    HOST_ACTION_PLAN,             /* HOST_EVENT_PLAN is to follow */
    HOST_ACTION_PLACE,            /* the state's place is another, or its `at_ms` or turn is */
    HOST_ACTION_SAVE,             /* its row */
    HOST_ACTION_NOTE_RENEWAL,     /* its certificate's row */
    HOST_ACTION_SET_PROBLEM,      /* `problem`; NULL: none */
    HOST_ACTION_TELL_FAILURE,     /* `type`, `problem`, `wait_s`: before SET_PROBLEM */
    HOST_ACTION_TELL_WINDOW,      /* the moment is chosen in another window; `problem`: why */
    HOST_ACTION_ASK_ARI,          /* WINDOW or NO_WINDOW comes */
    HOST_ACTION_PREPARE_ISSUER,   /* its directory is missing */
    HOST_ACTION_DROP_LOOK,        /* looks, or what was found */
    HOST_ACTION_LEAVE_ORDER,      /* ORDER_ENDED follows */
    HOST_ACTION_TAKE_UP_ORDER,    /* that was left: ORDER follows, if it is there still */
    HOST_ACTION_TAKE_CERTIFICATE, /* from the store, where it is not installed */
    HOST_ACTION_UNINSTALL,
};

struct host_action {
    enum host_action_kind kind;
    int64_t at_ms;
    const char *type;
    const char *problem;
    int64_t wait_s;
};

enum { HOST_ACTIONS_MAX = 6 };

struct host_actions {
    struct host_action items[HOST_ACTIONS_MAX];
    size_t count;
};

void host_machine_step(struct host_state *host, const struct host_event *event,
                       const struct host_view *view, struct host_actions *ret_actions);

/* Whether it matters to a plan now that another certificate covers HOST. */
bool host_machine_is_due(const struct host_state *host, int64_t now_s);
/* The wall-clock time from which an order for HOST is wanted. */
int64_t host_machine_order_s(const struct host_state *host);
/* Its servers were slow when it was looked at last, and no person asked for it since: it goes
 * behind those who are quick. */
bool host_machine_is_behind(const struct host_state *host);
/* Looks or an order are under way. */
bool host_machine_is_busy(const struct host_state *host);

#endif
