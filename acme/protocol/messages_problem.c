#include "acme/protocol/messages_parts.h"
#include "lib/base/safe_text.h"

/* --- Texts from outside, made fit for messages --- */

enum { ESCAPE_LENGTH = 4 }; /* \xNN */

/* Text under construction: UTF-8 on one line, safe to be shown (lib/base/safe_text.h). */
struct text {
    char *p; /* NUL-terminated */
    size_t size;
    size_t n;
    bool gap;  /* white space comes before what is added next */
    bool full; /* "…" stands at the end; what is added is dropped */
};

static void add_character(struct text *text, const char *p, size_t n)
{
    static const char ellipsis[] = "…";
    if (text->full) {
        return;
    }
    /* There is always room for the ellipsis and its NUL. */
    if (text->n + n + sizeof(ellipsis) > text->size) {
        memcpy(text->p + text->n, ellipsis, sizeof(ellipsis));
        text->full = true;
        return;
    }
    memcpy(text->p + text->n, p, n);
    text->n += n;
    text->p[text->n] = '\0';
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* White space of any kind and number becomes one space, none at the ends. */
static void add(struct text *text, struct bytes from)
{
    for (size_t n = 1; from.n != 0 && !text->full; from = bytes_skip(from, n)) {
        char shown[ESCAPE_LENGTH + SAFE_TEXT_ELLIPSIS_ROOM];
        n = 1;
        if (is_white(*from.p)) {
            text->gap = text->n != 0;
            continue;
        }
        if (text->gap) {
            add_character(text, " ", 1);
            text->gap = false;
        }
        size_t safe = safe_text_length(from);
        n = safe != 0 ? safe : 1;
        safe_text_cut((struct bytes){from.p, n}, ESCAPE_LENGTH, shown);
        add_character(text, shown, strlen(shown));
    }
}

static void add_string(struct text *text, const char *string)
{
    add(text, bytes_of(string));
}

#define TEXT_IN(array) ((struct text){.p = (array), .size = sizeof(array)})

/* --- Problem documents --- */

static const char *string_of(const json_t *object, const char *key)
{
    const char *string = json_string_value(json_object_get(object, key));
    return string != NULL ? string : "";
}

/* "urn:ietf:params:acme:error:dns" → "dns". RFC 7807 §3.1: absent means "about:blank". */
static const char *short_type(const json_t *object)
{
    static const char urn[] = "urn:ietf:params:acme:error:";
    const char *type = string_of(object, "type");
    if (strncasecmp(type, urn, sizeof(urn) - 1) == 0) {
        type += sizeof(urn) - 1;
    }
    return type[0] != '\0' ? type : "about:blank";
}

/* What a document says to people; its type where it says nothing. */
static const char *detail_of(const json_t *object)
{
    const char *detail = string_of(object, "detail");
    const char *title = string_of(object, "title");
    return detail[0] != '\0' ? detail : title[0] != '\0' ? title : short_type(object);
}

static void add_subproblems(const json_t *array, struct text *detail)
{
    for (size_t i = 0; i < json_array_size(array) && !detail->full; i++) {
        const json_t *item = json_array_get(array, i);
        const char *host = string_of(json_object_get(item, "identifier"), "value");
        if (!json_is_object(item)) {
            continue;
        }
        add_string(detail, "; ");
        if (host[0] != '\0') {
            add_string(detail, host);
            add_string(detail, ": ");
        }
        add_string(detail, detail_of(item));
    }
}

static bool is_problem(const json_t *object)
{
    static const char *const keys[] = {"type", "title", "detail"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (json_is_string(json_object_get(object, keys[i]))) {
            return true;
        }
    }
    return false;
}

void acme_problem_read(const json_t *object, struct acme_problem *ret_problem)
{
    struct acme_problem problem = {0};
    if (is_problem(object)) {
        struct acme_part part = {.object = object};
        struct text type = TEXT_IN(problem.type);
        struct text detail = TEXT_IN(problem.detail);
        json_int_t status = json_integer_value(json_object_get(object, "status"));
        add_string(&type, short_type(object));
        if (type.n == 0) { /* nothing but white space */
            add_string(&type, "about:blank");
        }
        add_string(&detail, detail_of(object));
        add_subproblems(json_object_get(object, "subproblems"), &detail);
        acme_part_link(&part, "instance", problem.instance, sizeof(problem.instance));
        problem.status = status >= 100 && status <= 599 ? (int)status : 0;
    }
    *ret_problem = problem;
}

/* The beginning of what is no problem document: a proxy's page, most often. */
static void read_beginning(struct bytes body, struct acme_problem *problem)
{
    struct text detail = TEXT_IN(problem->detail);
    const size_t most = 4 * sizeof(problem->detail); /* enough of white space to skip */
    if (body.n > most) {
        body.n = most;
        while (body.n != 0 && (body.p[body.n] & 0xc0) == 0x80) { /* not within a character */
            body.n--;
        }
    }
    add(&detail, body);
}

void acme_problem_parse(struct bytes json, struct acme_problem *ret_problem)
{
    json_auto_t *root = NULL;
    struct error e;
    struct acme_part part = {.what = "the error document", .advice = "see the text itself"};
    struct acme_problem problem = {0};
    if (acme_message_load(json, &part, &root, &e)) {
        acme_problem_read(root, &problem);
    }
    if (problem.type[0] == '\0') {
        read_beginning(json, &problem);
    }
    *ret_problem = problem;
}

/* Cuts what follows each MARK, up to white space or a quote. */
static void cut_after(char *text, const char *mark)
{
    char *at = text;
    while ((at = strstr(at, mark)) != NULL) {
        at += strlen(mark);
        size_t n = strcspn(at, " \t\"'<>");
        memmove(at, at + n, strlen(at + n) + 1);
    }
}

char *acme_problem_for_log(const char *problem)
{
    char *text = memory_string(problem);
    cut_after(text, "?");
    cut_after(text, "/acme-challenge/");
    return text;
}
