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
        .wait_ms = RECORD_OUTPUT_WAIT_MS,
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

bool record_output_take_wait(struct record_output *output, const struct invocation *invocation)
{
    struct error e;
    const char *url = invocation_value(invocation, "url");
    output->wait_ms = invocation_has(invocation, "wait")
                          ? invocation_duration_s(invocation, "wait", 0) * 1000
                          : RECORD_OUTPUT_GRACE_MS;
    output->unserved = invocation_has(invocation, "unserved");
    return url == NULL || serving_wait_at(&output->publication.wait, url, &e) || tell(&e);
}

void record_output_close(struct record_output *output)
{
    publication_close(&output->publication);
    record_gate_close(&output->gate);
    domain_records_clear(&output->records);
    json_decref(output->changes);
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
    bool waits = output->lacking != 0 && output->gating == RECORDS_GATED_STRICTLY;
    return output->gate.blind != NULL ? COMMAND_FAILED : waits ? COMMAND_NO : COMMAND_DONE;
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
        record_writer_end(&output->writer, "changes", output->changes);
    }
    int code = end_gate(output);
    return output->failed ? COMMAND_FAILED : code;
}

/* --- Publishing --- */

/* One that is not published: who, and why. */
struct untold {
    char *who; /* owned */
    char *why; /* owned */
};

static void free_untold(struct untold *untold, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(untold[i].who);
        free(untold[i].why);
    }
    free(untold);
}

/* A shared policy's record is nobody's in particular. */
static struct untold make_untold(const struct publication *publication,
                                 const struct publication_record *item)
{
    const struct record *record = &item->record;
    const struct serving_item *serving = &publication->wait.items[item->serving];
    if (item->outcome == PUBLICATION_FAILED) {
        return (struct untold){memory_string_of(record->name), memory_string(item->why)};
    }
    return (struct untold){
        record->shared.n != 0 ? memory_printf("shared policy %.*s", BYTES_ARG(record->shared))
                              : memory_string_of(record->domain),
        memory_printf("its policy is not served yet (%s); look at \"mtasts-host status\", and run "
                      "this again, or with --wait",
                      serving->why != NULL ? serving->why : "nobody could be asked"),
    };
}

static int by_reason(const void *a, const void *b)
{
    const struct untold *one = a;
    const struct untold *other = b;
    int order = strcmp(one->why, other->why);
    return order != 0 ? order : strcmp(one->who, other->who);
}

/* Names of one reason stand together; the reason is told once. */
static void tell_untold(struct untold *untold, size_t count)
{
    qsort(untold, count, sizeof(untold[0]), by_reason);
    for (size_t i = 0, first = 0; i < count; i++) {
        if (strcmp(untold[i].why, untold[first].why) != 0) {
            first = i;
        }
        if (i - first < RECORD_OUTPUT_NAMES_TOLD) {
            fprintf(stderr, "mtasts-host: %s: not published: %s\n", untold[i].who,
                    i == first ? untold[i].why : "as the one before");
        } else if (i + 1 == count || strcmp(untold[i + 1].why, untold[i].why) != 0) {
            fprintf(stderr, "mtasts-host: %zu more names: not published: %s\n",
                    i + 1 - first - RECORD_OUTPUT_NAMES_TOLD, untold[i].why);
        }
    }
}

/* Prints what was published, and tells what was not. */
static void write_published(struct record_output *output, size_t counts[PUBLICATION_OUTCOMES])
{
    const struct publication *publication = &output->publication;
    struct untold *untold = memory_zero(publication->count + 1, sizeof(*untold));
    size_t untold_count = 0;
    begin_writing(output);
    for (size_t i = 0; i < publication->count; i++) {
        const struct publication_record *item = &publication->records[i];
        counts[item->outcome]++;
        if (item->outcome == PUBLICATION_DONE) {
            record_writer_add(&output->writer, &item->record);
        } else if (item->outcome != PUBLICATION_STOOD) {
            untold[untold_count++] = make_untold(publication, item);
        }
    }
    record_writer_end(&output->writer, "changes", output->changes);
    tell_untold(untold, untold_count);
    free_untold(untold, untold_count);
}

/* The sum: what is told above is counted in it. */
static void tell_sum(const size_t counts[PUBLICATION_OUTCOMES], size_t lacking)
{
    size_t failed = counts[PUBLICATION_FAILED];
    size_t unserved = counts[PUBLICATION_UNSERVED];
    size_t done = counts[PUBLICATION_DONE];
    fprintf(stderr, "%zu record%s published, %zu stood already, %zu not published", done,
            done == 1 ? "" : "s", counts[PUBLICATION_STOOD], failed + unserved + lacking);
    if (failed + unserved + lacking != 0) {
        fprintf(stderr, ": %zu failed, %zu not served yet, %zu without a certificate%s", failed,
                unserved, lacking, failed + unserved != 0 ? "; run this again for the rest" : "");
    }
    fputc('\n', stderr);
}

/* Until the policies of what is to be changed are served. */
static void wait_served(struct record_output *output)
{
    struct progress_line line = progress_line_begin();
    output->publication.progress = (struct progress){progress_line_show, &line};
    size_t differing = publication_compare(&output->publication);
    progress_line_end(&line);
    line = progress_line_begin();
    if (differing != 0 && !output->unserved) {
        publication_wait(&output->publication, output->wait_ms);
    }
    progress_line_end(&line);
}

bool record_output_publish(struct record_output *output)
{
    size_t counts[PUBLICATION_OUTCOMES] = {0};
    wait_served(output);
    struct progress_line line = progress_line_begin();
    output->publication.progress = (struct progress){progress_line_show, &line};
    publication_run(&output->publication);
    progress_line_end(&line);
    write_published(output, counts);
    tell_sum(counts, output->lacking);
    return counts[PUBLICATION_FAILED] + counts[PUBLICATION_UNSERVED] == 0;
}
