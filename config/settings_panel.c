/* `panel:` — the one file of policies that the server's user may write. */
#include <unistd.h>

#include "lib/base/file.h"
#include "settings_parts.h"

static const char NAME[] = "panel.yaml";

bool settings_complete_panel(const struct settings_reader *reader, struct fields_context *context)
{
    struct settings *settings = reader->settings;
    settings->panel_is_wanted = settings->panel != NULL;
    settings_replace(
        &settings->panel,
        file_path_join(settings->state, settings->panel_is_wanted ? settings->panel : NAME));
    if (!settings->panel_is_wanted || !file_path_is_below(settings->panel, "/etc")) {
        return true;
    }
    diagnostics_add(context->diagnostics, SEVERITY_ERROR, context->file, 0, 0,
                    "the panel's file \"%s\" is written by the server's user, and /etc is not that "
                    "user's to write; name a file under \"state\"",
                    settings->panel);
    return false;
}

void settings_add_panel(struct settings *settings)
{
    for (size_t i = 0; i < settings->policies.count; i++) {
        if (file_path_is_below(settings->panel, settings->policies.items[i])) {
            return;
        }
    }
    settings_list_add(&settings->policies, memory_string(settings->panel));
    settings_list_add(&settings->policies_written, memory_string(settings->panel));
}

void settings_look_for_panel(struct settings *settings)
{
    if (access(settings->panel, F_OK) == 0) {
        settings_add_panel(settings);
    }
}
