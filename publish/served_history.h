/* What the running server remembers of the texts that it served, asked over its control socket. */
#ifndef PUBLISH_SERVED_HISTORY_H
#define PUBLISH_SERVED_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "policies/model/policy.h"

struct served_history {
    const char *control; /* the socket's path */
    char *why;           /* nobody answered: not asked again; owned */
    size_t asked;
};

/* More subjects than this in one run are not asked for, one by one. */
enum { SERVED_HISTORY_ASKED_MAX = 1000 };

/* What to ask about. */
struct served_question {
    const char *subject; /* "example.org", "@google" */
    const char *domain;  /* one that has it: the subject, or one that uses the shared policy */
    const char
        *digest; /* of the text that is replaced, in hex, or its beginning; NULL: not known */
    const struct policy *policy; /* the new text */
};

/* A text that senders may still hold. */
struct served_text {
    struct policy *policy;
    int64_t until_s;
};

struct served_answer {
    bool reached;           /* a server answered */
    bool known;             /* it remembers the text that is replaced: so its dates are the dates */
    bool whole;             /* it knows of no gap in what it remembers, which may be nothing */
    bool current;           /* it serves the new text already */
    int64_t held_until_s;   /* until when a sender may hold another text; 0: none may */
    struct policy *serving; /* what it serves instead of the new text, or NULL */
    struct policy *before;  /* the text that the new one replaces; NULL: not known */
    bool listed;            /* it told which texts are held, and not only until when */
    struct served_text *held;
    size_t held_count;
    size_t held_capacity;
};

/* A server names no more held texts than this of one subject: beyond, held_until_s counts. */
enum { SERVED_HELD_MAX = 20 };

void served_history_clear(struct served_history *history);

/* All fields are zero where the server cannot tell. */
void served_history_ask(struct served_history *history, const struct served_question *question,
                        struct served_answer *ret_answer);
void served_answer_clear(struct served_answer *answer);

#endif
