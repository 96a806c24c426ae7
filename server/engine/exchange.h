/* One request and its answer, the same for both protocols: counted, answered by its head, logged.
 *
 *     struct http_answer answer;
 *     exchange_answer(exchange, connection, &request, &answer);   … at the end of the head
 *     … sends it …
 *     connection_request_ended(connection);      … when it has gone, or is given up
 *
 * An answer that takes the body comes later, through the desk (desk.h). */
#ifndef SERVER_ENGINE_EXCHANGE_H
#define SERVER_ENGINE_EXCHANGE_H

#include "server/answers/http_answer.h"
#include "server/engine/access_log.h"
#include "server/engine/connection.h"
#include "server/engine/desk.h"
#include "server/engine/http_date.h"

/* What the connections of one worker share with their protocols. */
struct exchange {
    struct http_answers answers[LISTENER_KINDS];
    struct access_log *access_log; /* NULL: off */
    size_t worker;                 /* its number */
    struct desk *desk;
    struct http_date *date;
    int64_t (*now_ms)(void); /* monotonic: lib/base/clock.h, or a test's */
};

/* REQUEST->server_name is set here. *RET_ANSWER: as the pure function says. */
void exchange_answer(const struct exchange *exchange, struct connection *connection,
                     struct http_request *request, struct http_answer *ret_answer);
/* A request that is none (RFC 9112 §3, §5): *RET_ANSWER is 400 with TEXT, static and ending in a
 * newline; REASON is counted. */
void exchange_refuse(const struct exchange *exchange, struct connection *connection,
                     struct http_request *request, enum connection_end reason, struct bytes text,
                     struct http_answer *ret_answer);
/* What the log keeps of a request whose answer comes later; the caller frees it. NULL: no log. */
struct access_record *exchange_remember(const struct exchange *exchange,
                                        const struct connection *connection,
                                        const struct http_request *request);
/* The answer came; RECORD may be NULL. */
void exchange_log_later(const struct exchange *exchange, struct access_record *record,
                        const struct http_answer *answer);

#endif
