#include "policy_file.h"

#include <stdlib.h>

#include "lib/base/shown.h"
#include "policies/files/policy_file_entry.h"

enum { TEXTS_CHUNK = 64 * 1024 };

struct section {
    const char *key;
    const char *what;
    const char *empty; /* what an empty value is told */
    bool (*normalise)(struct bytes text, struct dns_name *ret_name, struct error *e);
    void (*read)(const struct yaml_pair *pair, struct policy_file_reader *reader,
                 struct policy_file_entry *entry);
};

bool policy_file_normalise_domain(struct bytes text, struct dns_name *ret_name, struct error *e)
{
    struct dns_name name;
    if (bytes_starts_with(text, BYTES("_mta-sts."))) {
        return error_set(e, ERROR_SYNTAX,
                         "\"%s\" is the name of a record; write the domain alone, without "
                         "\"_mta-sts.\"",
                         shown(text).text);
    }
    if (!dns_name_normalise(text, &name, e)) {
        return false;
    }
    if (name.n > POLICY_DOMAIN_MAX) {
        return error_set(e, ERROR_LIMIT,
                         "domain of %d octets; at most %d fit behind \"mta-sts.\" in a host name, "
                         "remove it",
                         name.n, POLICY_DOMAIN_MAX);
    }
    *ret_name = name;
    return true;
}

static const struct section policies_section = {
    "policies", "policy", "remove it, or list shared policies below it", policy_file_name_normalise,
    policy_file_read_policy};
static const struct section domains_section = {
    "domains", "domain", "write \"domains: {}\" for a file that serves none on purpose",
    policy_file_normalise_domain, policy_file_read_domain};

/* By name; those of one name in the order of the file. */
static int entry_compare(const void *left, const void *right)
{
    const struct policy_file_entry *a = left;
    const struct policy_file_entry *b = right;
    int order = bytes_compare(a->name, b->name);
    if (order == 0) {
        order = (a->place.line > b->place.line) - (a->place.line < b->place.line);
    }
    if (order == 0) {
        order = (a->place.column > b->place.column) - (a->place.column < b->place.column);
    }
    return order;
}

/* Files that programs write, our own copies among them, mostly are. */
static bool is_sorted(const struct policy_file_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (entry_compare(&entries[i - 1], &entries[i]) > 0) {
            return false;
        }
    }
    return true;
}

/* Sorts, which puts equal names side by side: no table of names is needed to find them. */
static void sort_and_check(const struct section *section, struct policy_file_entry *entries,
                           size_t count, struct fields_context *context)
{
    if (!is_sorted(entries, count)) {
        qsort(entries, count, sizeof(*entries), entry_compare);
    }
    const struct policy_file_entry *first = entries;
    for (size_t i = 1; i < count; i++) {
        if (!bytes_equal(entries[i].name, first->name)) {
            first = &entries[i];
            continue;
        }
        (void)fields_error(context, &entries[i].place,
                           "%s %.*s is already at %s:%u:%u; remove one of them", section->what,
                           BYTES_ARG(first->name), context->file, first->place.line,
                           first->place.column);
    }
}

static bool read_section(const struct section *section, const struct yaml_pair *pair,
                         struct policy_file_reader *reader, struct policy_file_entry **entries,
                         size_t *count)
{
    const struct yaml_node *mapping = pair->value;
    size_t errors = reader->fields.diagnostics->errors;
    if (yaml_is_null(mapping)) {
        return fields_error(&reader->fields, &pair->key->start, "%s has no value; %s", section->key,
                            section->empty);
    }
    if (mapping->kind != YAML_MAPPING) {
        return fields_error(&reader->fields, &pair->value_place,
                            "%s is not a mapping; write one \"NAME: …\" a line below it",
                            section->key);
    }
    *entries = memory_zero(mapping->count, sizeof(**entries));
    for (size_t i = 0; i < mapping->count; i++) {
        const struct yaml_pair *item = &mapping->pairs[i];
        struct policy_file_entry *entry = &(*entries)[*count];
        struct dns_name name;
        if (!section->normalise(item->key->text, &name, &reader->e)) {
            (void)fields_error(&reader->fields, &item->key->start, "%s", reader->e.text);
            continue;
        }
        entry->name = policy_file_keep(reader, dns_name_bytes(&name));
        entry->place = policy_file_place_of(&item->key->start);
        (*count)++;
        section->read(item, reader, entry);
    }
    sort_and_check(section, *entries, *count, &reader->fields);
    return reader->fields.diagnostics->errors == errors;
}

static bool read_policies(const struct yaml_pair *pair, void *target,
                          struct fields_context *context)
{
    struct policy_file *file = target;
    return file->policies != NULL || read_section(&policies_section, pair, context->user,
                                                  &file->policies, &file->policy_count);
}

static bool read_domains(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct policy_file *file = target;
    return file->domains != NULL ||
           read_section(&domains_section, pair, context->user, &file->domains, &file->domain_count);
}

static const struct field sections[] = {
    {"policies", read_policies, 0},
    {"domains", read_domains, 0},
};

static void read_root(struct yaml_node *root, struct policy_file_reader *reader,
                      struct policy_file *file)
{
    if (root->kind != YAML_MAPPING) {
        (void)fields_error(&reader->fields, &root->start,
                           "a policy file is a mapping with the keys policies and domains; write "
                           "\"domains:\" and list domains below it");
        return;
    }
    struct yaml_node name = {.kind = YAML_SCALAR, .text = BYTES(""), .start = root->start};
    const struct yaml_pair pair = {.key = &name, .value = root, .value_place = root->start};
    (void)fields_read(&pair, "a policy file", sections, ARRAY_LENGTH(sections), file,
                      &reader->fields);
    if (yaml_mapping_find(root, BYTES("policies")) == NULL &&
        yaml_mapping_find(root, BYTES("domains")) == NULL) {
        (void)fields_error(
            &reader->fields, &root->start,
            "neither policies nor domains; write \"domains: {}\" for a file that serves "
            "none on purpose");
    }
}

/* A mapping that several aliases use is read as often: its errors are told once. */
static void report(struct diagnostics *from, struct diagnostics *d)
{
    diagnostics_sort(from);
    for (size_t i = 0; i < from->count; i++) {
        const struct diagnostic *item = &from->items[i];
        const struct diagnostic *last = &from->items[i > 0 ? i - 1 : 0];
        if (i == 0 || item->line != last->line || item->column != last->column ||
            strcmp(item->text, last->text) != 0) {
            diagnostics_add(d, item->severity, item->file, item->line, item->column, "%s",
                            item->text);
        }
    }
    d->dropped += from->dropped;
    d->errors += from->dropped;
}

void policy_file_init(struct policy_file *file)
{
    *file = (struct policy_file){.memory = memory_alloc(sizeof(*file->memory))};
    obstack_specify_allocation(&file->memory->texts, TEXTS_CHUNK, 1, memory_alloc, free);
}

bool policy_file_parse(struct bytes text, const char *file,
                       const struct policy_file_defaults *defaults, struct policy_file *ret_file,
                       struct diagnostics *d)
{
    struct yaml_document document;
    if (!yaml_parse(text, file, &document, d)) {
        return false;
    }
    struct diagnostics found = {0};
    struct policy_file result;
    policy_file_init(&result);
    struct policy_file_reader reader = {
        .fields = {.file = file, .diagnostics = &found, .user = &reader},
        .defaults = defaults,
        .memory = result.memory,
        .tlsrpt = BUFFER(POLICY_FILE_TLSRPT_MAX),
    };
    read_root(document.root, &reader, &result);
    yaml_document_clear(&document);
    free(reader.mx);
    buffer_clear(&reader.tlsrpt);

    bool good = found.errors == 0;
    if (good) {
        *ret_file = result;
    } else {
        report(&found, d);
        policy_file_clear(&result);
    }
    diagnostics_clear(&found);
    return good;
}

void policy_file_clear(struct policy_file *file)
{
    for (size_t i = 0; i < file->policy_count; i++) {
        policy_free(file->policies[i].policy);
        free(file->policies[i].mirror);
    }
    for (size_t i = 0; i < file->domain_count; i++) {
        policy_free(file->domains[i].policy);
    }
    free(file->policies);
    free(file->domains);
    if (file->memory != NULL) {
        obstack_free(&file->memory->texts, NULL);
        free(file->memory);
    }
    *file = (struct policy_file){0};
}

static const struct policy_file_entry *find(const struct policy_file_entry *entries, size_t count,
                                            struct bytes name)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        int order = bytes_compare(entries[middle].name, name);
        if (order == 0) {
            return &entries[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return NULL;
}

const struct policy_file_entry *policy_file_find_domain(const struct policy_file *file,
                                                        struct bytes domain)
{
    return find(file->domains, file->domain_count, domain);
}

const struct policy_file_entry *policy_file_find_policy(const struct policy_file *file,
                                                        struct bytes name)
{
    return find(file->policies, file->policy_count, name);
}

struct policy *policy_file_take_policy(struct policy_file_entry *entry)
{
    return TAKE(entry->policy);
}
