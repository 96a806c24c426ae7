#include "http1.h"

#include "lib/base/clock.h"
#include "server/engine/decimal.h"
#include "server/engine/http1_head.h"
#include "server/engine/intake.h"

struct http1 {
    struct protocol protocol;
    const struct exchange *exchange;
    struct connection *connection;
    void (*woken)(void *woken_context);
    void *woken_context;
    bool is_partial; /* the last run left part of a head */
    bool is_over;    /* the last answer was put out */
    /* A request whose body is taken, until its answer was put out: */
    struct intake intake;
    uint64_t body_left;
    bool is_head;
    bool keeps;
};

/* --- Answers --- */

static void put_field(struct buffer *out, struct bytes name, struct bytes value)
{
    buffer_add(out, name);
    buffer_add(out, BYTES(": "));
    buffer_add(out, value);
    buffer_add(out, BYTES("\r\n"));
}

static void put_answer(const struct http1 *self, const struct http_answer *answer, bool is_head,
                       bool keeps, struct buffer *out)
{
    char digits[DECIMAL_DIGITS_MAX];
    buffer_add(out, BYTES("HTTP/1.1 "));
    buffer_add(out, decimal((uint64_t)answer->status, digits));
    buffer_add(out, BYTES(" "));
    buffer_add(out, http_status_reason(answer->status));
    buffer_add(out, BYTES("\r\n"));
    put_field(out, BYTES("Date"), http_date_text(self->exchange->date, clock_wall_s()));
    put_field(out, BYTES("Connection"), keeps ? BYTES("keep-alive") : BYTES("close"));
    if (answer->has_content) {
        put_field(out, BYTES("Content-Length"), decimal(answer->body.n, digits));
    }
    for (size_t i = 0; i < answer->field_count; i++) {
        put_field(out, answer->fields[i].name, answer->fields[i].value);
    }
    buffer_add(out, BYTES("\r\n"));
    if (answer->has_content && !is_head) {
        buffer_add(out, answer->body);
    }
}

/* ANSWER has been put out; is cleared. Where the client may still be sending, since it does not
 * expect the end or has a body, that is read away, so that its own octets do not take the answer
 * from it (RFC 9112 §9.6). */
static enum protocol_next finish(struct http1 *self, struct http_answer *answer, bool keeps,
                                 bool more_may_come)
{
    http_answer_clear(answer);
    connection_request_ended(self->connection);
    self->is_over = !keeps;
    if (keeps) {
        return PROTOCOL_GOES_ON;
    }
    return more_may_come ? PROTOCOL_LINGERS : PROTOCOL_ENDS;
}

static bool is_head_request(const struct http_request *request)
{
    return bytes_equal(request->method, BYTES("HEAD"));
}

/* --- A body that is taken --- */

static enum protocol_next begin_body(struct http1 *self, const struct http1_head *head,
                                     const struct http_answer *answer, bool is_here,
                                     struct buffer *out)
{
    self->intake = (struct intake){.exchange = self->exchange,
                                   .connection = self->connection,
                                   .answered = self->woken,
                                   .answered_context = self->woken_context};
    intake_open(&self->intake, &head->request, answer);
    self->body_left = head->body_length;
    self->is_head = is_head_request(&head->request);
    self->keeps = head->keeps;
    self->protocol.facts.incomplete_ms = 0; /* the head was; its body has time of its own */
    if (head->body_length == 0) {
        intake_complete(&self->intake);
    } else if (head->expects_continue && !is_here) {
        buffer_add(out, BYTES("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    return PROTOCOL_GOES_ON;
}

static enum protocol_next take_body(struct http1 *self, struct bytes input, size_t *ret_taken)
{
    size_t n = input.n < self->body_left ? input.n : self->body_left;
    *ret_taken = n;
    self->body_left -= n;
    if (n != 0 && !intake_piece(&self->intake, (struct bytes){input.p, n})) {
        self->keeps = false;
    } else if (n != 0 && self->body_left == 0) {
        intake_complete(&self->intake);
    }
    return PROTOCOL_GOES_ON;
}

static enum protocol_next answer_body(struct http1 *self, struct bytes after, struct buffer *out)
{
    struct http_answer answer = intake_take_answer(&self->intake);
    intake_clear(&self->intake);
    bool whole = self->body_left == 0;
    bool keeps =
        self->keeps && whole && !connection_is_last(self->connection, self->exchange->now_ms());
    put_answer(self, &answer, self->is_head, keeps, out);
    return finish(self, &answer, keeps, !whole || self->keeps || after.n != 0);
}

/* --- Heads --- */

static enum protocol_next refuse(struct http1 *self, struct http1_head *head,
                                 enum connection_end reason, struct buffer *out)
{
    struct http_answer answer;
    exchange_refuse(self->exchange, self->connection, &head->request, reason, head->problem,
                    &answer);
    put_answer(self, &answer, is_head_request(&head->request), false, out);
    return finish(self, &answer, false, true);
}

static enum protocol_next answer_head(struct http1 *self, struct http1_head *head,
                                      struct bytes after, struct buffer *out)
{
    struct http_answer answer;
    exchange_answer(self->exchange, self->connection, &head->request, &answer);
    if (answer.taker != NULL) {
        return begin_body(self, head, &answer, after.n != 0, out);
    }
    bool keeps = head->keeps && head->body_length == 0 && answer.status != 400 &&
                 !connection_is_last(self->connection, self->exchange->now_ms());
    put_answer(self, &answer, is_head_request(&head->request), keeps, out);
    return finish(self, &answer, keeps, head->keeps || head->body_length != 0 || after.n != 0);
}

static enum protocol_next take_head(struct http1 *self, struct bytes input, size_t *ret_taken,
                                    struct buffer *out)
{
    struct http1_head head;
    enum http1_verdict verdict =
        http1_head_parse(input, (size_t)connection_header_octets(self->connection), &head);
    if (verdict == HTTP1_PARTIAL) {
        self->is_partial = input.n != 0;
        return PROTOCOL_GOES_ON;
    }
    *ret_taken = head.length;
    if (verdict == HTTP1_WHOLE) {
        return answer_head(self, &head, bytes_skip(input, head.length), out);
    }
    return refuse(self, &head, verdict == HTTP1_TOO_LONG ? END_HEADER : END_MALFORMED, out);
}

static enum protocol_next take_turn(struct http1 *self, struct bytes input, size_t *ret_taken,
                                    struct buffer *out)
{
    if (self->is_over) {
        *ret_taken = input.n;
        return PROTOCOL_LINGERS;
    }
    switch (self->intake.state) {
    case INTAKE_TAKES:
        return take_body(self, input, ret_taken);
    case INTAKE_WAITS:
        return PROTOCOL_GOES_ON;
    case INTAKE_IS_ANSWERED:
        return answer_body(self, input, out);
    case INTAKE_NONE:
        break;
    }
    return take_head(self, input, ret_taken, out);
}

static enum protocol_next run(struct protocol *protocol, struct bytes input, size_t *ret_taken,
                              struct buffer *out)
{
    struct http1 *self = (struct http1 *)protocol;
    struct connection_facts *facts = &protocol->facts;
    *ret_taken = 0;
    self->is_partial = false;
    enum protocol_next next = take_turn(self, input, ret_taken, out);
    facts->owes = self->intake.state > INTAKE_TAKES;
    if (!self->is_partial && self->intake.state != INTAKE_TAKES) {
        facts->incomplete_ms = 0;
    } else if (facts->incomplete_ms == 0) {
        facts->incomplete_ms = self->exchange->now_ms();
    }
    return next;
}

static bool say_goodbye(struct protocol *protocol)
{
    (void)protocol;
    return false; /* nothing can be said between two answers */
}

static void free_http1(struct protocol *protocol)
{
    struct http1 *self = (struct http1 *)protocol;
    if (self->intake.state != INTAKE_NONE) {
        intake_clear(&self->intake);
        connection_request_ended(self->connection);
    }
    free(self);
}

struct protocol *http1_new(const struct exchange *exchange, struct connection *connection,
                           void (*woken)(void *woken_context), void *woken_context)
{
    static const struct protocol_kind kind = {run, say_goodbye, free_http1};
    struct http1 *self = memory_zero(1, sizeof(*self));
    self->protocol.kind = &kind;
    self->exchange = exchange;
    self->connection = connection;
    self->woken = woken;
    self->woken_context = woken_context;
    return &self->protocol;
}
