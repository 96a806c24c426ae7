/* Where a command's records go: printed as they come, or with `--publish` into DNS, and then
 * printed where they were changed there. What cannot be is told on stderr.
 *
 *     CLEANUP(record_output_close) struct record_output output;
 *     if (!record_output_open(&output, invocation, settings, RECORDS_GATED)) …
 *     record_output_add(&output, &view, RECORDS_OF_ID, catalogue_view_id(&view));      for each
 * domain code = record_output_end(&output); record_output_publish(&output); */
#ifndef CLI_RECORD_OUTPUT_H
#define CLI_RECORD_OUTPUT_H

#include "cli/invocation.h"
#include "cli/record_writer.h"
#include "publish/publication.h"
#include "publish/record_gate.h"

enum {
    RECORD_OUTPUT_WAIT_MS = 30000,  /* of commands that change the policy themselves */
    RECORD_OUTPUT_GRACE_MS = 3000,  /* without `--wait`: a server reads an edit of just now */
    RECORD_OUTPUT_NAMES_TOLD = 100, /* of what failed for one and the same reason */
};

/* What of the records of names that have no certificate: they pass without a look, or with a word;
 * or they are left out. What is published to names that are not new, or with --publish, is always
 * looked at so. */
enum record_output_gate { RECORDS_UNGATED, RECORDS_GATED, RECORDS_GATED_STRICTLY };

struct record_output {
    const char *format; /* of `--format`; may be NULL */
    bool publishes;
    bool unserved;   /* publishes also what is not known to be served */
    int64_t wait_ms; /* until policies are served, at most */
    enum record_output_gate gating;
    bool failed;    /* of at least one domain; the others' are put out all the same */
    size_t lacking; /* names without a certificate */
    struct domain_records records;
    struct record_gate gate;
    struct record_writer writer;
    struct publication publication;
    json_t *changes; /* "changes" of a JSON document; owned; NULL: it has none */
};

/* The command has the options `format` and `publish`. False: told; nothing is to be begun then.
 * Close either way. */
bool record_output_open(struct record_output *ret_output, const struct invocation *invocation,
                        const struct settings *settings, enum record_output_gate gating);
void record_output_close(struct record_output *output);
/* For commands that have them: `wait`, `url` and `unserved`. False: told. */
bool record_output_take_wait(struct record_output *output, const struct invocation *invocation);

/* Whether VIEW's name has a certificate, or may go without: else what it lacks is told. */
bool record_output_passes(struct record_output *output, const struct catalogue_view *view);
/* The records OF VIEW with the id WRITTEN. */
void record_output_add(struct record_output *output, const struct catalogue_view *view,
                       enum records_of of, struct bytes written);

/* All that is to be printed is. What names lack certificates is summed up; an enum command_exit. */
int record_output_end(struct record_output *output);
/* With --publish: publishes what does not stand already, once its policy is served. False: some are
 * not. A name that waits for its certificate is no failure; record_output_end() counts it where it
 * is to count. */
bool record_output_publish(struct record_output *output);

#endif
