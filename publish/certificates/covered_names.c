#include "covered_names.h"

#include "publish/certificates/pair_files.h"

static void add_pair(const struct pair_file *file, void *context)
{
    struct covered_names *covered = context;
    if (file->pair == NULL || certificate_pair_not_before(file->pair) > covered->now_s ||
        certificate_pair_not_after(file->pair) <= covered->now_s) {
        return;
    }
    for (size_t i = 0; i < certificate_pair_name_count(file->pair); i++) {
        name_map_add(&covered->names, certificate_pair_name(file->pair, i));
    }
}

static void read_trees(struct covered_names *covered)
{
    const struct settings_list *paths = &covered->settings->certificates;
    for (size_t i = 0; i < paths->count; i++) {
        struct error ignored;
        bool there = pair_files_each(paths->items[i], add_pair, covered, &ignored);
        (void)there; /* a tree that is missing covers nothing */
    }
    covered->read = true;
}

/* HOST without its first label, the dot in front kept: what stands behind a wildcard's asterisk. */
static struct bytes behind_first_label(struct bytes host)
{
    const char *dot = memchr(host.p, '.', host.n);
    return dot != NULL ? bytes_skip(host, (size_t)(dot - host.p)) : (struct bytes){0};
}

bool covered_names_have(struct covered_names *covered, struct bytes host)
{
    if (!covered->read) {
        read_trees(covered);
    }
    struct bytes rest = behind_first_label(host);
    CLEANUP_FREE char *wildcard = memory_printf("*%.*s", BYTES_ARG(rest));
    return name_map_find(&covered->names, host) != NULL ||
           (rest.n != 0 && name_map_find(&covered->names, bytes_of(wildcard)) != NULL);
}

void covered_names_clear(struct covered_names *covered)
{
    name_map_clear(&covered->names);
    *covered = (struct covered_names){0};
}
