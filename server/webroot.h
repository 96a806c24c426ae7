/* `listen: {http: {webroot: DIR}}`: looks for another ACME client's tokens as files
 * (server/answers/webroot_answer.h) on threads of its own, which may wait for a disk.
 *
 * However long a disk takes, an answer is there after WEBROOT_MS: then, and where more than
 * WEBROOT_WAITING wait already, it is what it would be without a web root. */
#ifndef SERVER_WEBROOT_H
#define SERVER_WEBROOT_H

#include "lib/base/error.h"
#include "server/answers/webroot_answer.h"

struct webroot;

enum {
    WEBROOT_MS = 2000,
    WEBROOT_WAITING = 64,
    WEBROOT_FILE_MAX = 4096, /* octets; a key authorization has 87 to 171 */
};

/* DIRECTORY is looked at anew with each token: it may come later. */
bool webroot_new(const char *directory, struct webroot **ret_webroot, struct error *e) MUST_USE;
/* Answers all that wait, and from now on at once. Before the workers end. NULL is fine. */
void webroot_close(struct webroot *webroot);
/* After the workers have ended; a thread that still waits for a disk is left to it. NULL is fine.
 */
void webroot_free(struct webroot *webroot);

/* What asks it; OTHERS answer all else. WEBROOT may be NULL. */
struct webroot_answers webroot_answers(struct webroot *webroot, struct http_answers others);

/* The file .well-known/acme-challenge/TOKEN under DIRECTORY: a regular one of WEBROOT_FILE_MAX
 * octets at most, and no link on the way below DIRECTORY. NULL: there is none. The caller frees it;
 * *RET_N is its length. */
char *webroot_read(const char *directory, const char *token, size_t *ret_n);

#endif
