#include "lint_leaving.h"

#include "lib/base/time_text.h"
#include "publish/leaving_list.h"

bool lint_leaving(const struct settings *settings, const struct catalogue *catalogue, int64_t now_s,
                  struct diagnostics *d, struct error *e)
{
    CLEANUP(leaving_list_clear) struct leaving_list list = {0};
    struct catalogue_counts counts;
    catalogue_counts(catalogue, &counts);
    if (counts.files_in_error != 0) { /* what these have is not gone */
        return true;
    }
    if (!leaving_list_ask(settings, &list, e)) {
        return e->code == ERROR_NOT_FOUND;
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct leaving_item *item = &list.items[i];
        struct catalogue_view view;
        if (item->until_s <= now_s || catalogue_find(catalogue, bytes_of(item->domain), &view) ||
            catalogue_is_disputed(catalogue, bytes_of(item->domain))) {
            continue;
        }
        bool retired = item->retired_s != 0;
        diagnostics_add(d, retired ? SEVERITY_ERROR : SEVERITY_WARNING, settings->policies.items[0],
                        0, 0,
                        "%s %s here, and senders may hold its older policy until %s; put it back "
                        "with mode none until then%s",
                        item->domain, retired ? "is retired and no longer" : "is no longer",
                        time_text_moment(item->until_s).text,
                        retired ? "" : ", unless another host serves its policy now");
    }
    return true;
}
