#include "record_output.h"

#include <stdio.h>
#include <string.h>

#include "cli/opening.h"
#include "cli/progress_line.h"
#include "lib/base/clock.h"

enum { LACKING_TOLD = 10 };

bool record_output_open(struct record_output *ret_output, const struct invocation *invocation,
                        const struct settings *settings, enum record_output_gate gating)
{
    struct error e;
    *ret_output = (struct record_output){
        .format = invocation_value(invocation, "format"),
        .publishes = invocation_has(invocation, "publish"),
        .gating = gating,
        .records.settings = settings,
    };
    if (ret_output->publishes && !publication_open(&ret_output->publication, settings, &e)) {
        return tell(&e);
    }
    if (gating != RECORDS_UNGATED) {
        record_gate_open(&ret_output->gate, settings, clock_wall_s());
    }
    return true;
}

void record_output_close(struct record_output *output)
{
    publication_close(&output->publication);
    record_gate_close(&output->gate);
    domain_records_clear(&output->records);
}

/* --- Certificates --- */

static void tell_lacking(struct record_output *output, struct bytes domain)
{
    if (output->lacking++ < LACKING_TOLD) {
        fprintf(stderr, "mta-sts.%.*s has no certificate yet: %s\n", BYTES_ARG(domain),
                output->publishes
                    ? "its TXT record is not published: every sender's fetch would fail"
                : output->gating == RECORDS_GATED_STRICTLY
                    ? "its TXT record is not printed (--strict)"
                    : "publish its TXT record after HTTPS works, else every sender's fetch fails");
    }
}

bool record_output_passes(struct record_output *output, const struct catalogue_view *view)
{
    if (output->gating == RECORDS_UNGATED) {
        return true;
    }
    enum record_gate_answer answer = record_gate_ask(&output->gate, view->entry->name);
    if (answer == RECORD_GATE_LACKS) {
        tell_lacking(output, view->entry->name);
    }
    return answer == RECORD_GATE_HAS || (output->gating == RECORDS_GATED && !output->publishes);
}

static int end_gate(const struct record_output *output)
{
    if (output->gate.blind != NULL) {
        fprintf(stderr, "mtasts-host: which names have a certificate is not known: %s\n",
                output->gate.blind);
    }
    if (output->lacking > LACKING_TOLD) {
        fprintf(stderr,
                "%zu more names have no certificate yet; \"mtasts-host cert list\" has them all\n",
                output->lacking - LACKING_TOLD);
    }
    if (output->gating == RECORDS_GATED && !output->publishes) {
        return COMMAND_DONE;
    }
    return output->gate.blind != NULL ? COMMAND_FAILED
           : output->lacking != 0     ? COMMAND_NO
                                      : COMMAND_DONE;
}

/* --- Records --- */

static void begin_writing(struct record_output *output)
{
    if (output->writer.out == NULL) {
        record_writer_begin(&output->writer, stdout, output->format);
    }
}

void record_output_add(struct record_output *output, const struct catalogue_view *view,
                       enum records_of of, struct bytes written)
{
    struct error e;
    CLEANUP(record_set_clear) struct record_set set = {0};
    if (!domain_records_make(&output->records, view, of, written, &set, &e)) {
        fprintf(stderr, "mtasts-host: %.*s: %s\n", BYTES_ARG(view->entry->name), e.text);
        output->failed = true;
    }
    if (output->publishes) {
        publication_add(&output->publication, view, &set);
        return;
    }
    begin_writing(output);
    for (size_t i = 0; i < set.count; i++) {
        record_writer_add(&output->writer, &set.items[i]);
    }
}

int record_output_end(struct record_output *output)
{
    if (!output->publishes) {
        begin_writing(output);
        record_writer_end(&output->writer);
    }
    int code = end_gate(output);
    return output->failed ? COMMAND_FAILED : code;
}

/* --- Publishing --- */

static void tell_unserved(const struct serving_wait *wait)
{
    for (size_t i = 0; i < wait->count; i++) {
        const struct serving_item *item = &wait->items[i];
        if (!item->served) {
            fprintf(stderr,
                    "mtasts-host: %s: not published: its policy is not served yet (%s); look at "
                    "\"mtasts-host status\", and run this again\n",
                    item->domain, item->why != NULL ? item->why : "nobody could be asked");
        }
    }
}

static void warn_of_unserved(const struct serving_wait *wait, size_t missing)
{
    if (missing != 0) {
        fprintf(stderr,
                "mtasts-host: warning: that the policies of %zu of these are served is not known "
                "(%s): a sender that sees a new id before fetches the old policy, and keeps it "
                "under that id until its max_age is over; bump-id --publish --wait publishes "
                "after they are served\n",
                missing, wait->unasked != NULL ? wait->unasked : "another text is");
    }
}

static int by_reason(const void *a, const void *b)
{
    const struct publication_record *const *one = a;
    const struct publication_record *const *other = b;
    int order = strcmp((*one)->why, (*other)->why);
    return order != 0 ? order : bytes_compare((*one)->record.name, (*other)->record.name);
}

/* Those that failed, sorted: names of one reason stand together, and the reason is told once. */
static void tell_failures(const struct publication_record *const *failed, size_t count)
{
    for (size_t i = 0, first = 0; i < count; i++) {
        if (strcmp(failed[i]->why, failed[first]->why) != 0) {
            first = i;
        }
        if (i - first < RECORD_OUTPUT_NAMES_TOLD) {
            fprintf(stderr, "mtasts-host: %.*s: not published: %s\n",
                    BYTES_ARG(failed[i]->record.name),
                    i == first ? failed[i]->why : "as the one before");
        } else if (i + 1 == count || strcmp(failed[i + 1]->why, failed[i]->why) != 0) {
            fprintf(stderr, "mtasts-host: %zu more names: not published: %s\n",
                    i + 1 - first - RECORD_OUTPUT_NAMES_TOLD, failed[i]->why);
        }
    }
}

/* What was published is printed. False: something was not. */
static bool report(struct record_output *output)
{
    const struct publication *publication = &output->publication;
    size_t counts[PUBLICATION_FAILED + 1] = {0};
    CLEANUP_FREE const struct publication_record **failed =
        memory_zero(publication->count, sizeof(struct publication_record *));
    begin_writing(output);
    for (size_t i = 0; i < publication->count; i++) {
        const struct publication_record *item = &publication->records[i];
        if (item->outcome == PUBLICATION_DONE) {
            record_writer_add(&output->writer, &item->record);
        } else if (item->outcome == PUBLICATION_FAILED) {
            failed[counts[PUBLICATION_FAILED]] = item;
        }
        counts[item->outcome]++;
    }
    record_writer_end(&output->writer);
    size_t failures = counts[PUBLICATION_FAILED];
    if (failures != 0) {
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): it sorts pointers */
        qsort(failed, failures, sizeof(failed[0]), by_reason);
        tell_failures(failed, failures);
    }
    fprintf(stderr, "%zu records published, %zu stood already, %zu not published%s\n",
            counts[PUBLICATION_DONE], counts[PUBLICATION_STOOD], failures,
            failures != 0 ? ": run this again for the rest" : "");
    return failures == 0;
}

bool record_output_publish(struct record_output *output, int64_t wait_ms)
{
    struct publication *publication = &output->publication;
    struct progress_line line = progress_line_begin();
    publication->progress = (struct progress){progress_line_show, &line};
    size_t missing =
        wait_ms != 0 ? publication_wait(publication, wait_ms) : publication_look(publication);
    progress_line_end(&line);
    if (wait_ms != 0) {
        tell_unserved(&publication->wait);
    } else {
        warn_of_unserved(&publication->wait, missing);
    }
    line = progress_line_begin();
    publication_run(publication);
    progress_line_end(&line);
    return report(output) && (missing == 0 || wait_ms == 0);
}
