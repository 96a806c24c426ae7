/* How cert_details.h shows a host: lines for people, and JSON. */
#include "cert_details.h"
#include "cli/ca_name.h"
#include "cli/time_text.h"
#include "lib/base/safe_json.h"
#include "lib/base/safe_text.h"

static void print_moment(const char *label, int64_t time_s, int64_t now_s, FILE *out)
{
    fprintf(out, "  %-11s%s (%s)\n", label, time_text_moment(time_s).text,
            time_text_from_now(time_s, now_s).text);
}

static void print_leaf(const struct leaf_words *leaf, FILE *out)
{
    fputs("  names:     ", out);
    const char *name = leaf->names.p;
    for (size_t i = 0; i < leaf->name_count; i++, name += strlen(name) + 1) {
        fprintf(out, "%s%s", i != 0 ? ", " : "", SAFE_TEXT(name));
    }
    fprintf(out, "\n  issuer:    %s\n  serial:    %s\n", SAFE_TEXT(leaf->issuer), leaf->serial);
}

static void print_renewal(const struct acme_store_certificate *certificate, int64_t now_s,
                          FILE *out)
{
    if (certificate->renew_s != 0) {
        print_moment("renewal:", certificate->renew_s, now_s, out);
    }
    if (certificate->ari_start_s != 0) {
        fprintf(out, "  window:    from %s to %s (the CA's, by ARI)\n",
                time_text_moment(certificate->ari_start_s).text,
                time_text_moment(certificate->ari_end_s).text);
    }
}

static void print_certificate(const struct cert_details *details, const struct settings *settings,
                              int64_t now_s, FILE *out)
{
    const struct acme_store_certificate *certificate = &details->certificate;
    if (details->leaf.name_count != 0) {
        print_leaf(&details->leaf, out);
    }
    print_moment("from:", certificate->not_before_s, now_s, out);
    print_moment("until:", certificate->not_after_s, now_s, out);
    if (certificate->directory == NULL) {
        fputs("  CA:        imported\n", out);
    } else {
        fprintf(out, "  CA:        %s", SAFE_TEXT(ca_name(settings, certificate->directory)));
        fprintf(out, ", account %s\n",
                certificate->account != NULL ? SAFE_TEXT(certificate->account) : "unknown");
    }
    if (certificate->revoked) {
        fputs("  revoked\n", out);
    }
    print_renewal(certificate, now_s, out);
}

void cert_details_print(const struct cert_details *details, const struct settings *settings,
                        int64_t now_s, FILE *out)
{
    const struct cert_row *row = &details->row;
    fprintf(out, "%s: %s\n", details->host, acme_state_name(cert_row_state(row, now_s)));
    if (row->has_certificate) {
        print_certificate(details, settings, now_s, out);
    }
    if (row->ordering) {
        fprintf(out, "  order:     %s, %s, begun %s\n",
                details->order.url != NULL ? SAFE_TEXT(details->order.url) : "being placed",
                SAFE_TEXT(ca_name(settings, details->order.directory)),
                time_text_from_now(details->order.begun_s, now_s).text);
    }
    if (row->problem != NULL) {
        fprintf(out, "  problem:   %s\n", SAFE_TEXT(row->problem));
    }
    if (row->failures != 0) {
        fprintf(out, "  failures:  %u in a row\n", row->failures);
    }
    if (row->trouble != ACME_HOST_FINE && row->trouble != ACME_HOST_REJECTED) {
        print_moment("next try:", row->next_s > now_s ? row->next_s : now_s, now_s, out);
    }
}

/* --- JSON --- */

static void set_time(json_t *object, const char *key, int64_t time_s)
{
    json_object_set_new(object, key, time_s != 0 ? json_integer(time_s) : json_null());
}

static void set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, safe_json_text(text));
}

static json_t *names_json(const struct leaf_words *leaf)
{
    json_t *names = json_array();
    const char *name = leaf->names.p;
    for (size_t i = 0; i < leaf->name_count; i++, name += strlen(name) + 1) {
        json_array_append_new(names, safe_json_text(name));
    }
    return names;
}

static json_t *certificate_json(const struct cert_details *details)
{
    const struct acme_store_certificate *certificate = &details->certificate;
    json_t *object = json_object();
    json_object_set_new(object, "names", names_json(&details->leaf));
    set_text(object, "issuer", details->leaf.issuer);
    set_text(object, "serial", details->leaf.serial);
    set_time(object, "not_before", certificate->not_before_s);
    set_time(object, "not_after", certificate->not_after_s);
    set_text(object, "directory", certificate->directory);
    set_text(object, "account", certificate->account);
    json_object_set_new(object, "revoked", json_boolean(certificate->revoked));
    set_time(object, "renew", certificate->renew_s);
    set_text(object, "ari_id", certificate->ari_id);
    set_time(object, "ari_start", certificate->ari_start_s);
    set_time(object, "ari_end", certificate->ari_end_s);
    set_time(object, "ari_next", certificate->ari_next_s);
    return object;
}

json_t *cert_details_json(const struct cert_details *details, int64_t now_s)
{
    const struct cert_row *row = &details->row;
    json_t *object = cert_row_json(details->host, row, cert_row_state(row, now_s));
    json_object_set_new(object, "certificate",
                        row->has_certificate ? certificate_json(details) : json_null());
    json_t *order = json_null();
    if (row->ordering) {
        order = json_object();
        set_text(order, "url", details->order.url);
        set_text(order, "directory", details->order.directory);
        set_time(order, "begun", details->order.begun_s);
    }
    json_object_set_new(object, "order", order);
    return object;
}
