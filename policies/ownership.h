/* To whom a name belongs, a domain's or a shared policy's ("@NAME"), where files change or a server
 * starts: one rule for who serves and for who writes records on the command line. Pure.
 *
 * What was served is remembered: for each name the file that gives it, its *owner*, and the text.
 *
 *     the owner …                      nobody else claims   one file claims      several claim
 *     ──────────────────────────────   ──────────────────   ──────────────────
 * ────────────────────── is there and claims the name, or is there and in error         stays stays
 * stays does not claim it any more, or is gone from a directory that is there and has policy files
 * free                 moves                moves to the one with the text that stands, else
 * disputed is away with its top directory   stays                moves, with the text that stands
 * alone; else stays (nothing is remembered)          free                 moves moves to the one
 * with the text served last, else to the first
 *
 * A copy beside a file (`tenants-old.yaml`) so never takes its names, however it sorts. */
#ifndef POLICIES_OWNERSHIP_H
#define POLICIES_OWNERSHIP_H

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
