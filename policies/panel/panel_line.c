#include "panel_line.h"

#include <inttypes.h>

#include "lib/base/shown.h"
#include "lib/yaml/fields.h"
#include "policies/files/policy_file_entry.h"
#include "policies/model/mx_pattern.h"

/* --- Options --- */

static bool read_policy(struct panel_edit *edit, struct bytes value, struct error *e)
{
    return policy_file_name_normalise(value, &edit->shared, e);
}

static bool has_mx(const struct panel_edit *edit, const struct dns_name *pattern)
{
    for (size_t i = 0; i < edit->mx_count; i++) {
        if (bytes_equal(dns_name_bytes(&edit->mx[i]), dns_name_bytes(pattern))) {
            return true;
        }
    }
    return false;
}

static bool add_mx(struct panel_edit *edit, struct bytes host, struct error *e)
{
    struct dns_name pattern;
    if (!mx_pattern_normalise(host, &pattern, e)) {
        return error_prefix(e, "mx \"%s\": ", shown(host).text);
    }
    if (has_mx(edit, &pattern)) {
        return true;
    }
    if (edit->mx_count == PANEL_MX_MAX) {
        return error_set(e, ERROR_LIMIT, "more than %d mx patterns; use some that cover more hosts",
                         PANEL_MX_MAX);
    }
    edit->mx = memory_resize(edit->mx, edit->mx_count + 1, sizeof(edit->mx[0]));
    edit->mx[edit->mx_count++] = pattern;
    return true;
}

/* Hosts joined by commas. */
static bool read_mx(struct panel_edit *edit, struct bytes value, struct error *e)
{
    do {
        const char *comma = memchr(value.p, ',', value.n);
        struct bytes host = {value.p, comma != NULL ? (size_t)(comma - value.p) : value.n};
        if (!add_mx(edit, host, e)) {
            return false;
        }
        value = bytes_skip(value, host.n + 1);
    } while (value.n != 0);
    return true;
}

static bool read_mode(struct panel_edit *edit, struct bytes value, struct error *e)
{
    if (bytes_equal(value, BYTES("none"))) {
        return error_set(e, ERROR_SYNTAX,
                         "mode none is on its way out here; `remove` the domain instead");
    }
    edit->set_mode = true;
    return policy_mode_parse(value, &edit->mode) ||
           error_set(e, ERROR_SYNTAX, "\"%s\" is no mode; write testing or enforce",
                     shown(value).text);
}

static bool read_max_age(struct panel_edit *edit, struct bytes value, struct error *e)
{
    int64_t seconds = 0;
    if (!fields_parse_duration_s(value, &seconds) || seconds > POLICY_MAX_AGE_MAX) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" is no max_age; write a duration of at most %d seconds, as 1d",
                         shown(value).text, POLICY_MAX_AGE_MAX);
    }
    edit->set_max_age = true;
    edit->max_age_s = (uint32_t)seconds;
    return true;
}

bool panel_edit_read_option(struct panel_edit *edit, struct bytes name, struct bytes value,
                            struct error *e)
{
    static const struct {
        const char *name;
        bool (*read)(struct panel_edit *edit, struct bytes value, struct error *e);
    } OPTIONS[] = {
        {"policy", read_policy},
        {"mx", read_mx},
        {"mode", read_mode},
        {"max-age", read_max_age},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(OPTIONS); i++) {
        if (bytes_equal(name, bytes_of(OPTIONS[i].name))) {
            return OPTIONS[i].read(edit, value, e);
        }
    }
    return error_set(e, ERROR_SYNTAX,
                     "\"--%s\" is no option here; write --policy, --mx, --mode or "
                     "--max-age",
                     shown(name).text);
}

bool panel_edit_check(const struct panel_edit *edit, struct error *e)
{
    bool shared = edit->shared.n != 0;
    bool terms = edit->mx_count != 0 || edit->set_mode || edit->set_max_age;
    bool removes = edit->verb != PANEL_ADD && edit->verb != PANEL_SET;
    if (removes) {
        return (!shared && !terms) ||
               error_set(e, ERROR_SYNTAX, "a domain that is removed takes no options");
    }
    if (shared && terms) {
        return error_set(e, ERROR_SYNTAX,
                         "--policy names a shared policy, whose terms are its own; leave out --mx, "
                         "--mode and --max-age");
    }
    if (edit->verb == PANEL_ADD && edit->set_mode) {
        return error_set(e, ERROR_SYNTAX,
                         "a new domain begins in testing; `set` its mode when reports are clean");
    }
    return shared || edit->mx_count != 0 || (edit->verb == PANEL_SET && terms) ||
           error_set(e, ERROR_SYNTAX, "say what policy it has: --policy NAME, or --mx HOST%s",
                     edit->verb == PANEL_SET ? ", --mode, --max-age" : "");
}

/* --- Lines --- */

struct line {
    struct bytes text;
    size_t at; /* octets that are read */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* False: there is none. */
static bool next_word(struct line *line, struct bytes *ret_word)
{
    while (line->at < line->text.n && is_blank(line->text.p[line->at])) {
        line->at++;
    }
    size_t start = line->at;
    while (line->at < line->text.n && !is_blank(line->text.p[line->at])) {
        line->at++;
    }
    *ret_word = (struct bytes){line->text.p + start, line->at - start};
    return line->at != start;
}

static bool fail_at(const struct line *line, struct bytes word, struct error *e)
{
    e->column = (unsigned)(word.p - line->text.p) + 1;
    return false;
}

static bool read_options(struct line *line, struct panel_edit *edit, struct error *e)
{
    struct bytes name;
    struct bytes value;
    while (next_word(line, &name)) {
        if (!bytes_starts_with(name, BYTES("--"))) {
            error_format(e, ERROR_SYNTAX, "\"%s\" is no option; write one domain a line",
                         shown(name).text);
            return fail_at(line, name, e);
        }
        if (!next_word(line, &value)) {
            error_format(e, ERROR_SYNTAX, "\"%s\" wants a value behind it", shown(name).text);
            return fail_at(line, name, e);
        }
        if (!panel_edit_read_option(edit, bytes_skip(name, 2), value, e)) {
            return fail_at(line, value, e);
        }
    }
    return true;
}

/* What the line leaves open. */
static void complete(struct panel_edit *edit, const struct panel_edit *pattern)
{
    if (pattern == NULL || edit->shared.n != 0 || edit->mx_count != 0) {
        return;
    }
    edit->shared = pattern->shared;
    for (size_t i = 0; i < pattern->mx_count; i++) {
        struct error ignored;
        (void)!add_mx(edit, dns_name_bytes(&pattern->mx[i]), &ignored);
    }
    if (!edit->set_max_age && pattern->set_max_age) {
        edit->set_max_age = true;
        edit->max_age_s = pattern->max_age_s;
    }
}

static bool read_line(struct line *line, struct bytes domain, const struct panel_edit *pattern,
                      struct panel_edit *edit, struct error *e)
{
    if (!policy_file_normalise_domain(domain, &edit->domain, e)) {
        return fail_at(line, domain, e);
    }
    if (!read_options(line, edit, e)) {
        return false;
    }
    complete(edit, pattern);
    return panel_edit_check(edit, e) || fail_at(line, domain, e);
}

/* One line of the text; the edit may be taken back by the caller. */
static bool take_line(struct bytes text, enum panel_verb verb, const struct panel_edit *pattern,
                      unsigned number, struct panel_edits *edits, struct error *e)
{
    struct bytes domain;
    struct line line = {.text = text};
    if (text.n > PANEL_LINE_MAX) {
        return error_set(e, ERROR_LIMIT, "a line of over %d octets; make it shorter",
                         PANEL_LINE_MAX);
    }
    if (!next_word(&line, &domain) || domain.p[0] == '#') {
        return true;
    }
    if (edits->count == PANEL_EDITS_MAX) {
        return error_set(e, ERROR_LIMIT, "more than %d domains; make several batches of them",
                         PANEL_EDITS_MAX);
    }
    struct panel_edit *edit = panel_edits_new(edits);
    edit->verb = verb;
    edit->line = number;
    return read_line(&line, domain, pattern, edit, e);
}

static bool count_patterns(const struct panel_edits *read, unsigned number, size_t *patterns,
                           struct error *e)
{
    const struct panel_edit *last = read->count != 0 ? &read->items[read->count - 1] : NULL;
    *patterns += last != NULL && last->line == number ? last->mx_count : 0;
    return *patterns <= PANEL_MX_SUM_MAX ||
           error_set(
               e, ERROR_LIMIT,
               "more than %d mx patterns in one batch; make several of it, or a shared policy",
               PANEL_MX_SUM_MAX);
}

bool panel_lines_parse(struct bytes text, enum panel_verb verb, const struct panel_edit *pattern,
                       struct panel_edits *edits, struct error *e)
{
    struct panel_edits read = {0};
    *e = (struct error){0};
    if (text.n > PANEL_TEXT_MAX) {
        return error_set(e, ERROR_LIMIT, "a batch of over %d octets; make several of it",
                         PANEL_TEXT_MAX);
    }
    size_t patterns = 0;
    for (unsigned number = 1; text.n != 0; number++) {
        const char *end = memchr(text.p, '\n', text.n);
        struct bytes line = {text.p, end != NULL ? (size_t)(end - text.p) : text.n};
        if (!take_line(line, verb, pattern, number, &read, e) ||
            !count_patterns(&read, number, &patterns, e)) {
            e->line = number;
            e->column = e->column != 0 ? e->column : 1;
            panel_edits_clear(&read);
            return false;
        }
        text = bytes_skip(text, line.n + 1);
    }
    for (size_t i = 0; i < read.count; i++) {
        *panel_edits_new(edits) = read.items[i];
    }
    free(read.items);
    return true;
}

void panel_line_print(const struct panel_edit *edit, struct buffer *out)
{
    buffer_add(out, dns_name_bytes(&edit->domain));
    if (edit->shared.n != 0) {
        buffer_printf(out, " --policy %s", edit->shared.text);
    }
    for (size_t i = 0; i < edit->mx_count; i++) {
        buffer_printf(out, "%s%s", i == 0 ? " --mx " : ",", edit->mx[i].text);
    }
    if (edit->set_mode) {
        buffer_printf(out, " --mode %s", policy_mode_name(edit->mode));
    }
    if (edit->set_max_age) {
        buffer_printf(out, " --max-age %" PRIu32 "s", edit->max_age_s);
    }
    buffer_add(out, BYTES("\n"));
}
