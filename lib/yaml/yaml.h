/* A YAML file as a tree of nodes that know where they stand: libyaml's events, with the bounds and
 * refusals that libyaml leaves to its user.
 *
 * Refused, each as an error with its place: input that is not UTF-8 (UTF-16 too), an empty file,
 * several documents, nesting deeper than YAML_DEPTH_MAX, scalars over YAML_SCALAR_MAX octets, more
 * than YAML_NODES_MAX nodes once aliases are counted as often as they are used (alias bombs),
 * aliases to an enclosing node, keys that are no scalars, merge keys, tags, NUL characters. A bare
 * `*.example.org` gets the advice to quote it, a tab character the advice to use spaces. Duplicate
 * keys are found when a mapping is read (lib/yaml/fields.h). All errors are reported but after one
 * of YAML's syntax, which ends the reading.
 *
 * An alias gives the very node that it names: the tree is a DAG, nothing is copied.
 *
 *     struct yaml_document document;
 *     if (yaml_parse(text, "a.yaml", &document, &diagnostics)) {
 *         … document.root …
 *         yaml_document_clear(&document);
 *     }
 */
#ifndef LIB_YAML_YAML_H
#define LIB_YAML_YAML_H

#include <obstack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/diagnostics.h"
#include "lib/base/memory.h"

enum {
    YAML_DEPTH_MAX = 16,
    YAML_SCALAR_MAX = 64 * 1024,
    YAML_NODES_MAX = 50 * 1000 * 1000,
};

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_place {
    unsigned line;   /* 1-based */
    unsigned column; /* 1-based, in characters */
    size_t offset;   /* in octets from the start of the text, a byte order mark included */
};

struct yaml_pair;

struct yaml_node {
    enum yaml_kind kind;
    bool plain;    /* scalar: written without quotes, not a block */
    bool flow;     /* collection: in brackets or braces */
    bool anchored; /* &NAME stands before it: several places may use it */
    struct yaml_place start;
    struct yaml_place end; /* just past it; quoted scalars with the quotes, block collections with
                              the comments and blank lines that follow */
    struct bytes text;     /* scalar: the value, NUL-terminated; owned by the document */
    size_t count;          /* items or pairs */
    union {
        struct yaml_node **items; /* sequence */
        struct yaml_pair *pairs;  /* mapping, in the order written */
    };
};

struct yaml_pair {
    struct yaml_node *key; /* always a scalar */
    struct yaml_node *value;
    struct yaml_place value_place; /* where the value stands: for an alias the place of `*NAME`,
                                      not that of the node it names */
    bool value_is_alias;
};

struct yaml_document {
    struct yaml_node *root;
    struct obstack memory; /* owns all nodes and texts */
};

/* TEXT may go after the call. FILE names it in diagnostics. False: at least one error was added
 * to D, *RET_DOCUMENT untouched. */
bool yaml_parse(struct bytes text, const char *file, struct yaml_document *ret_document,
                struct diagnostics *d) MUST_USE;
void yaml_document_clear(struct yaml_document *document);

/* The value of KEY in a mapping, or NULL. Linear. */
struct yaml_node *yaml_mapping_find(const struct yaml_node *mapping, struct bytes key);

/* Plain `~`, `null`, `Null`, `NULL` or nothing at all. */
bool yaml_is_null(const struct yaml_node *node);

/* The version of libyaml. */
const char *yaml_library(void);

#endif
