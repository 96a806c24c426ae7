#include "yaml_error.h"

#include <yaml.h>

#include "lib/base/shown.h"
#include "yaml_position.h"

/* Where an explanation points. */
enum at { AT_PROBLEM, AT_CONTEXT };

struct explanation {
    const char *problem; /* libyaml's, in full */
    const char *context; /* NULL: any */
    enum at at;
    const char *text;
};

/* The first row that fits counts. */
static const struct explanation EXPLANATIONS[] = {
    {"did not find expected alphabetic or numeric character", "while scanning an alias", AT_CONTEXT,
     "'*' begins an alias in YAML; put this in quotes"},
    {"did not find expected alphabetic or numeric character", "while scanning an anchor",
     AT_CONTEXT, "'&' begins an anchor in YAML; put this in quotes"},
    {"found a tab character that violates indentation", NULL, AT_PROBLEM,
     "a tab in the indentation; YAML wants spaces there"},
    {"found a tab character where an indentation space is expected", NULL, AT_PROBLEM,
     "a tab in the indentation; YAML wants spaces there"},
    {"could not find expected ':'", NULL, AT_CONTEXT,
     "a key without ':' after it; write KEY: VALUE, or put a text of several lines in quotes"},
    {"mapping values are not allowed in this context", NULL, AT_PROBLEM,
     "a ':' cannot stand here; put the value in quotes, or mend the indentation"},
    {"mapping keys are not allowed in this context", NULL, AT_PROBLEM,
     "a '?' cannot stand here; put the value in quotes"},
    {"block sequence entries are not allowed in this context", NULL, AT_PROBLEM,
     "a list cannot begin here; put its first '-' on a line of its own, or write [A, B]"},
    {"found unexpected end of stream", "while scanning a quoted scalar", AT_CONTEXT,
     "this quote is never closed; close it"},
    {"found unexpected document indicator", "while scanning a quoted scalar", AT_CONTEXT,
     "this quote is not closed before the next '---' or '...'; close it"},
    {"found unknown escape character", NULL, AT_PROBLEM,
     "an escape that YAML does not know; write \\\\ for a backslash, or use single quotes"},
    {"did not find expected hexdecimal number", NULL, AT_PROBLEM,
     "an escape without its hexadecimal digits; write \\xNN, \\uNNNN or \\UNNNNNNNN"},
    {"found invalid Unicode character escape code", NULL, AT_PROBLEM,
     "an escape of no Unicode character; write the character itself"},
    {"found unexpected ':'", NULL, AT_PROBLEM,
     "a ':' cannot stand here within brackets; put the value in quotes"},
    {"found undefined tag handle", NULL, AT_PROBLEM,
     "'!' begins a tag in YAML; put this in quotes"},
    {"did not find expected <document start>", NULL, AT_PROBLEM,
     "what stands above is complete already; mend the indentation of this line, or remove the "
     "'...' above it"},
    {"found incompatible YAML document", NULL, AT_PROBLEM,
     "a %YAML line with a version that is not read; remove it, it is not needed"},
    {"did not find expected node content", NULL, AT_PROBLEM,
     "a value is expected here; write one, or put it in quotes"},
    {"did not find expected comment or line break", NULL, AT_PROBLEM,
     "after '|' or '>' the text begins on the next line; move it there"},
    {"found an indentation indicator equal to 0", NULL, AT_PROBLEM,
     "an indentation of 0 after '|' or '>'; leave the number out"},
};

/* Rows that match by context alone. */
static const struct explanation BY_CONTEXT[] = {
    {NULL, "while scanning a tag", AT_CONTEXT, "'!' begins a tag in YAML; put this in quotes"},
    {NULL, "while parsing a tag", AT_CONTEXT, "'!' begins a tag in YAML; put this in quotes"},
    {NULL, "while scanning a directive", AT_CONTEXT,
     "'%' begins a directive in YAML; put this in quotes"},
    {NULL, "while scanning a %YAML directive", AT_CONTEXT,
     "a broken %YAML line; remove it, it is not needed"},
    {NULL, "while scanning a %TAG directive", AT_CONTEXT,
     "a %TAG line; remove it, tags are not read"},
};

static bool same(const char *wanted, const char *text)
{
    return wanted == NULL || (text != NULL && strcmp(wanted, text) == 0);
}

static const struct explanation *find_explanation(const yaml_parser_t *parser)
{
    for (size_t i = 0; i < ARRAY_LENGTH(EXPLANATIONS); i++) {
        const struct explanation *row = &EXPLANATIONS[i];
        if (same(row->problem, parser->problem) && same(row->context, parser->context)) {
            return row;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(BY_CONTEXT); i++) {
        if (same(BY_CONTEXT[i].context, parser->context)) {
            return &BY_CONTEXT[i];
        }
    }
    return NULL;
}

struct report {
    const yaml_parser_t *parser;
    struct bytes text;
    const char *file;
    struct diagnostics *diagnostics;
};

#define report_error(report, place, ...)                                                           \
    diagnostics_add((report)->diagnostics, SEVERITY_ERROR, (report)->file, (place).line,           \
                    (place).column, __VA_ARGS__)

static struct yaml_place place_of(const struct report *report, const yaml_mark_t *mark)
{
    struct yaml_position position = yaml_position_start(report->text);
    return yaml_position_at_index(&position, mark->index);
}

static bool ends_word(struct bytes text, size_t i)
{
    static const struct bytes ENDS = {" \t\r\n,[]{}#", 10};
    bool colon = text.p[i] == ':' && (i + 1 == text.n || text.p[i + 1] == ' ' ||
                                      text.p[i + 1] == '\r' || text.p[i + 1] == '\n');
    return colon || memchr(ENDS.p, text.p[i], ENDS.n) != NULL;
}

/* The word that stands at OFFSET. */
static struct bytes word_at(struct bytes text, size_t offset)
{
    struct bytes rest = bytes_skip(text, offset);
    size_t n = 0;
    while (n < rest.n && !ends_word(rest, n)) {
        n++;
    }
    return (struct bytes){rest.p, n};
}

static const char JOINED[] =
    "a byte order mark within the file; remove it (were two files joined?)";

/* What the reader refuses: it has an offset instead of a mark. */
static void explain_reader(const struct report *report)
{
    const yaml_parser_t *parser = report->parser;
    struct bytes text = report->text;
    size_t offset = parser->problem_offset < text.n ? parser->problem_offset : text.n - 1;
    if (strcmp(parser->problem, "invalid trailing UTF-8 octet") == 0) {
        while (offset > 0 && (text.p[offset] & 0xc0) != 0xc0) { /* to the one that leads it */
            offset--;
        }
    }
    struct yaml_place place = yaml_position_at_offset(text, offset);
    if (strcmp(parser->problem, "control characters are not allowed") != 0) {
        report_error(report, place, "this is not UTF-8 (octet 0x%02x); save the file as UTF-8",
                     (unsigned char)text.p[offset]);
    } else if (parser->problem_value == 0) {
        report_error(report, place, "a NUL octet; save the file as UTF-8 text (is it UTF-16?)");
    } else if (parser->problem_value == 0xfeff) {
        report_error(report, place, "%s", JOINED);
    } else {
        report_error(report, place, "a control character (U+%04X); remove it",
                     (unsigned)parser->problem_value);
    }
}

/* A character that can begin nothing, or can only where it means something else. */
static bool explain_character(const struct report *report)
{
    const yaml_parser_t *parser = report->parser;
    if (strcmp(parser->problem, "found character that cannot start any token") != 0) {
        return false;
    }
    struct yaml_place place = place_of(report, &parser->problem_mark);
    struct bytes word = word_at(report->text, place.offset);
    if (place.offset < report->text.n && report->text.p[place.offset] == '\t') {
        report_error(report, place, "a tab in the indentation; YAML wants spaces there");
    } else {
        report_error(report, place,
                     "a value cannot begin with '%.1s' in YAML; put it in quotes: \"%s\"",
                     shown(word).text, shown(word).text);
    }
    return true;
}

/* The text from the beginning of PLACE's line to PLACE. */
static struct bytes line_before(struct bytes text, struct yaml_place place)
{
    size_t begin = place.offset;
    while (begin > 0 && text.p[begin - 1] != '\n') {
        begin--;
    }
    return (struct bytes){text.p + begin, place.offset - begin};
}

/* In a block, what follows does not fit: because of its own indentation, or because a value before
 * it on the line has ended. */
static void explain_block(const struct report *report, const char *name, struct yaml_place begin,
                          struct yaml_place place)
{
    struct bytes before = line_before(report->text, place);
    if (bytes_starts_with(before, BYTES("\xef\xbb\xbf"))) {
        report_error(report, place, "%s", JOINED);
        return;
    }
    for (size_t i = 0; i < before.n; i++) {
        if (before.p[i] != ' ') {
            report_error(report, place,
                         "the value before this has ended; begin a new line, or put all of it in "
                         "one pair of quotes");
            return;
        }
    }
    report_error(report, place,
                 "this does not belong to the %s that begins at %u:%u; mend the indentation, or "
                 "the quotes and brackets before it",
                 name, begin.line, begin.column);
}

/* A ',' and then nothing more: libyaml does not say which bracket is open. */
static bool explain_end(const struct report *report)
{
    const yaml_parser_t *parser = report->parser;
    struct yaml_place place = place_of(report, &parser->problem_mark);
    bool at_end =
        same("while parsing a flow node", parser->context) && place.offset >= report->text.n;
    if (at_end) {
        report_error(report, place, "the file ends within brackets; close them");
    }
    return at_end;
}

/* A collection that does not go on or end as it began. */
static bool explain_collection(const struct report *report)
{
    static const struct {
        const char *context;
        const char *name;
        char closing; /* '\0': a block */
    } ROWS[] = {
        {"while parsing a flow sequence", "[", ']'},
        {"while parsing a flow mapping", "{", '}'},
        {"while parsing a block mapping", "mapping", '\0'},
        {"while parsing a block collection", "list", '\0'},
    };
    const yaml_parser_t *parser = report->parser;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        if (!same(ROWS[i].context, parser->context)) {
            continue;
        }
        struct yaml_place begin = place_of(report, &parser->context_mark);
        struct yaml_place place = place_of(report, &parser->problem_mark);
        if (ROWS[i].closing == '\0') {
            explain_block(report, ROWS[i].name, begin, place);
        } else if (place.offset >= report->text.n) {
            report_error(report, begin, "this '%s' is never closed; add the '%c'", ROWS[i].name,
                         ROWS[i].closing);
        } else {
            report_error(report, place,
                         "a ',' or '%c' is expected here, for the '%s' at %u:%u; close it, or "
                         "put ',' between its values",
                         ROWS[i].closing, ROWS[i].name, begin.line, begin.column);
        }
        return true;
    }
    return false;
}

void yaml_error_explain(const struct yaml_parser_s *parser, struct bytes text, const char *file,
                        struct diagnostics *d)
{
    struct report report = {parser, text, file, d};
    if (parser->error == YAML_MEMORY_ERROR || parser->problem == NULL) {
        abort(); /* out of memory */
    }
    if (parser->error == YAML_READER_ERROR) {
        explain_reader(&report);
        return;
    }
    if (explain_end(&report)) {
        return;
    }
    const struct explanation *row = find_explanation(parser);
    if (row == NULL) {
        if (!explain_character(&report) && !explain_collection(&report)) {
            report_error(&report, place_of(&report, &parser->problem_mark),
                         "%s; mend the indentation, quotes or brackets before this",
                         parser->problem);
        }
        return;
    }
    bool at_context = row->at == AT_CONTEXT && parser->context != NULL;
    struct yaml_place place =
        place_of(&report, at_context ? &parser->context_mark : &parser->problem_mark);
    struct bytes word = word_at(text, place.offset);
    bool show_word = bytes_ends_with(bytes_of(row->text), BYTES("put this in quotes")) &&
                     word.n > 1 && memchr(word.p, '"', word.n) == NULL;
    report_error(&report, place, "%s%s%s%s", row->text, show_word ? ": \"" : "",
                 show_word ? shown(word).text : "", show_word ? "\"" : "");
}
