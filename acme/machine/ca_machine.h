/* One CA, as far as it decides what may be asked of it and when: whether its directory and our
 * account are there, and how long it is to be left alone. (state, event) → (state, actions) over
 * plain data, as acme/machine/order_machine.h; its carrier is acme/ca.c.
 *
 * A CA in trouble is left alone for a while, for longer each time; Retry-After is honoured; one
 * error may be about what was asked, several in a row, for whomever, are the CA's. */
#ifndef ACME_MACHINE_CA_MACHINE_H
#define ACME_MACHINE_CA_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/machine/renewal.h"

struct ca_state {
    bool has_directory;
    bool is_unfit; /* it lacks the profile that is required */
    bool fetching; /* the directory is being fetched … */
    int64_t fetched_ms;
    bool has_account;
    bool registering; /* … and the account made, or asked about */
    bool rolls;       /* a key change is under way, and all else waits */
    unsigned account_failures;
    unsigned server_errors; /* 5xx in a row */
    unsigned outages;       /* in a row */
    int64_t held_ms;        /* nothing is asked before */
    int64_t wait_s;    /* the CA asked that our account does nothing before (wall clock); 0 … */
    int64_t ca_wait_s; /* … or nobody does */
    struct token_bucket bucket; /* of new orders */
};

enum ca_event_kind {
    CA_EVENT_LOADED,           /* the account's row, from the last run, is in the state */
    CA_EVENT_CLOCK_SET,        /* the wall clock jumped by `wait_s` */
    CA_EVENT_WANTED,           /* somebody wants to ask something */
    CA_EVENT_DIRECTORY,        /* it came */
    CA_EVENT_UNFIT,            /* … and lacks what we need */
    CA_EVENT_NO_DIRECTORY,     /* an answer came, and was none; what it was follows */
    CA_EVENT_ANSWERED,         /* it says something, good or bad */
    CA_EVENT_SERVER_ERROR,     /* 5xx to what was asked for one host */
    CA_EVENT_OUTAGE,           /* no answer, or not as a CA answers */
    CA_EVENT_ASKS_US_TO_WAIT,  /* 429 that is not one host's: `wait_s`, -1: untold */
    CA_EVENT_ASKS_ALL_TO_WAIT, /* 503 */
    CA_EVENT_REFUSES_US,       /* whatever was asked for: until somebody did something */
    CA_EVENT_REGISTERED,       /* our account is there */
    CA_EVENT_NOT_REGISTERED,   /* … is not to be had */
    CA_EVENT_ACCOUNT_LATER,    /* … nobody knows */
    CA_EVENT_FORGOTTEN,        /* the CA does not know our account */
    CA_EVENT_ROLL,             /* the next key is stored, and the CA is to hear of it */
    CA_EVENT_ROLLED,           /* one of the two keys is known to be the account's */
    CA_EVENTS,
};

struct ca_event {
    enum ca_event_kind kind;
    const char *problem; /* why, for people; borrowed until the actions are carried out */
    int64_t wait_s;
};

struct ca_view {
    int64_t now_ms;
    int64_t now_s;
    uint32_t random;
};

enum ca_action_kind {
    CA_ACTION_FETCH,     /* the directory */
    CA_ACTION_REGISTER,  /* the account */
    CA_ACTION_ASK_KEY,   /* which of two keys is the account's */
    CA_ACTION_HELD,      /* for `wait_s`, for `problem` */
    CA_ACTION_PUT_OFF,   /* LATER for all that is not under way: who waits may ask another CA */
    CA_ACTION_SAVE,      /* the account's row */
    CA_ACTION_ANSWERS,   /* again, after an outage */
    CA_ACTION_NO_PROBLEM /* any more */
};

struct ca_action {
    enum ca_action_kind kind;
    int64_t wait_s;
    const char *problem;
};

enum { CA_ACTIONS_MAX = 4 };

struct ca_actions {
    struct ca_action items[CA_ACTIONS_MAX];
    size_t count;
};

void ca_machine_step(struct ca_state *ca, const struct ca_event *event, const struct ca_view *view,
                     struct ca_actions *ret_actions);

/* Directory and account are there and nothing holds: orders may be placed. */
bool ca_machine_is_ready(const struct ca_state *ca, int64_t now_ms);
/* It has not answered several times in a row, or will not have us: rather ask another. */
bool ca_machine_is_out(const struct ca_state *ca);

/* Whether an order is to be placed at CA: CAs are tried in turn, and each that is asked about is to
 * be told CA_EVENT_WANTED. */
enum ca_use {
    CA_USE_IT,
    CA_USE_NONE, /* it is being prepared, and worth the wait */
    CA_USE_NEXT, /* rather another */
};
enum ca_use ca_machine_use(const struct ca_state *ca, int64_t now_ms);

/* --- Whether a question can leave --- */

enum { CA_IN_FLIGHT_MAX = 64 }; /* requests under way */

struct ca_outgoing {
    bool is_early;    /* the account's own affairs, or unsigned: the directory will do */
    bool needs_nonce; /* it is signed … */
    size_t nonces;    /* … of which there are so many … */
    size_t in_flight; /* … and so many requests are under way */
};

enum ca_send {
    CA_SEND_NOW,
    CA_SEND_NOTHING, /* neither this one nor any other: the CA is held, or has enough to do */
    CA_SEND_PREPARE, /* directory or account are missing */
    CA_SEND_NONCE,   /* a nonce is to be asked for */
};
enum ca_send ca_machine_send(const struct ca_state *ca, const struct ca_outgoing *question,
                             int64_t now_ms);

/* --- What an answer says --- */

enum ca_verdict {
    CA_GOOD,    /* 2xx */
    CA_REFUSED, /* the CA says no */
    CA_LATER,   /* not the asker's fault: an outage, or the CA wants us to wait; ask again when
                   `held_ms` is over */
};

struct ca_reply {
    long status;
    const char *type; /* of the problem */
    bool has_host;    /* it was asked for one … */
    bool names_host;  /* … which the problem names, or a domain that it belongs to */
    bool is_extra;    /* we can do without the answer */
    bool is_known;    /* it was asked as our account */
};

struct ca_judgement {
    enum ca_verdict verdict;
    enum ca_event_kind events[2]; /* of the CA */
    size_t count;
};

/* A limit that names a host is that host's; any other is the account's. */
struct ca_judgement ca_judge(const struct ca_reply *reply);

#endif
