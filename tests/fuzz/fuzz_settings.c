/* The main configuration: hostile text gives settings or errors with places inside the file,
 * settings that are the same as themselves need no restart, and where state is found by itself it
 * is where the settings have it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "config/settings.h"
#include "lib/base/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_lines(const uint8_t *data, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) {
        lines += data[i] == '\n' || data[i] == '\r';
    }
    return lines;
}

static const char FILE_NAME[] = "/etc/mtasts-host.yaml";

/* What is found of a text that may be in error; SETTINGS NULL: it is. */
static void check_state(struct bytes text, const struct settings *settings)
{
    CLEANUP_FREE char *found = settings_find_state(text, FILE_NAME);
    assert(found == NULL || found[0] == '/');
    if (settings != NULL) {
        assert(strcmp(found != NULL ? found : SETTINGS_DEFAULT_STATE, settings->state) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct diagnostics diagnostics = {0};
    struct settings *settings = NULL;
    if (settings_parse(text, FILE_NAME, &settings, &diagnostics)) {
        CLEANUP(buffer_clear) struct buffer names = BUFFER(4096);
        settings_restart_needed(settings, settings, &names);
        assert(names.n == 0);
        assert(settings->policies.count != 0);
        check_state(text, settings);
        settings_free(settings);
    } else {
        assert(diagnostics.errors != 0);
        check_state(text, NULL);
    }
    for (size_t i = 0; i < diagnostics.count; i++) {
        assert(diagnostics.items[i].line <= count_lines(data, size));
    }
    diagnostics_clear(&diagnostics);
    return 0;
}
