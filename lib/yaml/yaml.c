#include "lib/yaml/yaml.h"

#include <assert.h>
#include <limits.h>
#include <search.h>

#include <yaml.h>

#include "lib/base/shown.h"
#include "yaml_error.h"
#include "yaml_position.h"

#define obstack_chunk_alloc memory_alloc
#define obstack_chunk_free  free

enum { CHUNK_OCTETS = 16 * 1024 };

/* An obstack's lengths are ints; a pair stands for two nodes at least. */
static_assert(YAML_NODES_MAX / 2 * sizeof(struct yaml_pair) <= INT_MAX, "too much for an obstack");

/* What an alias may name. Kept in a tree by name (tsearch), so that no choice of names is slow. */
struct anchor {
    const char *name;
    struct yaml_node *node;
    bool complete;   /* its end has been seen */
    size_t nodes;    /* in it, aliases expanded */
    unsigned height; /* levels of collections in it, itself included */
};

/* A collection whose end has not been seen. */
struct frame {
    struct yaml_node *node;
    struct anchor *anchor; /* NULL: none */
    size_t first_pending;
    size_t nodes_before;
    unsigned height;
    struct yaml_node *key; /* mapping: read, its value is next */
    bool key_read;
};

struct builder {
    const char *file;
    struct diagnostics *diagnostics;
    struct yaml_position position;
    struct obstack memory;
    struct yaml_node *root;
    void *anchors;
    size_t nodes; /* so far, aliases expanded */
    unsigned documents;
    bool stopped; /* after an error that makes the rest meaningless or too costly */

    /* Frame 0 is the root's; children wait in `pending` until their collection ends. */
    struct frame frames[YAML_DEPTH_MAX];
    unsigned depth;
    struct yaml_pair *pending;
    size_t pending_count;
    size_t pending_capacity;
};

#define add_error(b, place, ...)                                                                   \
    diagnostics_add((b)->diagnostics, SEVERITY_ERROR, (b)->file, (place).line, (place).column,     \
                    __VA_ARGS__)

#define stop_with_error(b, place, ...)                                                             \
    do {                                                                                           \
        add_error(b, place, __VA_ARGS__);                                                          \
        (b)->stopped = true;                                                                       \
    } while (0)

/* glibc's macro aligns by offsets from a null pointer, which clang's sanitizer does not like. */
__attribute__((no_sanitize("pointer-overflow"))) static void *allocate(struct builder *b,
                                                                       size_t size)
{
    return obstack_alloc(&b->memory, (int)size);
}

static char *copy_text(struct builder *b, struct bytes text)
{
    char *copy = allocate(b, text.n + 1);
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return copy;
}

static struct yaml_place place_of(struct builder *b, const yaml_mark_t *mark)
{
    return yaml_position_at_index(&b->position, mark->index);
}

/* ---- anchors and aliases ---- */

static int compare_anchors(const void *left, const void *right)
{
    const struct anchor *a = left;
    const struct anchor *b = right;
    return strcmp(a->name, b->name);
}

static void keep_anchor(void *anchor)
{
    (void)anchor; /* owned by the obstack */
}

/* A name that comes again means the later node from there on (YAML 1.2 §7.1). */
static struct anchor *add_anchor(struct builder *b, const yaml_char_t *name, struct yaml_node *node)
{
    if (name == NULL) {
        return NULL;
    }
    struct anchor *anchor = allocate(b, sizeof(*anchor));
    *anchor = (struct anchor){.name = copy_text(b, bytes_of((const char *)name)), .node = node};
    node->anchored = true;

    struct anchor *const *slot = tsearch(anchor, &b->anchors, compare_anchors);
    if (slot == NULL) {
        abort(); /* out of memory */
    }
    if (*slot != anchor) {
        tdelete(anchor, &b->anchors, compare_anchors);
        if (tsearch(anchor, &b->anchors, compare_anchors) == NULL) {
            abort();
        }
    }
    return anchor;
}

/* ---- the tree ---- */

static void check_key(struct builder *b, const struct yaml_node *key, struct yaml_place place,
                      bool is_alias)
{
    if (is_alias || key->kind != YAML_SCALAR) {
        add_error(b, place,
                  "a key cannot be %s; write plain text before the ':', in quotes if it holds "
                  "special characters",
                  is_alias                    ? "an alias"
                  : key->kind == YAML_MAPPING ? "a mapping"
                                              : "a list");
    } else if (key->plain && bytes_equal(key->text, BYTES("<<"))) {
        add_error(b, place, "merge keys (<<) are not read; write the keys out");
    }
}

/* Puts a complete node (or an alias to one) where the innermost open collection wants it. */
static void attach(struct builder *b, struct yaml_node *node, struct yaml_place place,
                   bool is_alias)
{
    if (b->depth == 0) {
        b->root = node;
        return;
    }
    struct frame *frame = &b->frames[b->depth - 1];
    if (frame->node->kind == YAML_MAPPING && !frame->key_read) {
        check_key(b, node, place, is_alias);
        frame->key = node;
        frame->key_read = true;
        return;
    }
    frame->key_read = false;
    ARRAY_GROW(b->pending, b->pending_count, b->pending_capacity);
    b->pending[b->pending_count++] = (struct yaml_pair){frame->key, node, place, is_alias};
}

static struct yaml_node *new_node(struct builder *b, enum yaml_kind kind, struct yaml_place start)
{
    struct yaml_node *node = allocate(b, sizeof(*node));
    *node = (struct yaml_node){.kind = kind, .start = start};
    b->nodes++;
    return node;
}

/* A tag would change what a value means, and none does here. */
static void refuse_tag(struct builder *b, const yaml_char_t *tag, struct yaml_place place)
{
    if (tag != NULL) {
        add_error(b, place, "tags are not read; remove it, or put a value with '!' in quotes");
    }
}

static void take_scalar(struct builder *b, const yaml_event_t *event)
{
    struct yaml_place start = place_of(b, &event->start_mark);
    struct bytes value = {(const char *)event->data.scalar.value, event->data.scalar.length};
    if (value.n > YAML_SCALAR_MAX) {
        add_error(b, start, "a text of %zu octets; at most %d are allowed, shorten it", value.n,
                  YAML_SCALAR_MAX);
        value.n = 0;
    }
    if (memchr(value.p, '\0', value.n) != NULL) {
        add_error(b, start, "a text with a NUL character in it; remove the \\0");
    }
    refuse_tag(b, event->data.scalar.tag, start);

    struct yaml_node *node = new_node(b, YAML_SCALAR, start);
    node->end = place_of(b, &event->end_mark);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = (struct bytes){copy_text(b, value), value.n};
    struct anchor *anchor = add_anchor(b, event->data.scalar.anchor, node);
    if (anchor != NULL) {
        anchor->complete = true;
        anchor->nodes = 1;
    }
    attach(b, node, start, false);
}

static void begin_collection(struct builder *b, const yaml_event_t *event)
{
    bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
    struct yaml_place start = place_of(b, &event->start_mark);
    if (b->depth == YAML_DEPTH_MAX) {
        stop_with_error(b, start, "nested more than %d levels deep; nothing here needs that",
                        YAML_DEPTH_MAX);
        return;
    }
    refuse_tag(b, is_mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag,
               start);

    size_t nodes_before = b->nodes;
    struct yaml_node *node = new_node(b, is_mapping ? YAML_MAPPING : YAML_SEQUENCE, start);
    node->flow = is_mapping ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                            : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    struct anchor *anchor = add_anchor(
        b, is_mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor, node);
    b->frames[b->depth++] = (struct frame){
        .node = node,
        .anchor = anchor,
        .first_pending = b->pending_count,
        .nodes_before = nodes_before,
        .height = 1,
    };
}

static void take_children(struct builder *b, struct yaml_node *node, size_t first)
{
    node->count = b->pending_count - first;
    b->pending_count = first;
    if (node->kind == YAML_MAPPING) {
        node->pairs = allocate(b, node->count * sizeof(struct yaml_pair));
        for (size_t i = 0; i < node->count; i++) {
            node->pairs[i] = b->pending[first + i];
        }
    } else {
        node->items = allocate(b, node->count * sizeof(struct yaml_node *));
        for (size_t i = 0; i < node->count; i++) {
            node->items[i] = b->pending[first + i].value;
        }
    }
}

static void end_collection(struct builder *b, const yaml_event_t *event)
{
    struct frame *frame = &b->frames[--b->depth];
    struct yaml_node *node = frame->node;
    node->end = place_of(b, &event->end_mark);
    take_children(b, node, frame->first_pending);
    if (frame->anchor != NULL) {
        frame->anchor->complete = true;
        frame->anchor->nodes = b->nodes - frame->nodes_before;
        frame->anchor->height = frame->height;
    }
    if (b->depth != 0) {
        struct frame *parent = &b->frames[b->depth - 1];
        parent->height = parent->height > frame->height ? parent->height : frame->height + 1;
    }
    attach(b, node, node->start, false);
}

static void take_alias(struct builder *b, const yaml_event_t *event)
{
    struct yaml_place place = place_of(b, &event->start_mark);
    const char *name = (const char *)event->data.alias.anchor;
    struct anchor wanted = {.name = name};
    struct anchor *const *slot = tfind(&wanted, &b->anchors, compare_anchors);
    if (slot == NULL) {
        add_error(b, place,
                  "'*' begins an alias in YAML, and there is no anchor \"&%s\" above; put the "
                  "value in quotes",
                  shown(bytes_of(name)).text);
        attach(b, new_node(b, YAML_SCALAR, place), place, true);
        return;
    }
    const struct anchor *anchor = *slot;
    if (!anchor->complete) {
        stop_with_error(b, place, "\"*%s\" stands for what it is itself a part of; write it out",
                        shown(bytes_of(name)).text);
        return;
    }
    b->nodes += anchor->nodes;
    if (b->nodes > YAML_NODES_MAX || b->depth + anchor->height > YAML_DEPTH_MAX) {
        stop_with_error(b, place, "aliases multiply to more than %d %s; write it out",
                        b->nodes > YAML_NODES_MAX ? YAML_NODES_MAX : YAML_DEPTH_MAX,
                        b->nodes > YAML_NODES_MAX ? "values" : "levels");
        return;
    }
    if (b->depth != 0) {
        struct frame *frame = &b->frames[b->depth - 1];
        frame->height = frame->height > anchor->height ? frame->height : anchor->height + 1;
    }
    attach(b, anchor->node, place, true);
}

static void begin_document(struct builder *b, const yaml_event_t *event)
{
    if (++b->documents == 2) {
        stop_with_error(b, place_of(b, &event->start_mark),
                        "a second document begins here; one file holds one, remove this '---' or "
                        "split the file");
    }
}

static void take_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        begin_document(b, event);
        break;
    case YAML_SCALAR_EVENT:
        take_scalar(b, event);
        break;
    case YAML_ALIAS_EVENT:
        take_alias(b, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        begin_collection(b, event);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        end_collection(b, event);
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    if (b->nodes > YAML_NODES_MAX && !b->stopped) {
        stop_with_error(b, place_of(b, &event->start_mark),
                        "more than %d values in one file; split it", YAML_NODES_MAX);
    }
}

static void build(struct builder *b, struct bytes text)
{
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
        abort(); /* out of memory */
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
    for (bool done = false; !done && !b->stopped;) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            yaml_error_explain(&parser, text, b->file, b->diagnostics);
            break;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        take_event(b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

/* The two marks of UTF-16, which libyaml would read in silence and whose offsets it counts
 * otherwise. */
static bool is_utf16(struct bytes text)
{
    return bytes_starts_with(text, BYTES("\xff\xfe")) || bytes_starts_with(text, BYTES("\xfe\xff"));
}

bool yaml_parse(struct bytes text, const char *file, struct yaml_document *ret_document,
                struct diagnostics *d)
{
    if (is_utf16(text)) {
        diagnostics_add(d, SEVERITY_ERROR, file, 1, 1, "the file is UTF-16; save it as UTF-8");
        return false;
    }
    size_t errors_before = d->errors;
    struct builder b = {
        .file = file,
        .diagnostics = d,
        .position = yaml_position_start(text),
    };
    obstack_begin(&b.memory, CHUNK_OCTETS);
    build(&b, text);
    tdestroy(b.anchors, keep_anchor);
    free(b.pending);

    bool is_empty =
        b.root == NULL || (b.root->kind == YAML_SCALAR && b.root->plain && b.root->text.n == 0);
    if (d->errors == errors_before && is_empty) {
        diagnostics_add(d, SEVERITY_ERROR, file, 0, 0,
                        "the file holds nothing; write its keys into it, or delete it");
    }
    if (d->errors != errors_before) {
        obstack_free(&b.memory, NULL);
        return false;
    }
    *ret_document = (struct yaml_document){b.root, b.memory};
    return true;
}

void yaml_document_clear(struct yaml_document *document)
{
    if (document->root != NULL) {
        obstack_free(&document->memory, NULL);
        document->root = NULL;
    }
}

struct yaml_node *yaml_mapping_find(const struct yaml_node *mapping, struct bytes key)
{
    for (size_t i = 0; i < mapping->count; i++) {
        if (bytes_equal(mapping->pairs[i].key->text, key)) {
            return mapping->pairs[i].value;
        }
    }
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    static const struct bytes NULLS[] = {
        {"", 0}, {"~", 1}, {"null", 4}, {"Null", 4}, {"NULL", 4},
    };
    if (node->kind != YAML_SCALAR || !node->plain) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(NULLS); i++) {
        if (bytes_equal(node->text, NULLS[i])) {
            return true;
        }
    }
    return false;
}

const char *yaml_library(void)
{
    return yaml_get_version_string();
}
