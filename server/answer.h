/* Answers of ours: every one has a length, a type, `Cache-Control: no-cache` and nothing that names
 * the program. */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include <h2o.h>

/* One line of plain text. TEXT without the line end. */
void answer_text(h2o_req_t *req, int status, const char *reason, const char *text);

/* 405 (RFC 9110 §15.5.6) with TEXT, for what is read with GET or HEAD. */
void answer_read_only(h2o_req_t *req, const char *text);

/* 503 (RFC 9110 §15.6.4): whether there is something is known in a moment. */
void answer_not_yet(h2o_req_t *req);

/* The field's name and value are not copied. */
void answer_field(h2o_req_t *req, const h2o_token_t *name, const char *value, size_t length);

/* An answer of a header only, which REQ has. */
void answer_without_body(h2o_req_t *req);

/* BODY is in REQ's pool. */
void answer_body(h2o_req_t *req, h2o_iovec_t body);

#endif
