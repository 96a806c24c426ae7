#include "policies/files/policy_file.h"

/* Words that YAML 1.1 or 1.2 readers take for something other than text. */
static bool is_reserved(struct bytes text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on",
                                        "off",  "y",    "n",     "nan", "inf"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (bytes_equal_nocase(text, bytes_of(words[i]))) {
            return true;
        }
    }
    return false;
}

/* Names that begin with a letter and hold letters, digits, dots and hyphens need no quotes. */
static bool is_plain(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool letter = c >= 'a' && c <= 'z';
        bool other = (c >= '0' && c <= '9') || c == '.' || c == '-';
        if (!letter && (!other || i == 0)) {
            return false;
        }
    }
    return text.n != 0 && !is_reserved(text);
}

static void print_quoted(struct bytes text, struct buffer *out)
{
    buffer_add(out, BYTES("\""));
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\') {
            buffer_add(out, BYTES("\\"));
        }
        buffer_add(out, (struct bytes){text.p + i, 1});
    }
    buffer_add(out, BYTES("\""));
}

void policy_file_print_scalar(struct bytes text, struct buffer *out)
{
    if (is_plain(text)) {
        buffer_add(out, text);
    } else {
        print_quoted(text, out);
    }
}

static void print_mirror(const struct policy_mirror *mirror, struct buffer *out)
{
    buffer_add(out, BYTES("    mirror: "));
    policy_file_print_scalar(dns_name_bytes(&mirror->domain), out);
    buffer_printf(out, "\n    mode: %s\n", policy_mode_name(mirror->mode));
}

static void print_policy(const struct policy *policy, struct buffer *out)
{
    buffer_add(out, BYTES("    mode: "));
    buffer_add_string(out, policy_mode_name(policy->mode));
    size_t cursor = 0;
    struct bytes mx;
    bool first = true;
    while (policy_next_mx(policy, &cursor, &mx)) {
        buffer_add(out, first ? BYTES("\n    mx:\n      - ") : BYTES("\n      - "));
        policy_file_print_scalar(mx, out);
        first = false;
    }
    buffer_printf(out, "\n    max_age: %u\n", policy->max_age_s);
}

/* A comma of a URI's own is percent-encoded, so a bare one stands between two URIs. */
static void print_tlsrpt(struct bytes uris, struct buffer *out)
{
    buffer_add(out, BYTES("    tlsrpt:\n"));
    while (uris.n != 0) {
        const char *comma = memchr(uris.p, ',', uris.n);
        size_t n = comma != NULL ? (size_t)(comma - uris.p) : uris.n;
        buffer_add(out, BYTES("      - "));
        print_quoted((struct bytes){uris.p, n}, out);
        buffer_add(out, BYTES("\n"));
        uris = bytes_skip(uris, n + 1);
    }
}

static void print_entry(const struct policy_file_entry *entry, struct buffer *out)
{
    buffer_add(out, BYTES("  "));
    policy_file_print_scalar(entry->name, out);
    if (entry->shared.n != 0 && entry->tlsrpt.n == 0) {
        buffer_add(out, BYTES(": "));
        policy_file_print_scalar(entry->shared, out);
        buffer_add(out, BYTES("\n"));
        return;
    }
    buffer_add(out, BYTES(":\n"));
    if (entry->mirror != NULL) {
        print_mirror(entry->mirror, out);
    } else if (entry->policy != NULL) {
        print_policy(entry->policy, out);
    } else {
        buffer_add(out, BYTES("    policy: "));
        policy_file_print_scalar(entry->shared, out);
        buffer_add(out, BYTES("\n"));
    }
    if (entry->id.n != 0) {
        /* Always: `123e4567` is a number to some readers. */
        buffer_add(out, BYTES("    id: "));
        print_quoted(entry->id, out);
        buffer_add(out, BYTES("\n"));
    }
    if (entry->tlsrpt.n != 0) {
        print_tlsrpt(entry->tlsrpt, out);
    }
}

void policy_file_print(const struct policy_file *file, struct buffer *out)
{
    if (file->policy_count != 0) {
        buffer_add(out, BYTES("policies:\n"));
    }
    for (size_t i = 0; i < file->policy_count; i++) {
        print_entry(&file->policies[i], out);
    }
    if (file->domain_count != 0) {
        buffer_add(out, BYTES("domains:\n"));
    } else if (file->policy_count == 0) {
        buffer_add(out, BYTES("domains: {}\n"));
    }
    for (size_t i = 0; i < file->domain_count; i++) {
        print_entry(&file->domains[i], out);
    }
}
