#include "exchange.h"

#include <time.h>

#include "server/engine/forwarded.h"

static int64_t wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Of who asks: the connection's, or whom its proxy names for this request. */
static void fill_address(struct access_record *record, const struct connection *connection,
                         const struct http_request *request)
{
    const struct settings_listen_terms *terms = connection->terms;
    const struct sockaddr *peer = (const struct sockaddr *)&connection->peer;
    struct sockaddr_storage client;
    if (terms != NULL && terms->forwarded != FORWARDED_NOT &&
        address_is_in(&terms->forwarded_from, peer) &&
        forwarded_client(terms->forwarded,
                         terms->forwarded == FORWARDED_FORWARDED ? request->forwarded
                                                                 : request->x_forwarded_for,
                         &terms->forwarded_from, &client)) {
        peer = (const struct sockaddr *)&client;
    }
    access_record_set_address(record, peer);
}

static void fill_request(struct access_record *record, const struct connection *connection,
                         const struct http_request *request)
{
    record->time_ms = wall_ms();
    record->version = request->version;
    fill_address(record, connection, request);
    access_record_set(record->method, sizeof(record->method), request->method);
    access_record_set(record->host, sizeof(record->host), request->authority);
    access_record_set(record->path, sizeof(record->path), request->target);
    access_record_set(record->agent, sizeof(record->agent), request->user_agent);
    access_record_set(record->referer, sizeof(record->referer), request->referer);
}

static void fill_answer(struct access_record *record, const struct http_answer *answer)
{
    record->status = answer->status;
    record->octets =
        answer->has_content && strcmp(record->method, "HEAD") != 0 ? answer->body.n : 0;
}

static struct access_record *next_record(const struct exchange *exchange)
{
    return exchange->access_log != NULL ? access_log_next(exchange->access_log, exchange->worker)
                                        : NULL;
}

static void log_answer(const struct exchange *exchange, const struct connection *connection,
                       const struct http_request *request, const struct http_answer *answer)
{
    struct access_record *record = next_record(exchange);
    if (record != NULL) {
        fill_request(record, connection, request);
        fill_answer(record, answer);
        access_log_commit(exchange->access_log, exchange->worker);
    }
}

struct access_record *exchange_remember(const struct exchange *exchange,
                                        const struct connection *connection,
                                        const struct http_request *request)
{
    if (exchange->access_log == NULL) {
        return NULL;
    }
    struct access_record *record = memory_zero(1, sizeof(*record));
    fill_request(record, connection, request);
    return record;
}

void exchange_log_later(const struct exchange *exchange, struct access_record *record,
                        const struct http_answer *answer)
{
    struct access_record *next = record != NULL ? next_record(exchange) : NULL;
    if (next != NULL) {
        *next = *record;
        fill_answer(next, answer);
        access_log_commit(exchange->access_log, exchange->worker);
    }
}

void exchange_answer(const struct exchange *exchange, struct connection *connection,
                     struct http_request *request, struct http_answer *ret_answer)
{
    const struct http_answers *answers = &exchange->answers[connection->kind];
    connection_request_began(connection);
    if (connection->requests == connection->owner->limits.requests_per_connection) {
        connection_count(connection, END_REQUESTS);
    }
    request->server_name = connection->kind == LISTENER_HTTPS ? &connection->name : NULL;
    answers->answer(answers->context, request, ret_answer);
    if (ret_answer->taker == NULL) {
        connection_count_answer(connection, request->version, ret_answer->status);
        log_answer(exchange, connection, request, ret_answer);
    }
}

void exchange_refuse(const struct exchange *exchange, struct connection *connection,
                     struct http_request *request, enum connection_end reason, struct bytes text,
                     struct http_answer *ret_answer)
{
    connection_request_began(connection);
    connection_count(connection, reason);
    http_answer_text(ret_answer, 400, text);
    connection_count_answer(connection, request->version, ret_answer->status);
    log_answer(exchange, connection, request, ret_answer);
}
