#include "help.h"

#include <string.h>

#include <jansson.h>

#include "cli/json_view.h"
#include "lib/base/memory.h"
#include "lib/base/safe_json.h"

enum { ABOUT_COLUMN = 30, NAME_WIDTH = 17 };

static const char *separator_of(const struct command_option *option)
{
    return option->argument == NULL ? "" : option->standard != NULL ? "[=" : " ";
}

static void print_option(const struct command_option *option, FILE *out)
{
    char letter[5] = "    ";
    if (option->letter != '\0') {
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    }
    CLEANUP_FREE char *words =
        memory_printf("  %s--%s%s%s%s%s", letter, option->name, separator_of(option),
                      option->argument != NULL ? option->argument : "",
                      option->standard != NULL ? "]" : "", option->repeats ? "..." : "");
    if (strlen(words) + 2 > ABOUT_COLUMN) {
        fprintf(out, "%s\n%*s%s\n", words, ABOUT_COLUMN, "", option->about);
    } else {
        fprintf(out, "%-*s%s\n", ABOUT_COLUMN, words, option->about);
    }
}

static void print_options(const char *title, const struct command_option *options, size_t count,
                          FILE *out)
{
    if (count != 0) {
        fprintf(out, "\n%s:\n", title);
    }
    for (size_t i = 0; i < count; i++) {
        print_option(&options[i], out);
    }
}

/* What GROUP has, or with NULL every command. */
static void print_commands(const struct command *group, FILE *out)
{
    fprintf(out, "\nCommands:\n");
    for (const struct command *command = command_table; command->name != NULL; command++) {
        if (!command->hidden && (group == NULL || command_word(group, command) != NULL)) {
            fprintf(out, "  %-*s%s\n", NAME_WIDTH, command->name, command->about);
        }
    }
}

void help_print_all(FILE *out)
{
    fprintf(out, "mtasts-host: MTA-STS policies (RFC 8461) from YAML\n\n"
                 "Usage: mtasts-host [-c FILE] [--log-format text|json] COMMAND ...\n");
    print_commands(NULL, out);
    print_options("Options of every command", command_global_options, command_global_option_count,
                  out);
    fprintf(out,
            "\nExit: 0 done; 1 failed; 2 wrong usage; 3 done, and the answer is no.\n"
            "\"mtasts-host COMMAND --help\" has an example; man mtasts-host has all the rest.\n");
}

/* TEXT with every line indented. */
static void print_indented(const char *text, FILE *out)
{
    for (const char *line = text; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        fprintf(out, "    %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

void help_print_command(const struct command *command, FILE *out)
{
    fprintf(out, "mtasts-host %s: %s\n\nUsage: mtasts-host %s%s%s%s\n", command->name,
            command->about, command->name, command->option_count != 0 ? " [OPTION...]" : "",
            command->arguments[0] != '\0' ? " " : "", command->arguments);
    if (command->details != NULL) {
        fprintf(out, "\n%s\n", command->details);
    }
    if (command_is_group(command)) {
        print_commands(command, out);
    }
    print_options("Options", command->options, command->option_count, out);
    print_options("Options of every command", command_global_options, command_global_option_count,
                  out);
    fprintf(out, "\nExample:\n");
    print_indented(command->example, out);
}

static json_t *dump_options(const struct command_option *options, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct command_option *option = &options[i];
        char letter[2] = {option->letter, '\0'};
        json_array_append_new(list, json_pack("{s:s, s:s, s:s?, s:s?, s:b, s:b, s:s}", "name",
                                              option->name, "letter", letter, "argument",
                                              option->argument, "standard", option->standard,
                                              "choice", option->kind == OPTION_CHOICE, "repeats",
                                              option->repeats, "about", option->about));
    }
    return list;
}

void help_print_dump(FILE *out)
{
    json_t *commands = json_array();
    for (const struct command *command = command_table; command->name != NULL; command++) {
        json_array_append_new(
            commands, json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "name", command->name,
                                "arguments", command->arguments, "about", command->about, "example",
                                command->example, "hidden", command->hidden, "options",
                                dump_options(command->options, command->option_count)));
    }
    json_t *all = json_pack("{s:o, s:o}", "commands", commands, "options",
                            dump_options(command_global_options, command_global_option_count));
    json_view_print(all, out);
}
