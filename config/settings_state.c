/* Where a configuration that is in error keeps its state. */
#include "base/file.h"
#include "settings_parts.h"

/* The scalar at KEY of the mapping TEXT; NULL: there is none. The caller frees it. */
static char *find_scalar(struct bytes text, struct bytes key)
{
    CLEANUP(diagnostics_clear) struct diagnostics ignored = {0};
    struct yaml_document document;
    char *found = NULL;
    if (!yaml_parse(text, "", &document, &ignored)) {
        return NULL;
    }
    const struct yaml_node *value =
        document.root->kind == YAML_MAPPING ? yaml_mapping_find(document.root, key) : NULL;
    if (value != NULL && value->kind == YAML_SCALAR && value->text.n != 0) {
        found = memory_string_of(value->text);
    }
    yaml_document_clear(&document);
    return found;
}

/* Where the whole is no YAML, the line may be. */
static char *find_in_lines(struct bytes text, struct bytes key)
{
    char *found = NULL;
    while (text.n != 0 && found == NULL) {
        const char *end = memchr(text.p, '\n', text.n);
        struct bytes line = {text.p, end != NULL ? (size_t)(end - text.p) : text.n};
        if (bytes_starts_with(line, key)) {
            found = find_scalar(line, key);
        }
        text = bytes_skip(text, line.n + (end != NULL));
    }
    return found;
}

char *settings_find_state(struct bytes text, const char *file)
{
    CLEANUP_FREE char *found = find_scalar(text, BYTES("state"));
    if (found == NULL) {
        found = find_in_lines(text, BYTES("state"));
    }
    CLEANUP_FREE char *directory = file_path_directory(file);
    return found != NULL ? file_path_join(directory, found) : NULL;
}
