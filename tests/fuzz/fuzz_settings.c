/* The main configuration: hostile text gives settings or errors with places inside the file, and
 * settings that are the same as themselves need no restart. */
#include <assert.h>
#include <stdint.h>

#include "base/buffer.h"
#include "config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_lines(const uint8_t *data, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) {
        lines += data[i] == '\n' || data[i] == '\r';
    }
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diagnostics diagnostics = {0};
    struct settings *settings = NULL;
    if (settings_parse((struct bytes){(const char *)data, size}, "/etc/mtasts-host.yaml", &settings,
                       &diagnostics)) {
        CLEANUP(buffer_clear) struct buffer names = BUFFER(4096);
        settings_restart_needed(settings, settings, &names);
        assert(names.n == 0);
        assert(settings->policies.count != 0);
        settings_free(settings);
    } else {
        assert(diagnostics.errors != 0);
    }
    for (size_t i = 0; i < diagnostics.count; i++) {
        assert(diagnostics.items[i].line <= count_lines(data, size));
    }
    diagnostics_clear(&diagnostics);
    return 0;
}
