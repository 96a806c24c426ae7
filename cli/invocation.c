#include "invocation.h"

#include <assert.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/base/safe_text.h"
#include "lib/yaml/fields.h"

enum {
    GLOBALS_MAX = 8,
    FIRST_OPTION = 0x100, /* above every short option's letter */
    LETTERS_MAX = 3 + 2 * (COMMAND_OPTIONS_MAX + GLOBALS_MAX),
};

/* What getopt_long is given: the command's rows, then the global ones. */
struct option_rows {
    const struct command_option *rows[COMMAND_OPTIONS_MAX + GLOBALS_MAX];
    struct option options[COMMAND_OPTIONS_MAX + GLOBALS_MAX + 1];
    char letters[LETTERS_MAX + 1];
    size_t count;
};

static void add_row(struct option_rows *rows, const struct command_option *row)
{
    size_t i = rows->count++;
    rows->rows[i] = row;
    rows->options[i] = (struct option){
        .name = row->name,
        .has_arg = row->argument == NULL   ? no_argument
                   : row->standard != NULL ? optional_argument
                                           : required_argument,
        .val = FIRST_OPTION + (int)i,
    };
    if (row->letter != '\0') {
        size_t n = strlen(rows->letters);
        rows->letters[n] = row->letter;
        assert(row->standard == NULL); /* `-w 5s` would not be what it looks like */
        if (row->argument != NULL) {
            rows->letters[n + 1] = ':';
        }
    }
}

static void collect_rows(const struct command *command, struct option_rows *rows)
{
    /* Without a whole command the first word that is no option ends it: that says which. The colon
     * tells an argument that is missing from an option that is unknown. */
    *rows = command_is_group(command) ? (struct option_rows){.letters = "+:"}
                                      : (struct option_rows){.letters = ":"};
    if (command != NULL) {
        assert(command->option_count <= COMMAND_OPTIONS_MAX);
        for (size_t i = 0; i < command->option_count; i++) {
            add_row(rows, &command->options[i]);
        }
    }
    assert(command_global_option_count <= GLOBALS_MAX);
    for (size_t i = 0; i < command_global_option_count; i++) {
        add_row(rows, &command_global_options[i]);
    }
}

static const struct command_option *row_of(const struct option_rows *rows, int value)
{
    if (value >= FIRST_OPTION && (size_t)(value - FIRST_OPTION) < rows->count) {
        return rows->rows[value - FIRST_OPTION];
    }
    for (size_t i = 0; i < rows->count; i++) {
        if (value != 0 && rows->rows[i]->letter == value) {
            return rows->rows[i];
        }
    }
    return NULL;
}

static bool is_choice_of(const char *choices, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = choices; n != 0;) {
        size_t length = strcspn(at, "|");
        if (length == n && memcmp(at, word, n) == 0) {
            return true;
        }
        if (at[length] == '\0') {
            break;
        }
        at += length + 1;
    }
    return false;
}

static int64_t duration_of(const char *text)
{
    int64_t seconds = -1;
    return fields_parse_duration_s(bytes_of(text), &seconds) ? seconds : -1;
}

static bool check_value(const struct invocation *invocation, const struct command_option *row,
                        const char *value)
{
    if (row->kind == OPTION_CHOICE && !is_choice_of(row->argument, value)) {
        invocation_usage(invocation, "--%s takes one of %s, not \"%s\"", row->name, row->argument,
                         value);
        return false;
    }
    int64_t seconds = row->kind == OPTION_DURATION ? duration_of(value) : 0;
    if (row->kind == OPTION_DURATION &&
        (seconds < duration_of(row->least) || seconds > duration_of(row->most) || seconds < 0)) {
        invocation_usage(invocation, "--%s takes a time from %s to %s, as in --%s=%s, not \"%s\"",
                         row->name, row->least, row->most, row->name,
                         row->standard != NULL ? row->standard : row->most, value);
        return false;
    }
    return true;
}

static void set_global(struct invocation *invocation, const struct command_option *row,
                       const char *value)
{
    if (strcmp(row->name, "config") == 0) {
        invocation->config = value;
    } else if (strcmp(row->name, "log-format") == 0) {
        invocation->log_json = strcmp(value, "json") == 0;
    } else if (strcmp(row->name, "help") == 0) {
        invocation->help = true;
    } else {
        assert(strcmp(row->name, "version") == 0);
        invocation->version = true;
    }
}

static bool take_option(struct invocation *invocation, const struct command_option *row,
                        const char *value)
{
    value = value != NULL ? value : row->standard;
    if (!check_value(invocation, row, value)) {
        return false;
    }
    const struct command *command = invocation->command;
    if (command == NULL || row < command->options ||
        row >= command->options + command->option_count) {
        set_global(invocation, row, value);
        return true;
    }
    struct invocation_values *values = &invocation->values[row - command->options];
    ARRAY_GROW(values->items, values->count, values->capacity);
    values->items[values->count++] = value != NULL ? value : "";
    return true;
}

/* What getopt_long did not take, in its words; it would print the argument as it is, which may be
 * the name of a file that a shell's star found. */
static void refuse_option(const struct invocation *invocation, const struct option_rows *rows,
                          int value, const char *argument)
{
    const struct command_option *row = row_of(rows, optopt);
    if (value == ':' && row != NULL) {
        (void)invocation_usage(invocation, "option '--%s' requires an argument", row->name);
    } else if (row != NULL) {
        (void)invocation_usage(invocation, "option '--%s' doesn't allow an argument", row->name);
    } else if (optopt != 0) {
        const char letter = (char)optopt;
        char shown[8];
        safe_text_cut((struct bytes){&letter, 1}, sizeof(shown) - SAFE_TEXT_ELLIPSIS_ROOM, shown);
        (void)invocation_usage(invocation, "invalid option -- '%s'", shown);
    } else {
        (void)invocation_usage(invocation, "unrecognized option '%s'", SAFE_TEXT(argument));
    }
}

/* `--wait 30s` is `--wait=30s`: what getopt_long leaves as an argument after an option that may
 * stand alone is its value where that is to be a duration and is one. */
static const char *value_after(const struct command_option *row, int argc, char **argv)
{
    int64_t ignored = 0;
    bool asks = row->standard != NULL && row->kind == OPTION_DURATION;
    if (!asks || optarg != NULL || optind >= argc ||
        !fields_parse_duration_s(bytes_of(argv[optind]), &ignored)) {
        return optarg;
    }
    return argv[optind++];
}

/* Takes the options of ARGV (ARGV[0] is no option) and returns where the other words begin, or -1
 * where something was told on stderr. */
static int parse_options(int argc, char **argv, struct invocation *invocation)
{
    struct option_rows rows;
    collect_rows(invocation->command, &rows);
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    for (;;) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread */
        int value = getopt_long(argc, argv, rows.letters, rows.options, NULL);
        if (value == -1) {
            return optind;
        }
        const struct command_option *row = row_of(&rows, value);
        if (row == NULL) {
            refuse_option(invocation, &rows, value, argv[optind - 1]);
            return -1;
        }
        if (!take_option(invocation, row, value_after(row, argc, argv))) {
            return -1;
        }
    }
}

static bool find_command(struct invocation *invocation, const char *word)
{
    const struct command *group = invocation->command;
    const struct command *command = command_find(group, word);
    if (command != NULL) {
        invocation->command = command;
        return true;
    }
    const char *front = group != NULL ? group->name : "";
    const char *space = group != NULL ? " " : "";
    const char *nearest = command_nearest(group, word);
    if (nearest != NULL) {
        invocation_usage(invocation, "there is no command \"%s%s%s\"; did you mean \"%s%s%s\"?",
                         front, space, word, front, space, nearest);
    } else {
        invocation_usage(invocation, "there is no command \"%s%s%s\"", front, space, word);
    }
    return false;
}

/* What option ROW, which was given, asks of the others. */
static bool check_company(const struct invocation *invocation, const struct command_option *row)
{
    if (row->needs != NULL && !invocation_has(invocation, row->needs)) {
        invocation_usage(invocation, "--%s goes with --%s", row->name, row->needs);
        return false;
    }
    const struct command *command = invocation->command;
    for (size_t i = 0; row->excludes != NULL && i < command->option_count; i++) {
        const char *other = command->options[i].name;
        if (invocation->values[i].count != 0 && is_choice_of(row->excludes, other)) {
            invocation_usage(invocation, "give --%s or --%s, not both", row->name, other);
            return false;
        }
    }
    return true;
}

static bool check_options(const struct invocation *invocation)
{
    const struct command *command = invocation->command;
    for (size_t i = 0; i < command->option_count; i++) {
        if (invocation->values[i].count != 0 && !check_company(invocation, &command->options[i])) {
            return false;
        }
    }
    return true;
}

/* Arguments, or the option that stands for them. */
static bool check_instead(const struct invocation *invocation)
{
    const struct command *command = invocation->command;
    bool has = false;
    for (size_t i = 0; command->instead != NULL && i < command->option_count; i++) {
        has = has || (invocation->values[i].count != 0 &&
                      is_choice_of(command->instead, command->options[i].name));
    }
    size_t said = (invocation->argument_count != 0) + (has ? 1 : 0);
    if (command->instead == NULL || said == 1 || (said == 0 && command->instead_free)) {
        return true;
    }
    invocation_usage(invocation, "name domains, or give --%.*s%s",
                     (int)strcspn(command->instead, "|"), command->instead,
                     said == 2 ? ", not both" : "");
    return false;
}

struct argument_range {
    size_t least;
    size_t most;
};

/* By the synopsis: what stands in brackets may be left out, dots repeat. */
static struct argument_range argument_range_of(const struct command *command)
{
    struct argument_range range = {0};
    for (const char *word = command->arguments; *word != '\0'; word += strspn(word, " ")) {
        range.most++;
        range.least += word[0] != '[' && command->instead == NULL;
        word += strcspn(word, " ");
    }
    range.most = strstr(command->arguments, "...") != NULL ? SIZE_MAX : range.most;
    return range;
}

static bool check_arguments(const struct invocation *invocation)
{
    const struct command *command = invocation->command;
    struct argument_range range = argument_range_of(command);
    if (invocation->argument_count < range.least) {
        invocation_usage(invocation, "something is missing; usage: mtasts-host %s %s",
                         command->name, command->arguments);
        return false;
    }
    if (invocation->argument_count > range.most) {
        invocation_usage(invocation, "\"%s\" is too much", invocation->arguments[range.most]);
        return false;
    }
    return true;
}

/* Whether it is all about what the program says of itself. */
static bool wants_words(const struct invocation *invocation)
{
    return invocation->help || invocation->version;
}

bool invocation_parse(int argc, char **argv, struct invocation *ret_invocation)
{
    struct invocation *invocation = ret_invocation;
    *invocation = (struct invocation){0};
    int at = parse_options(argc, argv, invocation);
    while (at >= 0 && at < argc && !wants_words(invocation) &&
           command_is_group(invocation->command)) {
        if (!find_command(invocation, argv[at])) {
            return false;
        }
        int rest = parse_options(argc - at, argv + at, invocation);
        at = rest < 0 ? rest : at + rest;
    }
    if (at < 0) {
        return false;
    }
    if (wants_words(invocation) || command_is_group(invocation->command)) {
        return true;
    }
    invocation->arguments = argv + at;
    invocation->argument_count = (size_t)(argc - at);
    return check_arguments(invocation) && check_instead(invocation) && check_options(invocation);
}

void invocation_clear(struct invocation *invocation)
{
    for (size_t i = 0; i < ARRAY_LENGTH(invocation->values); i++) {
        free(invocation->values[i].items);
    }
    *invocation = (struct invocation){0};
}

const struct invocation_values *invocation_values_if(const struct invocation *invocation,
                                                     const char *name)
{
    const struct command *command = invocation->command;
    for (size_t i = 0; i < command->option_count; i++) {
        if (strcmp(command->options[i].name, name) == 0) {
            return &invocation->values[i];
        }
    }
    return NULL;
}

const struct invocation_values *invocation_values(const struct invocation *invocation,
                                                  const char *name)
{
    const struct invocation_values *values = invocation_values_if(invocation, name);
    assert(values != NULL); /* an option that is not in the command's table */
    return values;
}

bool invocation_has(const struct invocation *invocation, const char *name)
{
    return invocation_values(invocation, name)->count != 0;
}

const char *invocation_value(const struct invocation *invocation, const char *name)
{
    const struct invocation_values *values = invocation_values(invocation, name);
    return values->count != 0 ? values->items[values->count - 1] : NULL;
}

int64_t invocation_duration_s(const struct invocation *invocation, const char *name,
                              int64_t fallback_s)
{
    const char *value = invocation_value(invocation, name);
    return value != NULL ? duration_of(value) : fallback_s;
}

int invocation_usage(const struct invocation *invocation, const char *format, ...)
{
    const char *space = invocation->command != NULL ? " " : "";
    const char *name = invocation->command != NULL ? invocation->command->name : "";
    char what[2048];
    va_list arguments;
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, a line above */
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    fprintf(stderr, "mtasts-host%s%s: %s\nTry \"mtasts-host%s%s --help\".\n", space, name,
            SAFE_TEXT(what), space, name);
    return COMMAND_USAGE;
}
