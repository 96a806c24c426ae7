/* What the running server remembers of the texts that it served, asked over its control socket. */
#ifndef CLI_SERVED_HISTORY_H
#define CLI_SERVED_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "policies/policy.h"

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
    const char *digest;  /* of the text that the old id stood for; NULL: not known */
    const struct policy *policy; /* the new text */
};

struct served_answer {
    bool reached;          /* a server answered */
    bool known;            /* it remembers the subject */
    bool current;          /* it serves the new text already */
    int64_t held_until_s;  /* until when a sender may hold another text; 0: none may */
    struct policy *before; /* the text that the new one replaces; NULL: not known */
};

void served_history_clear(struct served_history *history);

/* All fields are zero where the server cannot tell. */
void served_history_ask(struct served_history *history, const struct served_question *question,
                        struct served_answer *ret_answer);
void served_answer_clear(struct served_answer *answer);

#endif
