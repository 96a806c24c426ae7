/* What a checkout of policy files says, for who reads it once: the command line. Files are listed,
 * read and parsed (many at a time), shared policies are found, and names that two files claim are
 * settled as the server would settle them. No index, no watch, nothing is kept for the next time:
 * that is policies/live/policy_set.h, for the server.
 *
 *     struct catalogue *catalogue = NULL;
 *     if (!catalogue_load(&options, &catalogue, &e)) …
 *     catalogue_diagnostics(catalogue, &d);                       what is wrong with the files
 *     if (catalogue_find(catalogue, domain, &view)) … view.policy …
 *
 * - The file is the unit: one error, and nothing in it counts. So it is with a domain that names a
 *   shared policy which no file defines.
 * - A domain, and a shared policy's name ("@NAME" here), belong to one file. Where several claim
 *   one, `owners_of` is asked who has it where it is served, and policies/model/ownership.h says
 * what comes of that: files that may not have it are refused whole, each with an error at the place
 *   of its claim that names the other. So it is the copy that is blamed, not the file that is
 *   maintained.
 * - Where nobody can say, or nobody is to be asked, the name is *disputed*: an error at each of its
 *   places. Nobody finds it here, nor a domain that uses a disputed shared policy; all other names
 *   of these files count.
 * - `owners_of` is asked about names that are claimed twice; a file in error that parses claims its
 *   names as far as this goes. What is served is its last good text, and no copy is to take its
 *   place. So where something cannot be read or parsed, all names are asked about: any of them may
 *   stand there, too. One claim of which nobody knows anything counts. */
#ifndef POLICIES_FILES_CATALOGUE_H
#define POLICIES_FILES_CATALOGUE_H

#include "lib/base/diagnostics.h"
#include "lib/base/file.h"
#include "policies/files/policy_file.h"
#include "policies/model/policy.h"

struct catalogue;

/* Who has a name where it is served. The file is known by the entry of `policies` that it lies in
 * and its path below that ("": the entry itself). It stands for the file of ours at the same path
 * below the same entry, else for the one at the same path below any: another checkout, another
 * mount point. */
struct catalogue_owner {
    bool known;
    struct bytes entry;
    struct bytes path;
    unsigned char digest[POLICY_DIGEST_OCTETS]; /* of the text that is served */
};

struct catalogue_options {
    const char *const *paths;   /* directories or files: the entries of `policies` */
    const char *const *entries; /* each of them as the configuration writes it; NULL: as PATHS */
    size_t path_count;
    struct policy_file_defaults defaults;
    const char *mirror_copies; /* directory with the texts of mirrors
                                  (policies/files/mirror_copy.h), or NULL: they have none */
    bool apart; /* files count each by itself: nobody asks what they have against each other */
    /* Fills in those of OWNERS, all not known, that it can: owner N is of name N ("x.example",
     * "@google"). What they point to is valid until catalogue_load returns. May be NULL. */
    void (*owners_of)(const struct bytes *names, size_t count, struct catalogue_owner *owners,
                      void *context);
    void *context;
};

/* True even where files are in error. The caller frees *RET_CATALOGUE; it borrows nothing. */
bool catalogue_load(const struct catalogue_options *options, struct catalogue **ret_catalogue,
                    struct error *e) MUST_USE;
void catalogue_free(struct catalogue *catalogue);

/* All that is wrong, by file and place. *D is appended to. */
void catalogue_diagnostics(const struct catalogue *catalogue, struct diagnostics *d);

struct catalogue_counts {
    size_t files;
    size_t files_in_error;
    size_t domains;            /* without those that are disputed */
    size_t shared_policies;    /* likewise */
    size_t disputed;           /* claims to names of both kinds */
    size_t tops_without_files; /* entries of `policies`: a disk that is not mounted looks so */
};
void catalogue_counts(const struct catalogue *catalogue, struct catalogue_counts *ret_counts);

/* One domain, valid until catalogue_free. */
struct catalogue_view {
    const char *path;
    const struct policy_file_entry *entry;  /* the domain's */
    const struct policy_file_entry *shared; /* the shared policy it uses, or NULL */
    const char *shared_path;
    const struct policy *policy; /* the one that counts; NULL: a mirror without a text */
};

/* The id that the files have for VIEW's policy; empty where there is none. */
static inline struct bytes catalogue_view_id(const struct catalogue_view *view)
{
    return view->shared != NULL ? view->shared->id : view->entry->id;
}

/* False: no file that counts has DOMAIN, or it is disputed. */
bool catalogue_find(const struct catalogue *catalogue, struct bytes domain,
                    struct catalogue_view *ret_view);
/* Whether SUBJECT, a domain or "@NAME", is disputed, or a domain on such a shared policy. */
bool catalogue_is_disputed(const struct catalogue *catalogue, struct bytes subject);
/* Calls VISIT for each domain that is to be found, sorted by name, until it says false. */
void catalogue_each(const struct catalogue *catalogue,
                    bool (*visit)(const struct catalogue_view *view, void *context), void *context);
/* SUBJECT as it is written, or NULL as above. */
const struct policy_file_entry *catalogue_entry(const struct catalogue *catalogue,
                                                struct bytes subject);

/* The policy that counts for SUBJECT, its own or the shared one that it names; NULL: not known. */
const struct policy *catalogue_policy(const struct catalogue *catalogue, struct bytes subject);

/* An older copy of one file, or of all: PATH, by itself. NULL: D says why; one in error is refused,
 * since half of an answer would look like all of it. A shared policy that it names and does not
 * have is no error: it may be a single file. */
struct catalogue *catalogue_load_older(const char *path,
                                       const struct policy_file_defaults *defaults,
                                       struct diagnostics *d);

/* A file as it was read, valid until catalogue_free. */
struct catalogue_document {
    const char *path;
    const struct policy_file *file;
    const struct file_identity *identity;
};

/* Calls VISIT for each file that parses, refused or not, sorted by path. */
void catalogue_each_file(const struct catalogue *catalogue,
                         void (*visit)(const struct catalogue_document *document, void *context),
                         void *context);

#endif
