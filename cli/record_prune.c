#include "record_prune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/opening.h"
#include "cli/progress_line.h"
#include "cli/record_writer.h"
#include "publish/prune.h"

enum { AT_MOST = 1000, AT_MOST_MAX = 1000000, TOLD_MAX = 100 };

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* Those that went, as they stood, to OUT. */
static void write_gone(const struct prune *prune, const char *format)
{
    struct record_writer writer;
    record_writer_begin(&writer, stdout, format);
    for (size_t i = 0; i < prune->count; i++) {
        if (prune->records[i].outcome == PRUNE_GONE) {
            record_writer_add(&writer, &prune->records[i].record);
        }
    }
    record_writer_end(&writer, NULL, NULL);
}

/* Those that did not go, of each kind the first. */
static void tell_others(const struct prune *prune)
{
    size_t told[PRUNE_FAILED + 1] = {0};
    for (size_t i = 0; i < prune->count; i++) {
        const struct prune_record *item = &prune->records[i];
        if (item->outcome == PRUNE_GONE || told[item->outcome]++ >= TOLD_MAX) {
            continue;
        }
        if (item->outcome == PRUNE_FAILED) {
            fprintf(stderr, "mtasts-host: %.*s: not taken away: %s\n", BYTES_ARG(item->record.name),
                    item->why);
        } else {
            fprintf(stderr,
                    "%.*s: stays: it does not read as it was published of what %.*s served "
                    "last; where it is yours, take it away by hand\n",
                    BYTES_ARG(item->record.name), BYTES_ARG(item->record.domain));
        }
    }
    for (size_t i = PRUNE_KEPT; i <= PRUNE_FAILED; i++) {
        if (told[i] > TOLD_MAX) {
            fprintf(stderr, "%zu more %s\n", told[i] - TOLD_MAX,
                    i == PRUNE_KEPT ? "stay" : "were not taken away");
        }
    }
}

static void tell_sum(const struct prune *prune)
{
    const size_t *domains = prune->domains;
    size_t kept = prune->count - prune->gone - prune->failed;
    fprintf(stderr, "%zu record%s %staken away, %zu kept, %zu failed%s\n", prune->gone,
            plural(prune->gone), prune->dry_run ? "would be " : "", kept, prune->failed,
            prune->more ? "; there are more: run this again (--at-most)" : "");
    fprintf(stderr,
            "%zu domain%s left: %zu may go, %zu may be held by senders, %zu not known well enough, "
            "%zu in policy files, %zu served\n",
            prune->looked_at, plural(prune->looked_at), domains[PRUNE_MAY_GO], domains[PRUNE_HELD],
            domains[PRUNE_UNKNOWN], domains[PRUNE_CONFIGURED], domains[PRUNE_SERVED]);
}

static bool read_at_most(const struct invocation *invocation, size_t *ret_at_most)
{
    const char *text = invocation_value(invocation, "at-most");
    char *end = NULL;
    *ret_at_most = text != NULL ? strtoul(text, &end, 10) : AT_MOST;
    return text == NULL ||
           (text[0] >= '1' && text[0] <= '9' && *end == '\0' && *ret_at_most <= AT_MOST_MAX);
}

int record_prune(const struct invocation *invocation, const struct workspace *workspace)
{
    struct error e;
    struct progress_line line = progress_line_begin();
    const char *format = invocation_value(invocation, "format");
    CLEANUP(prune_clear)
    struct prune prune = {
        .workspace = workspace,
        .dry_run = invocation_has(invocation, "dry-run"),
        .progress = {progress_line_show, &line},
    };
    if (format != NULL && strcmp(format, "nsupdate") == 0) {
        return invocation_usage(invocation, "--prune prints what stood, not what is to be done: "
                                            "--format zone, json or ndjson");
    }
    if (!read_at_most(invocation, &prune.at_most)) {
        return invocation_usage(invocation, "--at-most takes a number from 1 to %d", AT_MOST_MAX);
    }
    bool ok = prune_run(&prune, &e);
    progress_line_end(&line);
    write_gone(&prune, format);
    tell_others(&prune);
    if (!ok) {
        return fail(&e);
    }
    tell_sum(&prune);
    return prune.failed != 0 ? COMMAND_FAILED : COMMAND_DONE;
}
