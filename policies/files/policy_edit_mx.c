#include <ctype.h>
#include <stdlib.h>

#include "policies/files/edit_text.h"
#include "policies/files/policy_edit_place.h"

static void add_pattern(struct policy_edit_mx *mx, struct bytes pattern)
{
    ARRAY_GROW(mx->items, mx->count, mx->capacity);
    mx->items[mx->count++] = pattern;
}

void policy_edit_mx_of(const struct policy *policy, struct policy_edit_mx *ret_mx)
{
    struct policy_edit_mx mx = {0};
    size_t cursor = 0;
    struct bytes pattern;
    while (policy_next_mx(policy, &cursor, &pattern)) {
        add_pattern(&mx, pattern);
    }
    *ret_mx = mx;
}

void policy_edit_mx_clear(struct policy_edit_mx *mx)
{
    free(mx->items);
    *mx = (struct policy_edit_mx){0};
}

/* A star begins an alias, and a name without a dot may be a word of YAML's own. */
static char *pattern_text(struct bytes pattern, bool quoted)
{
    bool plain = !quoted && isalnum((unsigned char)pattern.p[0]) &&
                 memchr(pattern.p, '.', pattern.n) != NULL;
    return memory_printf(plain ? "%.*s" : "\"%.*s\"", BYTES_ARG(pattern));
}

static char *join(const struct bytes *patterns, size_t count, bool quoted)
{
    char *list = memory_string("");
    for (size_t i = 0; i < count; i++) {
        CLEANUP_FREE char *before = list;
        CLEANUP_FREE char *pattern = pattern_text(patterns[i], quoted);
        list = memory_printf("%s%s%s", before, i == 0 ? "" : ", ", pattern);
    }
    return list;
}

char *policy_edit_mx_list(const struct policy *policy, bool quoted)
{
    CLEANUP(policy_edit_mx_clear) struct policy_edit_mx mx;
    policy_edit_mx_of(policy, &mx);
    CLEANUP_FREE char *list = join(mx.items, mx.count, quoted);
    return memory_printf("[%s]", list);
}

/* The list as it stands, and what becomes of it. */
struct list {
    struct bytes text;
    const struct yaml_node *node;
    bool *gone; /* for each item */
    size_t kept;
    const struct bytes *added;
    size_t added_count;
    bool quoted;
};

static bool is_in(struct bytes name, const struct policy_edit_mx *mx)
{
    for (size_t i = 0; i < mx->count; i++) {
        if (bytes_equal(mx->items[i], name)) {
            return true;
        }
    }
    return false;
}

static bool error_item(const struct yaml_place *place, struct error *e)
{
    return error_at_place(
        e, place, ERROR_CONFLICT,
        "this mx list cannot be edited here; write one host on each line, without "
        "anchors, aliases and blocks of text");
}

/* --- In brackets --- */

static bool has_comment(struct bytes text, size_t start, size_t end)
{
    return memchr(text.p + start, '#', end - start) != NULL;
}

/* Items FIRST to LAST, and a comma. */
static bool remove_run(const struct list *list, size_t first, size_t last,
                       struct policy_edit_splices *splices, struct error *e)
{
    struct yaml_node *const *items = list->node->items;
    size_t start = first > 0 ? items[first - 1]->end.offset : items[0]->start.offset;
    size_t end = first > 0 || last + 1 == list->node->count ? items[last]->end.offset
                                                            : items[last + 1]->start.offset;
    if (has_comment(list->text, start, end)) {
        return error_at_place(e, &items[first]->start, ERROR_CONFLICT,
                              "a comment stands beside this mx, within the brackets; remove the mx "
                              "by hand");
    }
    policy_edit_splice_add(splices, start, end - start, memory_string(""));
    return true;
}

static bool edit_flow(const struct list *list, struct policy_edit_splices *splices, struct error *e)
{
    const struct yaml_node *node = list->node;
    for (size_t i = 0; i < node->count; i++) {
        size_t last = i;
        while (list->gone[i] && last + 1 < node->count && list->gone[last + 1]) {
            last++;
        }
        if (list->gone[i] && !remove_run(list, i, last, splices, e)) {
            return false;
        }
        i = last;
    }
    if (list->added_count != 0) {
        CLEANUP_FREE char *added = join(list->added, list->added_count, list->quoted);
        size_t at =
            node->count != 0 ? node->items[node->count - 1]->end.offset : node->start.offset + 1;
        policy_edit_splice_add(splices, at, 0,
                               memory_printf("%s%s", list->kept != 0 ? ", " : "", added));
    }
    return true;
}

/* --- One on each line --- */

/* What stands before ITEM on its line: spaces, a dash, spaces. */
static bool find_bullet(const struct list *list, const struct yaml_node *item,
                        struct bytes *ret_bullet, struct error *e)
{
    size_t start = edit_line_start(list->text, item->start.offset);
    struct bytes bullet = {list->text.p + start, item->start.offset - start};
    size_t dashes = 0;
    for (size_t i = 0; i < bullet.n; i++) {
        dashes += bullet.p[i] == '-';
        if (bullet.p[i] != '-' && bullet.p[i] != ' ') {
            return error_item(&item->start, e);
        }
    }
    if (dashes != 1) {
        return error_item(&item->start, e);
    }
    *ret_bullet = bullet;
    return true;
}

static bool remove_line(const struct list *list, const struct yaml_node *item,
                        struct policy_edit_splices *splices, struct error *e)
{
    struct bytes text = list->text;
    struct bytes bullet;
    if (!find_bullet(list, item, &bullet, e)) {
        return false;
    }
    size_t start = (size_t)(bullet.p - text.p);
    struct bytes line_end = edit_line_end(text, item->end.offset);
    if (line_end.n == 0 && start > 0) {
        /* The last line has no end; then the one before it has none. */
        start -= start > 1 && text.p[start - 1] == '\n' && text.p[start - 2] == '\r' ? 2 : 1;
    }
    size_t end = (size_t)(line_end.p - text.p) + line_end.n;
    policy_edit_splice_add(splices, start, end - start, memory_string(""));
    return true;
}

static bool add_lines(const struct list *list, struct policy_edit_splices *splices, struct error *e)
{
    const struct yaml_node *last = list->node->items[list->node->count - 1];
    struct bytes bullet;
    if (!find_bullet(list, last, &bullet, e)) {
        return false;
    }
    struct bytes line_end = edit_line_end(list->text, last->end.offset);
    struct bytes lead = {0};
    if (line_end.n == 0) {
        lead = edit_line_end(list->text, list->node->start.offset);
        size_t start = (size_t)(bullet.p - list->text.p);
        lead = lead.n != 0 ? lead : edit_line_end(list->text, start > 1 ? start - 2 : 0);
    }
    size_t offset = (size_t)(line_end.p - list->text.p) + line_end.n;
    for (size_t i = 0; i < list->added_count; i++) {
        CLEANUP_FREE char *pattern = pattern_text(list->added[i], list->quoted);
        policy_edit_splice_add(splices, offset, 0,
                               memory_printf("%.*s%.*s%s%.*s", BYTES_ARG(lead), BYTES_ARG(bullet),
                                             pattern, BYTES_ARG(line_end)));
    }
    return true;
}

static bool edit_block(const struct list *list, struct policy_edit_splices *splices,
                       struct error *e)
{
    const struct yaml_node *node = list->node;
    if (list->kept + list->added_count == 0) {
        return error_at_place(e, &node->start, ERROR_CONFLICT,
                              "no mx would stay in this list; remove it by hand, with its key");
    }
    for (size_t i = 0; i < node->count; i++) {
        if (list->gone[i] && !remove_line(list, node->items[i], splices, e)) {
            return false;
        }
    }
    return list->added_count == 0 || add_lines(list, splices, e);
}

/* --- Both --- */

static bool items_are_simple(const struct list *list, struct error *e)
{
    for (size_t i = 0; i < list->node->count; i++) {
        const struct yaml_node *item = list->node->items[i];
        if (item->anchored || item->kind != YAML_SCALAR || edit_is_block_scalar(list->text, item)) {
            return error_item(&item->start, e);
        }
    }
    return true;
}

static bool edit_list(struct list *list, const struct policy_edit_mx *before,
                      const struct policy_edit_mx *meant, struct policy_edit_splices *splices,
                      struct error *e)
{
    CLEANUP_FREE bool *gone = memory_zero(before->count + 1, sizeof(*gone));
    for (size_t i = 0; i < before->count; i++) {
        gone[i] = !is_in(before->items[i], meant);
        list->kept += !gone[i];
    }
    const struct yaml_node *node = list->node;
    list->gone = gone;
    list->added_count = meant->count - list->kept;
    list->added = list->added_count != 0 ? meant->items + list->kept : NULL;
    list->quoted = node->count != 0 && list->text.p[node->items[0]->start.offset] == '"';
    return items_are_simple(list, e) &&
           (node->flow ? edit_flow(list, splices, e) : edit_block(list, splices, e));
}

/* One host, not in a list. */
static bool edit_single(struct bytes text, const struct yaml_pair *pair, const struct policy *meant,
                        struct policy_edit_splices *splices, struct error *e)
{
    const struct yaml_node *node = pair->value;
    if (edit_is_block_scalar(text, node) || node->end.offset == node->start.offset) {
        return error_item(&pair->value_place, e);
    }
    policy_edit_splice_add(splices, node->start.offset, node->end.offset - node->start.offset,
                           policy_edit_mx_list(meant, text.p[node->start.offset] == '"'));
    return true;
}

bool policy_edit_place_mx(struct bytes text, const struct yaml_pair *pair,
                          const struct policy *before, const struct policy *meant,
                          struct policy_edit_splices *splices, struct error *e)
{
    const struct yaml_node *node = pair->value;
    if (pair->value_is_alias || node->anchored) {
        return error_at_place(e, &pair->value_place, ERROR_CONFLICT,
                              "this list is shared through an alias (& and *); write it out");
    }
    if (node->kind == YAML_SCALAR) {
        return edit_single(text, pair, meant, splices, e);
    }
    CLEANUP(policy_edit_mx_clear) struct policy_edit_mx old;
    CLEANUP(policy_edit_mx_clear) struct policy_edit_mx new;
    policy_edit_mx_of(before, &old);
    policy_edit_mx_of(meant, &new);
    struct list list = {.text = text, .node = node};
    return edit_list(&list, &old, &new, splices, e);
}
