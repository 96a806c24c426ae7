/* What may not be read: told as one, however much of a tree it is. */
#include "lib/base/privileges.h"
#include "lib/base/safe_text.h"
#include "lib/certificates/live/certificate_set_parts.h"

static const char *top_of(const struct certificate_set *set, const char *path)
{
    for (size_t i = 0; i < set->top_count; i++) {
        if (file_path_is_below(path, set->tops[i])) {
            return set->tops[i];
        }
    }
    return path;
}

/* The first that is told of, or NULL; *RET_COUNT: how many there are. */
static const struct certificate_trouble *find(const struct certificate_set *set, size_t *ret_count)
{
    const struct certificate_trouble *first = NULL;
    const struct certificate_trouble *trouble = NULL;
    *ret_count = 0;
    TAILQ_FOREACH (trouble, &set->troubles, link) {
        if (trouble->denied && trouble->settled) {
            first = first != NULL ? first : trouble;
            ++*ret_count;
        }
    }
    return first;
}

void certificate_set_denied(const struct certificate_set *set,
                            struct certificate_denied *ret_denied)
{
    *ret_denied = (struct certificate_denied){0};
    const struct certificate_trouble *trouble = find(set, &ret_denied->count);
    const struct unreadable *directories = &set->unreadable;
    const char *first = NULL;
    ret_denied->count += directories->count;
    if (directories->count != 0) {
        first = directories->items[0];
        ret_denied->why = memory_printf("cannot list %s: Permission denied", SAFE_TEXT(first));
    } else if (trouble != NULL) {
        first = certificate_source_path(trouble->source);
        ret_denied->why = memory_string(trouble->problem.items[0].text);
    }
    if (first != NULL) {
        char user[PRIVILEGES_NAME_MAX];
        privileges_name(user);
        ret_denied->first = memory_string(first);
        ret_denied->advice = unreadable_advice(top_of(set, first), user);
    }
}

void certificate_denied_clear(struct certificate_denied *denied)
{
    free(denied->first);
    free(denied->why);
    free(denied->advice);
    *denied = (struct certificate_denied){0};
}

static void add(const struct certificate_denied *denied, struct diagnostics *d)
{
    size_t others = denied->count - 1;
    CLEANUP_FREE char *and = others != 0 ? memory_printf(", as %zu more", others) : NULL;
    diagnostics_add(d, SEVERITY_ERROR, denied->first, 0, 0, "%s%s; %s", denied->why,
                    and != NULL ? and : "", SAFE_TEXT(denied->advice));
}

void certificate_set_add_denied(const struct certificate_set *set, struct diagnostics *d)
{
    CLEANUP(certificate_denied_clear) struct certificate_denied denied;
    certificate_set_denied(set, &denied);
    if (denied.count != 0) {
        add(&denied, d);
    }
}

void certificate_set_add_new_denied(struct certificate_set *set, struct diagnostics *d)
{
    CLEANUP(certificate_denied_clear) struct certificate_denied denied;
    certificate_set_denied(set, &denied);
    if (denied.count > set->denied_told) {
        add(&denied, d);
    }
    set->denied_told = denied.count;
}
