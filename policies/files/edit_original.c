#include "edit_original.h"

#include "policies/files/edit_text.h"

static bool from_diagnostics(const struct diagnostics *d, const char *before, struct error *e)
{
    const struct diagnostic *first = &d->items[0];
    return error_at_place(e, first, ERROR_SYNTAX, "%s%s", before, first->text);
}

bool edit_parse(const struct edit_original *original, struct bytes text, const char *before,
                struct policy_file *ret_file, struct error *e)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    return policy_file_parse(text, "", &original->defaults, ret_file, &d) ||
           from_diagnostics(&d, before, e);
}

bool edit_original_read(struct bytes text, uint32_t max_age_s, struct edit_original *ret_original,
                        struct error *e)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct edit_original original = {.text = text, .defaults = {.max_age_s = max_age_s}};
    if (!edit_parse(&original, text, "", &original.file, e)) {
        return false;
    }
    if (!yaml_parse(text, "", &original.document, &d)) {
        policy_file_clear(&original.file);
        return from_diagnostics(&d, "", e);
    }
    *ret_original = original;
    return true;
}

void edit_original_clear(struct edit_original *original)
{
    policy_file_clear(&original->file);
    yaml_document_clear(&original->document);
}

const struct policy_file_entry *edit_original_find(const struct edit_original *original,
                                                   enum id_edit_section section, struct bytes name,
                                                   struct error *e)
{
    bool is_domain = section == ID_EDIT_DOMAINS;
    const struct policy_file_entry *entry = is_domain
                                                ? policy_file_find_domain(&original->file, name)
                                                : policy_file_find_policy(&original->file, name);
    if (entry == NULL) {
        error_format(e, ERROR_NOT_FOUND, "%s %.*s is not in this file; name one that is",
                     is_domain ? "domain" : "policy", BYTES_ARG(name));
    }
    return entry;
}

static const struct yaml_pair *find_section(const struct yaml_node *root, const char *key)
{
    for (size_t i = 0; i < root->count; i++) {
        if (bytes_equal(root->pairs[i].key->text, bytes_of(key))) {
            return &root->pairs[i];
        }
    }
    return NULL;
}

/* The pair whose key stands at PLACE: pairs stand in the order of the text. */
static const struct yaml_pair *find_pair(const struct yaml_node *mapping,
                                         const struct policy_file_place *place)
{
    size_t low = 0;
    size_t high = mapping->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct yaml_place *key = &mapping->pairs[middle].key->start;
        if (key->line < place->line || (key->line == place->line && key->column < place->column)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < mapping->count ? &mapping->pairs[low] : NULL;
}

const struct yaml_pair *edit_original_pair(const struct edit_original *original,
                                           enum id_edit_section section,
                                           const struct policy_file_entry *entry)
{
    const struct yaml_pair *pairs =
        find_section(original->document.root, section == ID_EDIT_DOMAINS ? "domains" : "policies");
    return find_pair(pairs->value, &entry->place);
}

bool edit_same_but_for_id(const struct policy_file_entry *a, const struct policy_file_entry *b)
{
    bool same_policy = a->policy == NULL || b->policy == NULL ? a->policy == b->policy
                                                              : policy_equal(a->policy, b->policy);
    bool same_mirror = a->mirror == NULL || b->mirror == NULL
                           ? a->mirror == b->mirror
                           : policy_mirror_equal(a->mirror, b->mirror);
    return same_policy && same_mirror && bytes_equal(a->name, b->name) &&
           bytes_equal(a->shared, b->shared) && bytes_equal(a->tlsrpt, b->tlsrpt);
}
