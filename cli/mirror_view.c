#include "cli/status_view.h"
#include "lib/base/json_read.h"
#include "lib/base/time_text.h"

static void print_upstream(const json_t *upstream, int64_t now_s, FILE *out)
{
    int64_t fetched_s = json_number(upstream, "fetched");
    fprintf(out, "  %-30s ", json_text_or_null(upstream, "domain"));
    if (json_text_or_null(upstream, "mode") == NULL) {
        fputs("waiting: never fetched, domains that come to it wait", out);
    } else {
        fprintf(out, "mode %s, id %s, fetched %s ago", json_text_or_null(upstream, "mode"),
                json_text_or_null(upstream, "id"),
                time_text_span(now_s > fetched_s ? now_s - fetched_s : 0).text);
    }
    fprintf(out, ", next look %s\n", time_text_from_now(json_number(upstream, "next"), now_s).text);
    if (json_text_or_null(upstream, "problem") != NULL) {
        fprintf(out, "    failed %lld times: %s\n", json_number(upstream, "failures"),
                json_text_or_null(upstream, "problem"));
    }
    if (json_text_or_null(upstream, "doubt") != NULL) {
        fprintf(out, "    warning: %s\n", json_text_or_null(upstream, "doubt"));
    }
}

void mirror_view_print(const json_t *mirror, int64_t now_s, FILE *out)
{
    size_t i = 0;
    const json_t *upstream = NULL;
    if (json_number(mirror, "followed") == 0) {
        return;
    }
    fprintf(out, "mirrors:       %lld followed, %lld failing, %lld waiting\n",
            json_number(mirror, "followed"), json_number(mirror, "failing"),
            json_number(mirror, "unknown"));
    json_array_foreach(json_object_get(mirror, "upstreams"), i, upstream)
    {
        print_upstream(upstream, now_s, out);
    }
}
