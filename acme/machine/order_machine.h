/* One order (RFC 8555 §7.1.3 and §7.4), from newOrder to its certificate: (state, event) → (state,
 * actions), over plain data. It knows no clock, store, CA or thread: its carrier (acme/order.c, or
 * a test) tells what happened, hands in what the world looks like, and carries out the actions.
 *
 *     struct order_actions actions;
 *     order_machine_step(&order->state, &event, &view, &actions);
 *     for (size_t i = 0; i < actions.count; i++) {
 *         … carry out actions.items[i], in their order …
 *     }
 *
 * An order has at most one question under way, which its stage says, and one timer of its own. A
 * question whose answer leads nowhere, or that was under way when we stopped, is followed by "how
 * does the order stand?", from which everything else follows. What has no meaning in a stage (a
 * timer that comes too late, an answer that nobody waits for any more) changes nothing.
 *
 * It ends with an outcome, once; its host reads that, and nothing else of it. */
#ifndef ACME_MACHINE_ORDER_MACHINE_H
#define ACME_MACHINE_ORDER_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum order_stage {
    ORDER_STAGE_NEW,         /* nothing is asked yet */
    ORDER_STAGE_PLACING,     /* newOrder was asked */
    ORDER_STAGE_LOOKING,     /* … how it stands */
    ORDER_STAGE_AUTHORIZING, /* … what is to be proved */
    ORDER_STAGE_RESPONDING,  /* what answers the challenge is put up */
    ORDER_STAGE_TELLING,     /* the CA was told to look at it */
    ORDER_STAGE_FINALIZING,  /* finalize was asked */
    ORDER_STAGE_DOWNLOADING, /* … for the certificate */
    ORDER_STAGE_CHOOSING,    /* … for an alternate of the chain that is there */
    ORDER_STAGE_TO_LOOK,     /* waits for its timer, then looks how it stands, or places anew */
    ORDER_STAGE_TO_VERIFY,   /* … then at what is to be proved */
    ORDER_STAGE_ENDED,
    ORDER_STAGES,
};

/* All that an order is. Zero-initialised: new. Of it the store keeps whether it is placed. */
struct order_state {
    enum order_stage stage;
    bool is_placed;      /* the CA told its URL */
    bool replaces;       /* newOrder may name the certificate that it replaces (RFC 9773 §5) */
    bool is_parked;      /* waits for its CA, and takes no place of those under way */
    bool is_invalid;     /* the CA said so, and not why */
    bool is_finalized;   /* the CA may have had our finalize … */
    bool is_taken_up;    /* … or may have had it before we stopped */
    bool is_answered;    /* the CA was told to look */
    bool has_chain;      /* one that is good came */
    bool is_preferred;   /* … from the issuer that is wanted */
    unsigned alternates; /* that were not asked for yet */
    unsigned looks;      /* again, since finalize (order_rule.h) */
    unsigned put_offs;   /* answers LATER in a row */
    unsigned polls;      /* since the last step forward */
    int64_t begun_ms;
    int64_t choose_until_ms;
};

enum order_event_kind {
    ORDER_EVENT_BEGIN,    /* its key and its row are stored */
    ORDER_EVENT_TAKE_UP,  /* it was under way when we stopped */
    ORDER_EVENT_WAKE,     /* its timer */
    ORDER_EVENT_UNWANTED, /* its host is served no more */

    /* Answers that do not lead on, to whatever was asked. */
    ORDER_EVENT_LATER,      /* nothing that is about this order */
    ORDER_EVENT_LOST,       /* there is no such thing: 404, 410 */
    ORDER_EVENT_NO_ACCOUNT, /* the CA does not know our account */
    ORDER_EVENT_FOREIGN,    /* it has another account of ours now, which may not see this order */
    ORDER_EVENT_REFUSED,    /* no: `type`, `problem`. Of a new one: no key can be made */
    ORDER_EVENT_SENSELESS,  /* yes, and what came with it is not what was asked for */
    ORDER_EVENT_NO_REPLACE, /* REFUSED, perhaps as newOrder named what it is to replace */
    ORDER_EVENT_NOT_READY,  /* REFUSED: finalize came too early */

    /* How it stands: to newOrder, the look and finalize. */
    ORDER_EVENT_PENDING,
    ORDER_EVENT_READY,
    ORDER_EVENT_PROCESSING,
    ORDER_EVENT_VALID,
    ORDER_EVENT_INVALID, /* `type` NULL: the CA does not say why */

    /* What is to be proved; with `type` and `problem` where the CA found something wrong. */
    ORDER_EVENT_UNPROVED, /* a challenge waits for us … */
    ORDER_EVENT_VERIFIED, /* … the CA looks at it already … */
    ORDER_EVENT_PROVED,
    ORDER_EVENT_DISPROVED,
    ORDER_EVENT_SHOWN,      /* what answers the challenge is up … */
    ORDER_EVENT_NOT_SHOWN,  /* … or cannot be: `type`, `problem` */
    ORDER_EVENT_CHALLENGED, /* the CA was told */

    /* A chain came, of which the carrier keeps the best. */
    ORDER_EVENT_CHAIN_WANTED, /* good, and from the issuer that is wanted */
    ORDER_EVENT_CHAIN_OTHER,  /* good */
    ORDER_EVENT_CHAIN_BAD,    /* `problem` */
    ORDER_EVENTS,
};

/* Texts are borrowed until the actions are carried out. */
struct order_event {
    enum order_event_kind kind;
    const char *type;    /* of a problem: the last part of RFC 8555 §6.7's type */
    const char *problem; /* for people */
    int64_t wait_s;      /* Retry-After; -1: none */
    unsigned alternates; /* of a chain */
};

/* The world, as the event comes. */
struct order_view {
    int64_t now_ms; /* monotonic */
    uint32_t random;
    int64_t held_until_ms; /* its CA is not to be asked before … */
    bool ca_is_known;      /* … and its directory is there */
    bool ca_is_out;        /* rather ask another … */
    bool has_other_ca;     /* … which there is, ready to be asked */
    bool may_begin_again;  /* its host had no order lost since its last certificate */
};

enum order_question {
    ORDER_ASK_NEW_ORDER,
    ORDER_ASK_ORDER,
    ORDER_ASK_AUTHORIZATION,
    ORDER_ASK_CHALLENGE, /* "look now" */
    ORDER_ASK_FINALIZE,
    ORDER_ASK_CERTIFICATE,
    ORDER_ASK_ALTERNATE, /* the next */
    ORDER_QUESTIONS,
};

enum order_action_kind {
    ORDER_ACTION_ASK,        /* `question`; its answer is an event */
    ORDER_ACTION_SHOW,       /* put up what answers the challenge: SHOWN or NOT_SHOWN follows, which
                                may be at once: it is the last action */
    ORDER_ACTION_HIDE,       /* take that down, where it is up */
    ORDER_ACTION_STORE,      /* the row */
    ORDER_ACTION_FORGET,     /* … removed */
    ORDER_ACTION_INSTALL,    /* the best chain: stored and served */
    ORDER_ACTION_DROP,       /* all chains that came */
    ORDER_ACTION_WAKE_AT,    /* its timer, instead of the one before: `at_ms` */
    ORDER_ACTION_PREPARE_CA, /* directory, account: what is missing */
    ORDER_ACTION_TELL,       /* the log: `news` */
    ORDER_ACTION_END,        /* `outcome`; the last action, and the last of the order's */
    ORDER_ACTIONS,
};

enum order_news {
    ORDER_NEWS_PLACED,
    ORDER_NEWS_WITHOUT_REPLACES, /* `problem` */
    ORDER_NEWS_LOOKED_AT_AGAIN,  /* `type`, `problem`, and in `wait_s` when */
    ORDER_NEWS_MOVED,            /* to another CA */
    ORDER_NEWS_OTHER_CHAIN,      /* the issuer that is wanted is in none */
};

enum order_outcome {
    ORDER_DONE,    /* there is a certificate */
    ORDER_FAILED,  /* `type`, `problem`, `wait_s` */
    ORDER_LOST,    /* the CA has forgotten it: another is to be placed at once */
    ORDER_MOVED,   /* its CA is out: another is to be placed elsewhere */
    ORDER_DROPPED, /* unwanted; nothing was issued */
    ORDER_LET_LIE, /* unwanted; its row stays, as a certificate may be there */
    ORDER_OUTCOMES,
};

struct order_action {
    enum order_action_kind kind;
    enum order_question question;
    enum order_news news;
    enum order_outcome outcome;
    int64_t at_ms;
    const char *type; /* of the event, or static */
    const char *problem;
    int64_t wait_s; /* -1: none */
};

enum { ORDER_ACTIONS_MAX = 8 };

struct order_actions {
    struct order_action items[ORDER_ACTIONS_MAX];
    size_t count;
};

void order_machine_step(struct order_state *order, const struct order_event *event,
                        const struct order_view *view, struct order_actions *ret_actions);

#endif
