/* What the parts of the catalogue share; nobody else includes this.
 *
 *     catalogue_read.c        lists the files, reads and parses them
 *     catalogue_names.c       all their names, sorted
 *     catalogue_uses.c        shared policies that domains name and no file defines
 *     catalogue_conflicts.c   names that several files claim
 *     catalogue.c             the order of it, and the answers */
#ifndef POLICIES_FILES_CATALOGUE_PARTS_H
#define POLICIES_FILES_CATALOGUE_PARTS_H

#include "policies/files/catalogue.h"

struct catalogue_top {
    char *path;
    char *entry; /* as the configuration writes it */
    bool unreadable;
    size_t files; /* below it */
};

struct catalogue_file {
    char *path;
    size_t top;
    bool parsed;  /* `file` is filled in */
    bool counts;  /* nothing is wrong with it, as far as is known yet */
    bool lacking; /* it uses a shared policy that is not there */
    bool refused; /* another file has a name of it */
    struct policy_file file;
    struct file_identity identity; /* of what was read, where it was parsed */
    struct diagnostics problems;
};

/* A claim of one file to a name. */
struct catalogue_name {
    const struct policy_file_entry *entry;
    struct catalogue_file *file;
    bool disputed;
};

/* Sorted by name, and the claims to one name by their files' paths. */
struct catalogue_names {
    struct catalogue_name *items;
    size_t count;
};

/* A file by its path below its top, which another checkout has, too. */
struct catalogue_place {
    struct bytes below;
    struct catalogue_file *file;
};

struct catalogue {
    struct catalogue_top *tops;
    size_t top_count;
    struct catalogue_file *files; /* sorted by path */
    size_t file_count;
    size_t file_capacity;
    struct catalogue_names domains;
    struct catalogue_names policies;
    struct catalogue_place *places; /* of all files, sorted; NULL: nobody was asked for an owner */
    struct diagnostics problems;    /* of tops */
};

/* --- catalogue_read.c --- */
void catalogue_read(struct catalogue *catalogue, const struct catalogue_options *options);
/* FILE's path below its top; "" where it is the top itself. */
const char *catalogue_file_below(const struct catalogue *catalogue,
                                 const struct catalogue_file *file);

/* --- catalogue_names.c --- */
/* Of all files that count. */
void catalogue_names_collect(struct catalogue *catalogue);
/* Without the claims of files that count no more. */
void catalogue_names_clean(struct catalogue *catalogue);
/* The claims to NAME: the first, and how many. */
const struct catalogue_name *catalogue_names_find(const struct catalogue_names *names,
                                                  struct bytes name, size_t *ret_count);
/* How many claims there are to the name of claim number FIRST. */
size_t catalogue_names_run(const struct catalogue_names *names, size_t first);

/* --- catalogue_uses.c --- */
/* Files that use what no file defines count no more; nor those, then, that use what they define. */
void catalogue_uses_check(struct catalogue *catalogue);
/* What they lack, in their problems. */
void catalogue_uses_report(struct catalogue *catalogue);

/* --- catalogue_conflicts.c --- */
/* Refuses files, and marks names as disputed. */
void catalogue_conflicts_settle(struct catalogue *catalogue,
                                const struct catalogue_options *options);

/* --- catalogue_owner.c --- */
struct catalogue_contest {
    struct bytes subject;          /* owned: "x.example", "@google" */
    struct catalogue_name *claims; /* also of files that do not count: one may be the owner */
    size_t count;
    bool settled; /* it is not disputed */
};
/* Which claim to it counts, by what OWNER says. */
struct catalogue_verdict {
    bool disputed;                      /* nobody can tell: none counts, nor is refused */
    const struct catalogue_name *claim; /* the one that does, or NULL: all are refused */
    char *place;                        /* where the name stands, for who is refused; owned */
};
/* Before it decides: there may be as many owners to look for as there are names. */
void catalogue_owner_prepare(struct catalogue *catalogue);
void catalogue_owner_decide(const struct catalogue *catalogue,
                            const struct catalogue_contest *contest,
                            const struct catalogue_owner *owner,
                            struct catalogue_verdict *ret_verdict);
/* "FILE:LINE:COLUMN"; the caller frees it. */
char *catalogue_claim_place(const struct catalogue_name *claim);

#endif
