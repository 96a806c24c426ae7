#include "mirror_copy.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/yaml/fields.h"
#include "policies/model/policy_text.h"

enum {
    COPY_MAX = 2 * POLICY_BODY_MAX + 1024, /* each line is indented */
    DAY_S = 24 * 60 * 60,
};

void mirror_copy_clear(struct mirror_copy *copy)
{
    policy_free(copy->policy);
    *copy = (struct mirror_copy){0};
}

char *mirror_copy_directory(const char *state)
{
    return file_path_join(state, "mirror");
}

static char *path_of(const char *directory, struct bytes domain)
{
    CLEANUP_FREE char *name = memory_string_of(domain);
    return file_path_join(directory, name);
}

/* --- Reading --- */

static bool read_id(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct mirror_copy *copy = target;
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    if (!policy_id_is_valid(text)) {
        return fields_error(context, &pair->value_place, "no id");
    }
    memcpy(copy->id.text, text.p, text.n);
    copy->id.text[text.n] = '\0';
    return true;
}

static bool read_fetched(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    return fields_integer(pair, 0, INT64_MAX, &((struct mirror_copy *)target)->fetched_s, context);
}

static bool read_policy(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct mirror_copy *copy = target;
    struct bytes text;
    struct diagnostics ignored = {0};
    struct policy *policy = NULL;
    bool good = fields_string(pair, &text, context) &&
                (policy_text_parse(text, context->file, &policy, &ignored) ||
                 fields_error(context, &pair->value_place, "no policy: %s",
                              ignored.count != 0 ? ignored.items[0].text : ""));
    diagnostics_clear(&ignored);
    if (good) {
        policy_free(copy->policy);
        copy->policy = policy;
    }
    return good;
}

static const struct field fields[] = {
    {"id", read_id, FIELD_REQUIRED},
    {"fetched", read_fetched, FIELD_REQUIRED},
    {"policy", read_policy, FIELD_REQUIRED},
};

static bool read_root(struct yaml_node *root, struct mirror_copy *copy,
                      struct fields_context *context)
{
    struct yaml_node name = {.kind = YAML_SCALAR, .text = BYTES(""), .start = root->start};
    const struct yaml_pair pair = {.key = &name, .value = root, .value_place = root->start};
    return fields_read(&pair, "a copy", fields, ARRAY_LENGTH(fields), copy, context);
}

bool mirror_copy_parse(struct bytes text, const char *file, struct mirror_copy *ret_copy,
                       struct error *e)
{
    CLEANUP(diagnostics_clear) struct diagnostics d = {0};
    struct fields_context context = {.file = file, .diagnostics = &d};
    struct mirror_copy copy = {0};
    struct yaml_document document;
    bool good = yaml_parse(text, file, &document, &d);
    if (good) {
        good = read_root(document.root, &copy, &context);
        yaml_document_clear(&document);
    }
    if (good) {
        *ret_copy = copy;
        return true;
    }
    mirror_copy_clear(&copy);
    CLEANUP_FREE char *line = d.count != 0 ? diagnostic_format(&d.items[0]) : NULL;
    return error_set(e, ERROR_SYNTAX, "damaged: %s; remove it", line != NULL ? line : file);
}

bool mirror_copy_read(const char *directory, struct bytes domain, struct mirror_copy *ret_copy,
                      struct error *e)
{
    CLEANUP_FREE char *path = path_of(directory, domain);
    CLEANUP(buffer_clear) struct buffer text = BUFFER(COPY_MAX);
    if (file_read(path, &text, NULL, e)) {
        return mirror_copy_parse(buffer_bytes(&text), path, ret_copy, e);
    }
    if (e->code == ERROR_SYSTEM && e->system_errno == ENOENT) {
        e->code = ERROR_NOT_FOUND;
    }
    return false;
}

bool mirror_copy_is_over(const struct mirror_copy *copy, int64_t now_s)
{
    return now_s - copy->fetched_s > (int64_t)copy->policy->max_age_s + DAY_S;
}

/* --- Writing --- */

void mirror_copy_print(const struct mirror_copy *copy, struct buffer *out)
{
    buffer_printf(out, "id: \"%s\"\nfetched: %" PRId64 "\npolicy: |\n", copy->id.text,
                  copy->fetched_s);
    struct bytes rest = policy_body(copy->policy);
    while (rest.n != 0) {
        /* Our own rendering: every line ends in CRLF. */
        const char *end = memchr(rest.p, '\r', rest.n);
        struct bytes line = {rest.p, (size_t)(end - rest.p)};
        buffer_printf(out, "  %.*s\n", BYTES_ARG(line));
        rest = bytes_skip(rest, line.n + 2);
    }
}

bool mirror_copy_write(const char *directory, struct bytes domain, const struct mirror_copy *copy,
                       struct error *e)
{
    CLEANUP_FREE char *path = path_of(directory, domain);
    CLEANUP(buffer_clear) struct buffer text = BUFFER(COPY_MAX);
    mirror_copy_print(copy, &text);
    return file_make_directories(directory, 0700, e) &&
           file_replace(path, buffer_bytes(&text), 0600, e);
}

void mirror_copy_remove(const char *directory, struct bytes domain)
{
    CLEANUP_FREE char *path = path_of(directory, domain);
    (void)unlink(path);
}

void mirror_copies_fill(const char *directory, struct policy_file *file)
{
    for (size_t i = 0; i < file->policy_count; i++) {
        struct policy_file_entry *entry = &file->policies[i];
        CLEANUP(mirror_copy_clear) struct mirror_copy copy = {0};
        struct error e;
        if (entry->mirror != NULL && entry->policy == NULL &&
            mirror_copy_read(directory, dns_name_bytes(&entry->mirror->domain), &copy, &e)) {
            entry->policy = policy_mirror_render(entry->mirror, copy.policy);
        }
    }
}
