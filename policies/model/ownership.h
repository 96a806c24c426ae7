/* To whom a name belongs, a domain's or a shared policy's ("@NAME"), where files change or a server
 * starts: one rule for who serves and for who writes records on the command line. Pure.
 *
 * What was served is remembered: for each name the file that gives it, its *owner*, and the text.
 *
 *     the owner …              one other claims it    several do
 *     ───────────────────────  ─────────────────────  ──────────────────────────────────────────
 *     claims it, or is in
 *     error                    stays                  stays
 *     lets it go               moves                  moves to the text that stands, or disputed
 *     is away                  moves with the text    moves with the text that stands, or stays
 *                              that stands, or stays
 *     is none                  moves                  moves to the text served last, or the first
 *
 * Where nobody else claims it, it stays with an owner who claims it or is away, and else is free.
 * An owner lets a name go that is there without it, or is gone from a directory that has policy
 * files still; it is away with its top directory that is missing, unreadable, or has no policy file
 * left.
 *
 * A copy beside a file (`tenants-old.yaml`) so never takes its names, however it sorts. */
#ifndef POLICIES_MODEL_OWNERSHIP_H
#define POLICIES_MODEL_OWNERSHIP_H

#include <stdbool.h>
#include <stddef.h>

enum owner_state {
    OWNER_NONE,   /* nothing is remembered */
    OWNER_CLAIMS, /* is there and claims the name, or is in error: then its last good text stands */
    OWNER_LETS_GO,
    OWNER_AWAY, /* its top directory is missing, cannot be read or has no policy file left */
    OWNER_STATES,
};

/* A file that is not the owner and has the name. */
struct name_claim {
    bool text_that_stands; /* its text is the one that is remembered */
    bool served_last;      /* where nothing is: the history has its text as the one served last */
};

enum ownership {
    OWNERSHIP_STAYS,    /* with the owner; all claims are refused */
    OWNERSHIP_MOVES,    /* to the claim that is returned; the others are refused */
    OWNERSHIP_DISPUTED, /* no claim counts: the text that stands is served until one of them goes */
    OWNERSHIP_FREE,     /* nobody has it any more */
};

/* CLAIMS are in byte order of their files' paths; *RET_CLAIM is the number of the one it moves to.
 */
enum ownership ownership_decide(enum owner_state owner, const struct name_claim *claims,
                                size_t count, size_t *ret_claim);

#endif
