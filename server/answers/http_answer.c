#include "http_answer.h"

#include <assert.h>

void http_answer_clear(struct http_answer *answer)
{
    free(answer->owned);
    *answer = (struct http_answer){0};
}

static const struct {
    int status;
    struct bytes reason;
} STATUSES[HTTP_STATUSES] = {
    {200, {"OK", 2}},
    {202, {"Accepted", 8}},
    {304, {"Not Modified", 12}},
    {308, {"Permanent Redirect", 18}},
    {400, {"Bad Request", 11}},
    {403, {"Forbidden", 9}},
    {404, {"Not Found", 9}},
    {405, {"Method Not Allowed", 18}},
    {413, {"Content Too Large", 17}},
    {421, {"Misdirected Request", 19}},
    {503, {"Service Unavailable", 19}},
};

size_t http_status_place(int status)
{
    size_t place = 0;
    while (place < HTTP_STATUSES && STATUSES[place].status != status) {
        place++;
    }
    return place;
}

int http_status_at(size_t place)
{
    return STATUSES[place].status;
}

struct bytes http_status_reason(int status)
{
    size_t place = http_status_place(status);
    return place < HTTP_STATUSES ? STATUSES[place].reason : BYTES("");
}

void http_answer_field(struct http_answer *answer, struct bytes name, struct bytes value)
{
    assert(answer->field_count < HTTP_ANSWER_FIELDS_MAX);
    answer->fields[answer->field_count++] = (struct http_field){name, value};
}

void http_answer_text(struct http_answer *ret_answer, int status, struct bytes text)
{
    *ret_answer = (struct http_answer){.status = status, .has_content = true, .body = text};
    http_answer_field(ret_answer, BYTES("cache-control"), BYTES("no-cache"));
    http_answer_field(ret_answer, BYTES("content-type"), BYTES("text/plain"));
}

void http_answer_owned_text(struct http_answer *ret_answer, int status, char *text, size_t n)
{
    http_answer_text(ret_answer, status, (struct bytes){text, n});
    ret_answer->owned = text;
}

void http_answer_read_only(struct http_answer *ret_answer, struct bytes text)
{
    http_answer_text(ret_answer, 405, text);
    http_answer_field(ret_answer, BYTES("allow"), BYTES("GET, HEAD"));
}

void http_answer_not_yet(struct http_answer *ret_answer)
{
    http_answer_text(ret_answer, 503, BYTES("Policies are still being loaded.\n"));
    http_answer_field(ret_answer, BYTES("retry-after"), BYTES("1"));
}

void http_answer_not_served(struct http_answer *ret_answer)
{
    http_answer_text(ret_answer, 404, BYTES("No MTA-STS policy is served for this name.\n"));
}
