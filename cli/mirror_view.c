#include "mirror_view.h"

#include "lib/base/time_text.h"

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void print_upstream(const json_t *upstream, int64_t now_s, FILE *out)
{
    int64_t fetched_s = number(upstream, "fetched");
    fprintf(out, "  %-30s ", text(upstream, "domain"));
    if (text(upstream, "mode") == NULL) {
        fputs("waiting: never fetched, domains that come to it wait", out);
    } else {
        fprintf(out, "mode %s, id %s, fetched %s ago", text(upstream, "mode"), text(upstream, "id"),
                time_text_span(now_s > fetched_s ? now_s - fetched_s : 0).text);
    }
    fprintf(out, ", next look %s\n", time_text_from_now(number(upstream, "next"), now_s).text);
    if (text(upstream, "problem") != NULL) {
        fprintf(out, "    failed %lld times: %s\n", (long long)number(upstream, "failures"),
                text(upstream, "problem"));
    }
    if (text(upstream, "doubt") != NULL) {
        fprintf(out, "    warning: %s\n", text(upstream, "doubt"));
    }
}

void mirror_view_print(const json_t *mirror, int64_t now_s, FILE *out)
{
    size_t i = 0;
    const json_t *upstream = NULL;
    if (number(mirror, "followed") == 0) {
        return;
    }
    fprintf(out, "mirrors:       %lld followed, %lld failing, %lld waiting\n",
            (long long)number(mirror, "followed"), (long long)number(mirror, "failing"),
            (long long)number(mirror, "unknown"));
    json_array_foreach(json_object_get(mirror, "upstreams"), i, upstream)
    {
        print_upstream(upstream, now_s, out);
    }
}
