#include "cert_view.h"

#include <string.h>

#include "cli/json_view.h"
#include "cli/table.h"
#include "lib/base/safe_json.h"
#include "lib/base/safe_text.h"
#include "lib/base/time_text.h"

void cert_row_print(const char *host, const struct cert_row *row, enum acme_state state,
                    const struct settings *settings, int64_t now_s)
{
    enum { DAY_S = 86400, STATE_WIDTH = 9, END_WIDTH = 24 };
    char end[64] = "-";
    const char *ca = "-";
    if (row->has_certificate) {
        int64_t left_s = row->not_after_s - now_s;
        (void)snprintf(end, sizeof(end), left_s > 0 ? "%s (%lld d left)" : "%s (expired)",
                       time_text_day(row->not_after_s).text, (long long)(left_s / DAY_S));
        ca = row->directory != NULL ? settings_ca_name(settings, row->directory) : "imported";
    }
    CLEANUP_FREE char *last =
        memory_printf("%s%s%s%s", ca, row->revoked ? "  revoked" : "",
                      row->problem != NULL ? "  " : "", row->problem != NULL ? row->problem : "");
    const struct table_cell cells[] = {{host, TABLE_NAME_WIDTH},
                                       {acme_state_name(state), STATE_WIDTH},
                                       {end, END_WIDTH},
                                       {last, 0}};
    table_print_line(stdout, "", cells);
}

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
        fprintf(out, "  CA:        %s",
                SAFE_TEXT(settings_ca_name(settings, certificate->directory)));
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
                SAFE_TEXT(settings_ca_name(settings, details->order.directory)),
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

json_t *cert_row_json(const char *host, const struct cert_row *row, enum acme_state state)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:i}", "name", host, "state",
                     acme_state_name(state), "not_after", json_view_time(row->not_after_s),
                     "directory", safe_json_text(row->directory), "problem",
                     safe_json_text(row->problem), "next", json_view_time(row->next_s), "failures",
                     (int)row->failures);
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
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "names",
        names_json(&details->leaf), "issuer", safe_json_text(details->leaf.issuer), "serial",
        safe_json_text(details->leaf.serial), "not_before",
        json_view_time(certificate->not_before_s), "not_after",
        json_view_time(certificate->not_after_s), "directory",
        safe_json_text(certificate->directory), "account", safe_json_text(certificate->account),
        "revoked", (int)certificate->revoked, "renew", json_view_time(certificate->renew_s),
        "ari_id", safe_json_text(certificate->ari_id), "ari_start",
        json_view_time(certificate->ari_start_s), "ari_end", json_view_time(certificate->ari_end_s),
        "ari_next", json_view_time(certificate->ari_next_s));
}

json_t *cert_details_json(const struct cert_details *details, int64_t now_s)
{
    const struct cert_row *row = &details->row;
    json_t *object = cert_row_json(details->host, row, cert_row_state(row, now_s));
    json_object_set_new(object, "certificate",
                        row->has_certificate ? certificate_json(details) : json_null());
    const struct acme_store_order *order = &details->order;
    json_object_set_new(object, "order",
                        row->ordering
                            ? json_pack("{s:o, s:o, s:o}", "url", safe_json_text(order->url),
                                        "directory", safe_json_text(order->directory), "begun",
                                        json_view_time(order->begun_s))
                            : json_null());
    return object;
}
