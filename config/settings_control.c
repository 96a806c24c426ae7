/* `control:` — the control socket, and who may ask there. */
#include <limits.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "settings_parts.h"

enum { GROUP_NAME_MAX = 255 };

#define AT(member) offsetof(struct settings, member)

static const char NAME[] = "control.sock";

bool settings_read_control(const struct yaml_pair *pair, void *target,
                           struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"socket", settings_read_text, .offset = AT(control), .max = PATH_MAX - 1},
        {"group", settings_read_text, .offset = AT(control_group), .max = GROUP_NAME_MAX},
        {"panel_group", settings_read_text, .offset = AT(panel_group), .max = GROUP_NAME_MAX},
    };
    if (pair->value->kind == YAML_MAPPING) {
        return fields_read(pair, "control", FIELDS, ARRAY_LENGTH(FIELDS), target, context);
    }
    struct fields_context socket = *context;
    socket.field = &FIELDS[0];
    return settings_read_text(pair, &((struct settings *)target)->control, &socket);
}

bool settings_complete_control(const struct settings_reader *reader, struct fields_context *context)
{
    struct settings *settings = reader->settings;
    if (settings->panel_group != NULL && settings->control_group == NULL) {
        settings->control_group = memory_string(settings->panel_group);
    }
    bool is_usual =
        settings->control == NULL && strcmp(settings->state, SETTINGS_DEFAULT_STATE) == 0;
    char *under_state =
        file_path_join(settings->state, settings->control != NULL ? settings->control : NAME);
    if (is_usual) {
        settings->control_older = under_state;
    }
    settings_replace(&settings->control,
                     is_usual ? memory_string(SETTINGS_DEFAULT_CONTROL) : under_state);
    size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
    if (strlen(settings->control) > max) {
        diagnostics_add(context->diagnostics, SEVERITY_ERROR, context->file, 0, 0,
                        "the control socket's path \"%s\" is over the kernel's %zu octets; choose "
                        "a shorter \"control\" or \"state\"",
                        settings->control, max);
        return false;
    }
    return true;
}

const char *settings_control(const struct settings *settings)
{
    bool is_older = settings->control_older != NULL && access(settings->control, F_OK) != 0 &&
                    access(settings->control_older, F_OK) == 0;
    return is_older ? settings->control_older : settings->control;
}
