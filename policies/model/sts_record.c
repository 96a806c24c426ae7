#include "sts_record.h"

#include "lib/dns/name.h"

enum { EXTENSION_NAME_MAX = 32 };

struct cursor {
    struct bytes text;
    size_t at;
};

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name_char(char c)
{
    return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

static bool is_value_char(char c)
{
    return c > ' ' && c < 0x7f && c != '=' && c != ';';
}

static bool at_end(const struct cursor *cursor)
{
    return cursor->at == cursor->text.n;
}

static void skip_space(struct cursor *cursor)
{
    while (!at_end(cursor) &&
           (cursor->text.p[cursor->at] == ' ' || cursor->text.p[cursor->at] == '\t')) {
        cursor->at++;
    }
}

static struct bytes take_while(struct cursor *cursor, bool (*is_one)(char c))
{
    size_t start = cursor->at;
    while (!at_end(cursor) && is_one(cursor->text.p[cursor->at])) {
        cursor->at++;
    }
    return (struct bytes){cursor->text.p + start, cursor->at - start};
}

/* What stands at the cursor, for a message. */
static struct dns_name_shown rest_of(const struct cursor *cursor)
{
    return dns_name_show(bytes_skip(cursor->text, cursor->at));
}

#define FAIL_AT(cursor, e, ...)                                                                    \
    (error_format((e), ERROR_SYNTAX, __VA_ARGS__), (e)->line = 1,                                  \
     (e)->column = (unsigned)(cursor)->at + 1, false)

static bool check_id(struct cursor *cursor, size_t start, struct bytes value, struct error *e)
{
    for (size_t i = 0; i < value.n; i++) {
        if (!is_alnum(value.p[i])) {
            cursor->at = start + i;
            return FAIL_AT(cursor, e,
                           "the id \"%s\" has a character other than letters and digits; use only "
                           "those (RFC 8461, section 3.1)",
                           dns_name_show(value).text);
        }
    }
    if (value.n > STS_RECORD_ID_MAX) {
        cursor->at = start + STS_RECORD_ID_MAX;
        return FAIL_AT(cursor, e, "the id has %zu characters; at most %d are allowed", value.n,
                       STS_RECORD_ID_MAX);
    }
    return true;
}

/* One field, after a delimiter. */
static bool take_field(struct cursor *cursor, struct sts_record *record, struct error *e)
{
    size_t start = cursor->at;
    struct bytes name = take_while(cursor, is_name_char);
    bool has_equals = !at_end(cursor) && cursor->text.p[cursor->at] == '=';
    if (name.n == 0 || !is_alnum(name.p[0]) || name.n > EXTENSION_NAME_MAX || !has_equals) {
        cursor->at = start;
        return FAIL_AT(cursor, e, "\"%s\" is no field; write NAME=VALUE, as in id=20260602",
                       rest_of(cursor).text);
    }
    cursor->at++;
    size_t value_start = cursor->at;
    struct bytes value = take_while(cursor, is_value_char);
    if (value.n == 0) {
        return FAIL_AT(cursor, e, "\"%.*s\" has no value; give it one", BYTES_ARG(name));
    }
    if (!bytes_equal(name, BYTES("id"))) {
        record->has_extension = true;
        return true;
    }
    if (record->id.n != 0) {
        record->repeated_id = true; /* the grammar has any number; each is checked */
    } else {
        record->id = value;
    }
    return check_id(cursor, value_start, value, e);
}

static bool take_fields(struct cursor *cursor, struct sts_record *record, struct error *e)
{
    while (!at_end(cursor)) {
        skip_space(cursor);
        if (at_end(cursor) || cursor->text.p[cursor->at] != ';') {
            return FAIL_AT(cursor, e, "\"%s\" where a semicolon should be; write v=STSv1; id=ID;",
                           rest_of(cursor).text);
        }
        size_t delimiter = cursor->at++;
        skip_space(cursor);
        if (at_end(cursor)) {
            break;
        }
        if (cursor->text.p[cursor->at] == ';') {
            cursor->at = delimiter;
            return FAIL_AT(cursor, e, "two semicolons with nothing between; leave one out");
        }
        if (!take_field(cursor, record, e)) {
            return false;
        }
    }
    return true;
}

bool sts_record_is_one(struct bytes text)
{
    return bytes_starts_with(text, BYTES("v=STSv1;"));
}

bool sts_record_parse(struct bytes text, struct sts_record *ret_record, struct error *e)
{
    if (text.n > STS_RECORD_TEXT_MAX) {
        return error_set(e, ERROR_LIMIT, "a record of %zu octets; at most %d are read", text.n,
                         STS_RECORD_TEXT_MAX);
    }
    struct cursor cursor = {.text = text};
    if (!sts_record_is_one(text)) {
        return FAIL_AT(&cursor, e,
                       "\"%s\" does not begin with v=STSv1; (case and semicolon count), so senders "
                       "pass it over; write v=STSv1; id=ID;",
                       dns_name_show(text).text);
    }
    cursor.at = BYTES("v=STSv1").n;
    struct sts_record record = {.usual = false};
    if (!take_fields(&cursor, &record, e)) {
        return false;
    }
    if (record.id.n == 0) {
        return FAIL_AT(&cursor, e, "there is no id; add one, as in v=STSv1; id=20260602;");
    }
    static const struct bytes front = {"v=STSv1; id=", 12};
    record.usual = text.n == front.n + record.id.n + 1 && bytes_starts_with(text, front) &&
                   text.p[text.n - 1] == ';';
    *ret_record = record;
    return true;
}

bool sts_record_choose(const struct bytes *texts, size_t count, struct sts_record *ret_record,
                       struct error *e)
{
    const struct bytes *chosen = NULL;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (sts_record_is_one(texts[i])) {
            chosen = &texts[i];
            found++;
        }
    }
    if (found == 0) {
        return error_set(e, ERROR_NOT_FOUND,
                         "no TXT record begins with v=STSv1; (of %zu): there is no policy: publish "
                         "one record v=STSv1; id=ID;",
                         count);
    }
    if (found > 1) {
        return error_set(e, ERROR_CONFLICT,
                         "%zu STSv1 records where there may be one, which senders take for none "
                         "(RFC 8461, section 3.1); remove the old one",
                         found);
    }
    return sts_record_parse(*chosen, ret_record, e);
}

const char *sts_record_doubt(const struct sts_record *record)
{
    if (record->repeated_id) {
        return "there is more than one id, and readers differ on which counts; leave one";
    }
    if (record->has_extension) {
        return "some readers know no field but id; leave the others out";
    }
    if (!record->usual) {
        return "not every reader takes white space other than the one space, or a record without "
               "the last semicolon; write v=STSv1; id=ID;";
    }
    return NULL;
}
