/* What was served, over a restart: the first apply begins with it as if it had been applied, and
 * what changes since is handed to who writes it (policies/memory/served_memory.h).
 *
 * A file is remembered by its entry of `policies` as the configuration writes it, and by its path
 * below that. An entry of the configuration that the memory does not know (a release directory,
 * another mount point) stands for one that the configuration does not name any more and that had
 * the same paths below it. */
#include <stdlib.h>

#include "lib/base/parallel.h"
#include "policies/files/version_record.h"
#include "policies/live/last_good_import.h"
#include "policies/live/policy_set_parts.h"

enum { ROWS_AHEAD = 256, PATHS_COMPARED = 64 };

/* --- Reading --- */

/* One file as it is remembered. */
struct row {
    int64_t id;
    struct set_text text;
    bool held;
    bool gone;
    uint64_t reader;
    char *entry;
    char *below; /* its path below the entry; "@NAME" with an entry of "": a shared policy */
    size_t top;
    bool good;
    struct policy_file parsed;
};

struct rows {
    struct policy_set *set;
    struct row *items;
    size_t count;
    size_t capacity;
    bool damaged; /* not all could be read */
};

static void tell(struct policy_set *set, const char *subject, const char *problem)
{
    struct diagnostics *lists[] = {&set->memory_problems, &set->fresh};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        diagnostics_add(lists[i], SEVERITY_WARNING, subject, 0, 0,
                        "what was served before this start is not known: %s; policies are served "
                        "as their files have them, and nothing is held that they leave out",
                        problem);
    }
}

static void add_row(const struct served_file *file, void *context)
{
    struct rows *rows = context;
    ARRAY_GROW(rows->items, rows->count, rows->capacity);
    rows->items[rows->count++] = (struct row){
        .id = file->id,
        .text = {file->identity, file->line_end},
        .held = file->held,
        .gone = file->gone,
        .reader = file->reader,
        .entry = memory_string_of(file->entry),
        .below = memory_string_of(file->path),
    };
}

static void *open_handle(void *context)
{
    const struct rows *rows = context;
    struct served_memory *memory = NULL;
    struct error ignored;
    return served_memory_open_existing(rows->set->options.state, &memory, &ignored) ? memory : NULL;
}

static void close_handle(void *own)
{
    served_memory_close(own);
}

/* Any thread; OWN is its handle. */
static void read_row(size_t number, void *own, void *context)
{
    const struct rows *rows = context;
    struct row *row = &rows->items[number];
    struct error ignored;
    CLEANUP(buffer_clear) struct buffer version = BUFFER(VERSION_RECORD_MAX);
    row->good = own != NULL && served_memory_version(own, row->id, &version, &ignored) &&
                version_record_read(buffer_bytes(&version), &row->parsed);
}

/* --- Which entry is which --- */

static bool is_there(const struct set_top *top, const char *below)
{
    struct stat status;
    CLEANUP_FREE char *path =
        below[0] != '\0' ? file_path_join(top->path, below) : memory_string(top->path);
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* How many of the first files of the entry of ROWS[FIRST] TOP has. */
static size_t count_same(const struct rows *rows, size_t first, const struct set_top *top)
{
    size_t same = 0;
    for (size_t i = first; i < rows->count && i < first + PATHS_COMPARED &&
                           strcmp(rows->items[i].entry, rows->items[first].entry) == 0;
         i++) {
        same += is_there(top, rows->items[i].below);
    }
    return same;
}

static void see_file(const char *path, const struct error *e, void *context)
{
    bool *found = context;
    (void)e;
    *found = *found || policy_file_path_counts(path);
}

/* Whether TOP has nothing to compare: it is missing, or an empty directory. */
static bool is_bare(const struct set_top *top)
{
    struct stat status;
    struct error ignored;
    bool found = stat(top->path, &status) == 0 && S_ISREG(status.st_mode);
    (void)(found || watch_list(top->path, see_file, &found, &ignored));
    return !found;
}

static size_t find_entry(const struct policy_set *set, const char *entry)
{
    size_t i = 0;
    while (i < set->top_count && strcmp(set->tops[i].entry, entry) != 0) {
        i++;
    }
    return i;
}

/* Whether what lies at TOP may be remembered by an entry that is. */
static bool is_remembered(const struct policy_set *set, size_t top, const bool *remembers)
{
    bool found = remembers[top];
    for (size_t i = 0; i < set->top_count && set->tops[top].shares && !found; i++) {
        found = remembers[i] && (file_path_is_below(set->tops[i].path, set->tops[top].path) ||
                                 file_path_is_below(set->tops[top].path, set->tops[i].path));
    }
    return found;
}

/* The top that the entry of ROWS[FIRST] stands for now, of those that nobody REMEMBERS. */
static size_t find_successor(const struct rows *rows, size_t first, const bool *remembers)
{
    const struct policy_set *set = rows->set;
    size_t best = set->top_count;
    size_t most = 0;
    for (size_t i = 0; i < set->top_count; i++) {
        const struct set_top *top = &set->tops[i];
        if (is_remembered(set, i, remembers) || top->state == TOP_DROPPED) {
            continue;
        }
        size_t same = count_same(rows, first, top);
        best = same > most || (best == set->top_count && is_bare(top)) ? i : best;
        most = same > most ? same : most;
    }
    return best;
}

/* The rows of one entry stand together. An entry that the configuration does not name any more has
 * lost its files, but for those that lie below another one. */
static void find_tops(struct rows *rows)
{
    struct policy_set *set = rows->set;
    CLEANUP_FREE bool *remembers = memory_zero(set->top_count + rows->count, sizeof(bool));
    for (size_t i = 0; i < rows->count; i++) {
        size_t top = find_entry(set, rows->items[i].entry);
        remembers[top] = top < set->top_count;
    }
    for (size_t i = 0; i < rows->count; i++) {
        struct row *row = &rows->items[i];
        if (i > 0 && strcmp(row->entry, rows->items[i - 1].entry) == 0) {
            row->top = rows->items[i - 1].top;
            continue;
        }
        row->top = find_entry(set, row->entry);
        if (row->top < set->top_count || row->entry[0] == '\0') {
            continue;
        }
        row->top = find_successor(rows, i, remembers);
        if (row->top < set->top_count) {
            remembers[row->top] = true;
            set->unwritten.all_else_is = false; /* under another entry */
        } else {
            row->top = set_add_top(set, bytes_of(row->entry), row->entry, TOP_DROPPED);
        }
    }
}

/* --- Becoming what is applied --- */

static void set_last_path(struct set_shared *shared, const char *path)
{
    free(shared->last_path);
    shared->last_path = memory_string(path);
}

static void restore_orphan(struct policy_set *set, const char *name, struct policy_file *parsed)
{
    const struct policy_file_entry *entry = policy_file_find_policy(parsed, bytes_of(name + 1));
    if (entry != NULL && entry->policy != NULL) {
        struct set_shared *shared = set_shared_mention(set, entry->name);
        if (shared->slot == NULL) {
            set_shared_publish(set, shared,
                               policy_file_take_policy((struct policy_file_entry *)entry));
            shared->remembered = true;
            set_last_path(shared, set->tops[0].path);
            set_shared_touch(set, shared);
        }
        set_shared_unmention(set, shared);
    }
    policy_file_clear(parsed);
}

/* What is remembered of FILE belongs to it; what is served for it is published when it is known
 * what the disk says. */
static void own_restored(struct policy_set *set, struct set_file *file)
{
    struct set_offer *restored = file->restored;
    file->domains = memory_zero(restored->domain_count, sizeof(*file->domains));
    file->shared = memory_zero(restored->shared_count, sizeof(struct set_shared *));
    for (size_t i = 0; i < restored->domain_count; i++) {
        struct offer_domain *offered = &restored->domains[i];
        struct policy_domain *domain =
            policy_index_claim(set->index, (struct bytes){offered->name, offered->name_length});
        if (domain->owner == NULL) {
            domain->owner = file;
            offered->domain = domain;
            file->domains[file->domain_count++] = (struct set_domain){domain, offered->place};
            set->owned++;
        }
    }
    for (size_t i = 0; i < restored->shared_count; i++) {
        struct set_shared *shared = restored->shared[i].shared;
        if (shared->owner == NULL) {
            shared->owner = file;
            shared->place = restored->shared[i].place;
            shared->former = restored->shared[i].policy;
            set_mirror_adopt(set, shared, restored->shared[i].mirror);
            set_last_path(shared, file->path);
            set->shared_defined++;
            shared->mentions++;
            file->shared[file->shared_count++] = shared;
            set_shared_touch(set, shared);
        }
    }
}

static void restore_file(struct policy_set *set, const char *path, size_t top,
                         struct policy_file *parsed, const struct row *row)
{
    struct set_file *file = set_files_find_or_add(set, path, top);
    set->unwritten.all_else_is = set->unwritten.all_else_is && file->top == top;
    if (file->restored != NULL) { /* by two entries that lie within each other */
        policy_file_clear(parsed);
        return;
    }
    file->restored = set_offer_new(set, parsed);
    file->was_held = row->held;
    file->held_gone = row->gone;
    file->applied = row->text;
    file->text = row->text;
    file->whole = row->text;
    file->text_known = row->reader == version_record_reader(&set->options.defaults);
    own_restored(set, file);
}

static void take_row(size_t number, void *context)
{
    struct rows *rows = context;
    struct row *row = &rows->items[number];
    if (!row->good) {
        rows->damaged = true;
    } else if (row->entry[0] == '\0') {
        restore_orphan(rows->set, row->below, &row->parsed);
    } else {
        const char *top = rows->set->tops[row->top].path;
        if (number > 0 && strcmp(row->entry, row[-1].entry) != 0) {
            set_files_settle(rows->set); /* as two entries may have the same path */
        }
        CLEANUP_FREE char *path =
            row->below[0] != '\0' ? file_path_join(top, row->below) : memory_string(top);
        restore_file(rows->set, path, row->top, &row->parsed, row);
    }
}

static bool is_abandoned(void *context)
{
    const struct rows *rows = context;
    const struct policy_set_options *options = &rows->set->options;
    return options->abandoned != NULL && options->abandoned(options->context);
}

static void rows_clear(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        policy_file_clear(&rows->items[i].parsed);
        free(rows->items[i].entry);
        free(rows->items[i].below);
    }
    free(rows->items);
}

/* False: there is no memory, or none that can be read. */
static bool list_rows(struct policy_set *set, struct rows *rows)
{
    struct served_memory *memory = NULL;
    struct error e;
    bool known = served_memory_open_existing(set->options.state, &memory, &e) &&
                 served_memory_each(memory, add_row, rows, &e);
    served_memory_close(memory);
    if (!known && e.code != ERROR_NOT_FOUND) {
        tell(set, set->options.state, e.text);
    }
    return known;
}

/* A last good copy that version 0.1.0 kept. */
static void import(const struct last_good_kept *copy, void *context)
{
    struct policy_set *set = context;
    const char *source = copy->source;
    CLEANUP(diagnostics_clear) struct diagnostics ignored = {0};
    struct policy_file parsed;
    if (!policy_file_parse(copy->yaml, source, &set->options.defaults, &parsed, &ignored)) {
        tell(set, source, "its last good copy is damaged");
    } else if (source[0] == '@') {
        restore_orphan(set, source, &parsed);
    } else {
        size_t top = 0;
        while (top < set->top_count && !file_path_is_below(source, set->tops[top].path)) {
            top++;
        }
        if (top < set->top_count) {
            restore_file(set, source, top, &parsed, &(struct row){.held = copy->held});
        } else {
            policy_file_clear(&parsed); /* configured no more */
        }
    }
}

void set_memory_restore(struct policy_set *set)
{
    struct rows rows = {.set = set};
    if (set->options.state == NULL) {
        return;
    }
    /* One without a row may have been made by a start that was killed before it had written any. */
    if (!list_rows(set, &rows) || rows.count == 0) {
        struct error e;
        if (!last_good_import_each(set->options.state, import, set, &e)) {
            tell(set, set->options.state, e.text);
        }
        set_files_settle(set);
        rows_clear(&rows);
        return;
    }
    set->unwritten.all_else_is = true;
    find_tops(&rows);
    bool completed = parallel_run(&(struct parallel_jobs){
        .count = rows.count,
        .work = read_row,
        .own_new = open_handle,
        .own_free = close_handle,
        .take = take_row,
        .ahead = ROWS_AHEAD,
        .abandoned = is_abandoned,
        .context = &rows,
    });
    if (rows.damaged) {
        set->unwritten.all_else_is = false;
        tell(set, set->options.state, "parts of served.db are damaged");
    }
    set->is_abandoned = set->is_abandoned || !completed;
    rows_clear(&rows);
    set_files_settle(set);
}

static void drop_former(struct set_shared *shared, void *context)
{
    (void)context;
    shared->former = NULL;
}

void set_memory_let_go(struct policy_set *set)
{
    set_shared_each(set, drop_former, NULL);
    for (size_t i = 0; i < set->files.count; i++) {
        set_offer_free(set, TAKE(set->files.items[i]->restored));
    }
}

/* --- Handing it over --- */

bool policy_set_remembers(const struct policy_set *set)
{
    return set->unwritten.all_else_is;
}

static void unremember(struct set_shared *shared, void *context)
{
    (void)context;
    shared->remembered = false;
}

void policy_set_remember_afresh(struct policy_set *set)
{
    set_memory_clear_forgotten(set);
    set_shared_each(set, unremember, NULL);
    set->unwritten.orphans = true;
    set->unwritten.all_else_is = true;
    for (size_t i = 0; i < set->files.count; i++) {
        set_memory_note(set, set->files.items[i]);
    }
}

static struct policy_file_place place_of(const struct set_place *place)
{
    return (struct policy_file_place){place->line, place->column};
}

/* The parsed file is not kept: what it said is what is served for it now, borrowed from the index.
 * What its mirrors have no text for stays as it was, and so is kept as that. */
static void add_version(struct policy_set *set, const struct set_file *file, struct buffer *out)
{
    struct policy_file model = {
        .policies = memory_zero(file->shared_count, sizeof(struct policy_file_entry)),
        .domains = memory_zero(file->domain_count, sizeof(struct policy_file_entry)),
    };
    for (size_t i = 0; i < file->shared_count; i++) {
        const struct set_shared *shared = file->shared[i];
        bool former = set_mirror_keeps_text(set, shared);
        bool mirror = shared->mirror != NULL && !former;
        if (mirror || shared->slot != NULL) {
            model.policies[model.policy_count++] = (struct policy_file_entry){
                .name = set_shared_name(shared),
                .place = place_of(&shared->place),
                .policy = mirror ? NULL : shared->slot->policy,
                .mirror = mirror ? shared->mirror : NULL,
            };
        }
    }
    for (size_t i = 0; i < file->domain_count; i++) {
        const struct policy_domain *domain = file->domains[i].domain;
        const struct set_shared *shared =
            domain->slot != NULL ? set_shared_of(set, domain) : set_mirror_wait_of(file, domain);
        if (domain->slot != NULL || shared != NULL) {
            model.domains[model.domain_count++] = (struct policy_file_entry){
                .name = policy_domain_name(domain),
                .place = place_of(&file->domains[i].place),
                .policy = shared == NULL ? domain->own.policy : NULL,
                .shared = shared != NULL ? set_shared_name(shared) : BYTES(""),
            };
        }
    }
    version_record_add(out, &model);
    free(model.policies);
    free(model.domains);
}

/* Whether a start may take what is remembered of FILE for what it says, as long as it is the same.
 */
static bool is_as_read(struct policy_set *set, const struct set_file *file)
{
    return file->state == FILE_STANDS && file->text_known && !file->racy &&
           file_identity_equal(&file->text.identity, &file->applied.identity) &&
           !set_mirror_keeps_former(set, file);
}

struct remembering {
    struct policy_set *set;
    const struct policy_set_memory *memory;
    uint64_t reader;
    size_t octets; /* handed over */
};

static void put(struct remembering *remembering, const struct served_file *file,
                struct buffer *version)
{
    remembering->octets += version->n;
    remembering->memory->put(file, version, remembering->memory->context);
}

static void put_file(struct remembering *remembering, struct set_file *file)
{
    struct policy_set *set = remembering->set;
    struct buffer version = BUFFER(VERSION_RECORD_MAX);
    const struct served_file row = {
        .entry = bytes_of(set->tops[file->top].entry),
        .path = set_file_below(set, file),
        .identity = file->applied.identity,
        .line_end = file->applied.line_end,
        .held = file->was_held,
        .gone = file->held_gone,
        .reader = is_as_read(set, file) ? remembering->reader : 0,
    };
    add_version(set, file, &version);
    put(remembering, &row, &version);
}

static void put_orphan(struct set_shared *shared, void *context)
{
    struct remembering *remembering = context;
    if (!set_shared_is_orphan(shared) || shared->remembered) {
        return;
    }
    struct buffer version = BUFFER(VERSION_RECORD_MAX);
    struct policy_file_entry entry = {.name = set_shared_name(shared),
                                      .policy = shared->slot->policy};
    const struct policy_file model = {.policies = &entry, .policy_count = 1};
    const struct served_file row = {.entry = BYTES(""), .path = bytes_of(shared->text)};
    version_record_add(&version, &model);
    put(remembering, &row, &version);
    shared->remembered = true;
}

bool policy_set_is_remembered(const struct policy_set *set)
{
    return set->unwritten.files.count == 0 && set->unwritten.forgotten_count == 0 &&
           !set->unwritten.orphans;
}

bool policy_set_remember(struct policy_set *set, const struct policy_set_memory *memory,
                         size_t octets)
{
    struct remembering remembering = {
        .set = set, .memory = memory, .reader = version_record_reader(&set->options.defaults)};
    for (size_t i = 0; i < set->unwritten.forgotten_count; i++) {
        memory->remove(bytes_of(set->unwritten.forgotten[i].entry),
                       bytes_of(set->unwritten.forgotten[i].path), memory->context);
    }
    set_memory_clear_forgotten(set);
    if (set->unwritten.orphans) {
        set->unwritten.orphans = false;
        set_shared_each(set, put_orphan, &remembering);
    }
    while (set->unwritten.files.count != 0 && remembering.octets < octets) {
        struct set_file *file = set->unwritten.files.items[--set->unwritten.files.count];
        file->unremembered = false;
        if (set_file_is_applied(file)) {
            put_file(&remembering, file);
        }
    }
    return set->unwritten.files.count != 0;
}

/* --- Asking --- */

bool policy_set_owner(struct policy_set *set, struct bytes name, struct policy_set_owner *ret_owner)
{
    bool is_shared = name.n != 0 && name.p[0] == '@';
    const struct set_shared *shared = is_shared ? set_shared_find(set, bytes_skip(name, 1)) : NULL;
    const struct policy_domain *domain = is_shared ? NULL : policy_index_domain(set->index, name);
    const struct set_file *file = shared != NULL   ? shared->owner
                                  : domain != NULL ? domain->owner
                                                   : NULL;
    const struct policy *text = shared != NULL   ? set_shared_text(shared)
                                : domain != NULL ? set_domain_text(domain)
                                                 : NULL;
    if (file == NULL || text == NULL) {
        return false;
    }
    ret_owner->entry = bytes_of(set->tops[file->top].entry);
    ret_owner->path = set_file_below(set, file);
    memcpy(ret_owner->digest, text->digest, sizeof(ret_owner->digest));
    return true;
}
