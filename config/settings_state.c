/* Where a configuration that is in error keeps its state. */
#include "lib/base/file.h"
#include "settings_parts.h"

static const struct bytes KEY = BYTES("state");

/* The scalar at KEY of the mapping TEXT, or NULL; the caller frees it. False: TEXT is no YAML. */
static bool find_scalar(struct bytes text, char **ret_scalar)
{
    CLEANUP(diagnostics_clear) struct diagnostics ignored = {0};
    struct yaml_document document;
    if (!yaml_parse(text, "", &document, &ignored)) {
        return false;
    }
    const struct yaml_node *root = document.root;
    const struct yaml_node *value =
        root->kind == YAML_MAPPING ? yaml_mapping_find(root, KEY) : NULL;
    bool has_path = value != NULL && value->kind == YAML_SCALAR && value->text.n != 0;
    *ret_scalar = has_path ? memory_string_of(value->text) : NULL;
    yaml_document_clear(&document);
    return true;
}

/* Where the whole is no YAML, the line may be. */
static char *find_in_lines(struct bytes text)
{
    char *found = NULL;
    while (text.n != 0 && found == NULL) {
        const char *end = memchr(text.p, '\n', text.n);
        struct bytes line = {text.p, end != NULL ? (size_t)(end - text.p) : text.n};
        if (bytes_starts_with(line, KEY) && !find_scalar(line, &found)) {
            found = NULL;
        }
        text = bytes_skip(text, line.n + (end != NULL));
    }
    return found;
}

char *settings_find_state(struct bytes text, const char *file)
{
    CLEANUP_FREE char *found = NULL;
    if (!find_scalar(text, &found)) {
        found = find_in_lines(text);
    }
    CLEANUP_FREE char *directory = file_path_directory(file);
    return found != NULL ? file_path_join(directory, found) : NULL;
}
