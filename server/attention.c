#include "attention.h"

#include <string.h>

#include "acme/protocol/messages.h"
#include "lib/base/memory.h"
#include "lib/base/safe_json.h"
#include "lib/base/safe_text.h"

/* Each fills in count, subject and text where there is something; the texts name the first one that
 * it is about, since the rest is in the lists of `status`. */

static void find_loading(const struct attention_facts *facts, struct attention *ret)
{
    if (facts->loading != NULL) {
        ret->count = 1;
        ret->text = memory_printf("%s; names are answered as soon as they are known: wait for the "
                                  "end of it with \"mtasts-host status --wait-ready\"",
                                  facts->loading);
    }
}

static void find_stopping(const struct attention_facts *facts, struct attention *ret)
{
    if (facts->stopping) {
        ret->count = 1;
        ret->text = memory_string("the server is stopping; start it again if that was not meant");
    }
}

static void find_configuration(const struct attention_facts *facts, struct attention *ret)
{
    if (facts->configuration_problem != NULL) {
        ret->count = 1;
        ret->text = memory_printf("the main configuration has errors, so the last good one is in "
                                  "use: %s; mend it, then \"mtasts-host reload\"",
                                  SAFE_TEXT(facts->configuration_problem));
    }
}

static size_t count_keys(const char *keys)
{
    size_t count = 1;
    for (const char *at = strchr(keys, ','); at != NULL; at = strchr(at + 1, ',')) {
        count++;
    }
    return count;
}

static void find_restart(const struct attention_facts *facts, struct attention *ret)
{
    if (facts->restart_keys != NULL && facts->restart_keys[0] != '\0') {
        ret->count = count_keys(facts->restart_keys);
        ret->subject = memory_string(facts->restart_keys);
        ret->text = memory_printf("changes of the main configuration wait for a restart: %s; "
                                  "restart the server",
                                  facts->restart_keys);
    }
}

/* The files that errors are about, of those that are listed, and the first of them. Diagnostics of
 * one file stand together; what is said of BESIDES (NULL: of none) is told elsewhere. */
static size_t count_files(const struct diagnostics *diagnostics, const char *besides,
                          const char **ret_first)
{
    size_t count = 0;
    const char *last = NULL;
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        if (item->severity != SEVERITY_ERROR || (last != NULL && strcmp(last, item->file) == 0) ||
            (besides != NULL && strcmp(besides, item->file) == 0)) {
            continue;
        }
        *ret_first = count == 0 ? item->file : *ret_first;
        last = item->file;
        count++;
    }
    return count;
}

/* What is held is an error too, of the directory that is missing or the file that is open; it has a
 * row of its own. So where something is, what is listed does not tell which files are meant here.
 */
static size_t count_in_error(const struct loader_status *loaded, const char **ret_first)
{
    size_t in_error = loaded->counts.files_in_error;
    size_t open = loaded->counts.files_still_open;
    if (loaded->counts.removals_held != 0 || open != 0) {
        return (in_error > open ? in_error - open : 0) + loaded->certificates_in_error -
               loaded->denied.count;
    }
    size_t listed = count_files(&loaded->diagnostics, loaded->denied.first, ret_first);
    return listed > in_error ? listed : in_error;
}

static void find_files(const struct attention_facts *facts, struct attention *ret)
{
    const char *first = NULL;
    ret->count = facts->loaded != NULL ? count_in_error(facts->loaded, &first) : 0;
    if (ret->count == 0) {
        return;
    }
    ret->subject = memory_string_or_null(first);
    ret->text =
        memory_printf("%zu %s in error, what they said last that was good is served; mend "
                      "what \"problems\" says%s%s",
                      ret->count, ret->count == 1 ? "file is" : "files are",
                      first != NULL ? ", first in " : "", first != NULL ? SAFE_TEXT(first) : "");
}

static void find_denied(const struct attention_facts *facts, struct attention *ret)
{
    const struct certificate_denied *denied = facts->loaded != NULL ? &facts->loaded->denied : NULL;
    if (denied != NULL && denied->count != 0) {
        ret->count = denied->count;
        ret->subject = memory_string(denied->first);
        ret->text = memory_printf(
            "%zu path%s of certificates may not be read by the server's user: %s; %s", ret->count,
            ret->count == 1 ? "" : "s", denied->why, SAFE_TEXT(denied->advice));
    }
}

static void find_held(const struct attention_facts *facts, struct attention *ret)
{
    if (facts->loaded != NULL && facts->loaded->counts.removals_held != 0) {
        ret->count = facts->loaded->counts.removals_held;
        ret->text = memory_printf("the removal of %zu domain%s is held; put the files back, or "
                                  "\"mtasts-host reload --accept-removals\" accepts it, with PATH "
                                  "that of one file or directory that \"problems\" names",
                                  ret->count, ret->count == 1 ? "" : "s");
    }
}

static void find_open(const struct attention_facts *facts, struct attention *ret)
{
    if (facts->loaded != NULL && facts->loaded->counts.files_still_open != 0) {
        ret->count = facts->loaded->counts.files_still_open;
        ret->text =
            memory_printf("%zu file%s something away and %s not closed, or cut off at the end, so "
                          "what %s took is "
                          "served still; let the writer finish, save anew, or \"mtasts-host reload "
                          "--accept-removals\" accepts it, with PATH that of one file",
                          ret->count, ret->count == 1 ? " takes" : "s take",
                          ret->count == 1 ? "is" : "are", ret->count == 1 ? "it" : "they");
    }
}

static void find_memory(const struct attention_facts *facts, struct attention *ret)
{
    if (facts->loaded != NULL && facts->loaded->memory_problem != NULL) {
        ret->count = 1;
        ret->text = memory_printf("what is served cannot be remembered, so after a restart nothing "
                                  "holds what files take away by mistake: %s; mend that, the next "
                                  "try follows by itself",
                                  SAFE_TEXT(facts->loaded->memory_problem));
    }
}

/* With ACME, the client knows of each name why it has none; without, none is the operator's. */
static void find_without(const struct attention_facts *facts, struct attention *ret)
{
    const char *first = NULL;
    if (facts->acme != NULL) {
        ret->count = facts->acme->without.count;
        first = facts->acme->without.name;
    } else if (facts->loaded != NULL) {
        ret->count = facts->loaded->found.concerns.without.count;
        first = facts->loaded->found.concerns.without.name;
    }
    if (ret->count != 0) {
        ret->subject = memory_string_or_null(first);
        ret->text = memory_printf(
            "%zu name%s had no certificate for an hour, so senders get no policy: %s%s; %s",
            ret->count, ret->count == 1 ? "" : "s", first != NULL ? SAFE_TEXT(first) : "",
            ret->count == 1 ? "" : " and others",
            facts->acme != NULL ? "\"mtasts-host cert list\" says why"
                                : "put one where `certificates` points, or retire the domain");
    }
}

static void find_ending(const struct attention_facts *facts, struct attention *ret)
{
    const struct concern *file = NULL;
    const char *first = NULL;
    if (facts->loaded != NULL && facts->loaded->found.concerns.ending.count != 0) {
        file = &facts->loaded->found.concerns.ending;
        ret->count = file->count;
        first = file->name;
    }
    if (facts->acme != NULL && facts->acme->ending.count != 0) {
        ret->count += facts->acme->ending.count;
        first = first != NULL ? first : facts->acme->ending.name;
    }
    if (ret->count != 0) {
        ret->subject = memory_string_or_null(first);
        ret->text =
            memory_printf("%zu certificate%s end%s soon and nobody has renewed %s: %s%s%s; %s",
                          ret->count, ret->count == 1 ? "" : "s", ret->count == 1 ? "s" : "",
                          ret->count == 1 ? "it" : "them", first != NULL ? SAFE_TEXT(first) : "",
                          file != NULL ? " in " : "", file != NULL ? SAFE_TEXT(file->path) : "",
                          file != NULL ? "see why what writes these files does not"
                                       : "\"mtasts-host cert list\" says why");
    }
}

static void find_acme(const struct attention_facts *facts, struct attention *ret)
{
    const struct acme_status *acme = facts->acme;
    const char *problem = acme != NULL ? acme->problem : NULL;
    const char *name = NULL;
    ret->count = problem != NULL;
    for (size_t i = 0; acme != NULL && i < acme->ca_count; i++) {
        if (acme->cas[i].problem != NULL) {
            ret->count++;
            name = name != NULL || problem != NULL ? name : acme->cas[i].name;
            problem = problem != NULL ? problem : acme->cas[i].problem;
        }
    }
    if (ret->count != 0) {
        ret->subject = memory_string_or_null(name);
        ret->text = memory_printf(
            "no certificate can be ordered%s%s: %s; mend that, the next try follows by itself",
            name != NULL ? " at " : "", name != NULL ? SAFE_TEXT(name) : "", SAFE_TEXT(problem));
    }
}

static bool is_failing(const struct mirror_status_row *row)
{
    return row->failures >= ATTENTION_MIRROR_FAILURES || (row->failures != 0 && !row->has_policy);
}

/* The first that fails, and how many do. */
static const struct mirror_status_row *find_row(const struct mirror_status *mirror,
                                                size_t *ret_count)
{
    const struct mirror_status_row *first = NULL;
    for (size_t i = 0; mirror != NULL && i < mirror->count; i++) {
        if (is_failing(&mirror->rows[i])) {
            first = first != NULL ? first : &mirror->rows[i];
            ++*ret_count;
        }
    }
    return first;
}

static void find_failing(const struct attention_facts *facts, struct attention *ret)
{
    const struct mirror_status_row *first = find_row(facts->mirror, &ret->count);
    if (first != NULL) {
        ret->subject = memory_string(first->domain);
        ret->text = memory_printf(
            "the policy of %s, which is mirrored, cannot be fetched: %s; %s", first->domain,
            SAFE_TEXT(first->problem != NULL ? first->problem : ""),
            first->has_policy ? "the last good one is served" : "domains that are to have it wait");
    }
}

/* A CA that is busy, or a line that is down, for a moment, is none: the client waits by itself. */
enum { ACME_GRACE_S = 600 };

static const struct {
    const char *name;
    void (*find)(const struct attention_facts *facts, struct attention *ret);
    int64_t grace_s; /* so long it must have stood */
} table[ATTENTION_CODES] = {
    [ATTENTION_LOADING] = {"loading", find_loading, 0},
    [ATTENTION_STOPPING] = {"stopping", find_stopping, 0},
    [ATTENTION_CONFIGURATION_IN_ERROR] = {"configuration-in-error", find_configuration, 0},
    [ATTENTION_RESTART_NEEDED] = {"restart-needed", find_restart, 0},
    [ATTENTION_FILES_IN_ERROR] = {"files-in-error", find_files, 0},
    [ATTENTION_CERTIFICATES_DENIED] = {"certificates-denied", find_denied, 0},
    [ATTENTION_REMOVALS_HELD] = {"removals-held", find_held, 0},
    [ATTENTION_STILL_OPEN] = {"still-open", find_open, 0},
    [ATTENTION_NOT_REMEMBERED] = {"not-remembered", find_memory, 0},
    [ATTENTION_NAMES_WITHOUT_CERTIFICATE] = {"names-without-certificate", find_without, 0},
    [ATTENTION_CERTIFICATES_ENDING] = {"certificates-ending", find_ending, 0},
    [ATTENTION_ACME_CANNOT_ORDER] = {"acme-cannot-order", find_acme, ACME_GRACE_S},
    [ATTENTION_MIRRORS_FAILING] = {"mirrors-failing", find_failing, 0},
};

const char *attention_name(enum attention_code code)
{
    return table[code].name;
}

static void clear_one(struct attention *item)
{
    free(item->subject);
    free(item->text);
    *item = (struct attention){.told = item->told};
}

static void find_one(enum attention_code code, const struct attention_facts *facts,
                     struct attention *item)
{
    int64_t since_s = item->since_s != 0 ? item->since_s : facts->now_s;
    clear_one(item);
    table[code].find(facts, item);
    bool stands = item->count != 0;
    if (stands && facts->now_s - since_s < table[code].grace_s) {
        clear_one(item);
    }
    item->since_s = stands ? since_s : 0;
}

void attentions_find(const struct attention_facts *facts, struct attentions *found)
{
    for (int code = 0; code < ATTENTION_CODES; code++) {
        find_one((enum attention_code)code, facts, &found->items[code]);
    }
}

void attentions_clear(struct attentions *found)
{
    for (int code = 0; code < ATTENTION_CODES; code++) {
        clear_one(&found->items[code]);
    }
}

json_t *attentions_json(const struct attentions *found)
{
    json_t *list = json_array();
    for (int code = 0; code < ATTENTION_CODES; code++) {
        const struct attention *item = &found->items[code];
        if (item->count != 0) {
            json_array_append_new(list, json_pack("{s:s,s:o,s:I,s:I,s:o}", "code", table[code].name,
                                                  "subject", safe_json_text(item->subject), "count",
                                                  (json_int_t)item->count, "since",
                                                  (json_int_t)item->since_s, "text",
                                                  safe_json_text(item->text)));
        }
    }
    return list;
}

void attentions_log(struct attentions *found, struct log *log)
{
    for (int code = 0; code < ATTENTION_CODES; code++) {
        struct attention *item = &found->items[code];
        if (item->count != 0 && !item->told) {
            CLEANUP_FREE char *text =
                acme_problem_for_log(item->text); /* a CA's links have tokens */
            log_event(log, LOG_LEVEL_WARNING, "server.attention",
                      LOG_TEXT("code", table[code].name), LOG_NUMBER("count", item->count),
                      LOG_TEXT("text", text));
        } else if (item->count == 0 && item->told) {
            log_event(log, LOG_LEVEL_INFO, "server.attention.over",
                      LOG_TEXT("code", table[code].name));
        }
        item->told = item->count != 0;
    }
}
