#include "panel_list.h"

#include "lib/base/diagnostics.h"

enum { PIECE_DOMAINS = 1000, PIECE_MAX = 64 * 1024 * 1024 };

struct list {
    const struct panel_source *source;
    void (*visit)(const struct policy_file_entry *entry, void *context);
    void *context;
    struct buffer text; /* read and not yet taken */
    size_t taken;       /* octets of it that are */
    bool at_end;
    struct buffer piece; /* "domains:" and whole domains */
    size_t domains;      /* in it */
    size_t indentation;  /* of a domain; 0: none was seen yet */
    unsigned line;       /* of the file */
    unsigned piece_line; /* of the piece's first domain */
};

/* False: there is none. With its line end, where it has one. */
static bool next_line(struct list *list, struct bytes *ret_line, struct error *e)
{
    for (;;) {
        struct bytes rest = bytes_skip(buffer_bytes(&list->text), list->taken);
        const char *end = memchr(rest.p, '\n', rest.n);
        if (end != NULL || list->at_end) {
            *ret_line = (struct bytes){rest.p, end != NULL ? (size_t)(end - rest.p) + 1 : rest.n};
            list->taken += ret_line->n;
            list->line++;
            return ret_line->n != 0;
        }
        struct buffer more = BUFFER(POLICY_FILE_MAX);
        buffer_add(&more, rest);
        buffer_clear(&list->text);
        list->text = more;
        list->taken = 0;
        if (!list->source->read(&list->text, &list->at_end, e, list->source->context)) {
            return false;
        }
    }
}

static bool give_piece(struct list *list, struct error *e)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    CLEANUP(policy_file_clear) struct policy_file file = {0};
    if (list->domains == 0) {
        return true;
    }
    if (!policy_file_parse(buffer_bytes(&list->piece), list->source->path, &list->source->defaults,
                           &file, &d)) {
        return error_set(e, ERROR_SYNTAX, "%s:%u:%u: %s", list->source->path,
                         list->piece_line + d.items[0].line - 2, d.items[0].column,
                         d.items[0].text);
    }
    for (size_t i = 0; i < file.domain_count; i++) {
        list->visit(&file.domains[i], list->context);
    }
    list->domains = 0;
    return true;
}

static size_t indentation_of(struct bytes line)
{
    size_t n = 0;
    while (n < line.n && line.p[n] == ' ') {
        n++;
    }
    return n;
}

static bool is_idle(struct bytes line)
{
    struct bytes rest = bytes_trim(line);
    return rest.n == 0 || rest.p[0] == '#' || rest.p[0] == '\r' || rest.p[0] == '\n';
}

static bool add_line(struct list *list, struct bytes line, struct error *e)
{
    size_t indentation = indentation_of(line);
    list->indentation = list->indentation != 0 ? list->indentation : indentation;
    bool begins = indentation <= list->indentation;
    if (begins && list->domains == PIECE_DOMAINS && !give_piece(list, e)) {
        return false;
    }
    if (list->domains == 0) {
        buffer_reset(&list->piece);
        buffer_add(&list->piece, BYTES("domains:\n"));
        list->piece_line = list->line;
    }
    list->domains += begins;
    buffer_add(&list->piece, line);
    return !list->piece.overflow ||
           error_set(e, ERROR_LIMIT,
                     "%s: domains of over %d octets; write each on a line of its own",
                     list->source->path, PIECE_MAX);
}

/* Up to the next key of the file. */
static bool list_section(struct list *list, struct error *e)
{
    struct bytes line;
    while (next_line(list, &line, e)) {
        if (is_idle(line)) {
            list->piece_line += list->domains == 0;
            continue;
        }
        if (indentation_of(line) == 0) {
            break;
        }
        if (!add_line(list, line, e)) {
            return false;
        }
    }
    return e->code == ERROR_NONE && give_piece(list, e);
}

/* Domains in braces: there are few, or somebody wrote them by hand. */
static bool list_flow(struct list *list, struct bytes first, struct error *e)
{
    struct bytes line;
    buffer_reset(&list->piece);
    buffer_add(&list->piece, first);
    while (next_line(list, &line, e)) {
        buffer_add(&list->piece, line);
    }
    list->domains = 1;
    list->piece_line = 2;
    return e->code == ERROR_NONE && give_piece(list, e);
}

static bool find_domains(struct list *list, struct error *e)
{
    struct bytes line;
    struct bytes key = BYTES("domains:");
    while (next_line(list, &line, e)) {
        if (bytes_starts_with(line, key)) {
            return is_idle(bytes_skip(line, key.n)) ? list_section(list, e)
                                                    : list_flow(list, line, e);
        }
    }
    return e->code == ERROR_NONE;
}

bool panel_list_each(const struct panel_source *source,
                     void (*visit)(const struct policy_file_entry *entry, void *context),
                     void *context, struct error *e)
{
    struct list list = {.source = source,
                        .visit = visit,
                        .context = context,
                        .text = BUFFER(POLICY_FILE_MAX),
                        .piece = BUFFER(PIECE_MAX)};
    *e = (struct error){0};
    bool good = find_domains(&list, e);
    buffer_clear(&list.text);
    buffer_clear(&list.piece);
    return good;
}
