#include "panel_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/json_read.h"
#include "lib/base/safe_json.h"
#include "server/control/control.h"

enum { CHUNK = 256 * 1024, ASK_TIMEOUT_MS = 60000 };

bool panel_reader_open(struct panel_reader *reader, const struct settings *settings,
                       struct error *e)
{
    *reader = (struct panel_reader){.control = settings_control(settings)};
    reader->fd = open(settings->panel, O_RDONLY | O_CLOEXEC);
    reader->asks = reader->fd < 0 && errno == EACCES;
    return reader->fd >= 0 || reader->asks || errno == ENOENT ||
           error_system(e, "cannot open %s", settings->panel);
}

/* A file that was replaced between two answers is told by its version. */
static bool take_answer(struct panel_reader *reader, const json_t *reply, struct buffer *more,
                        bool *ret_end, struct error *e)
{
    const char *version = json_text(reply, "version");
    json_t *text = json_object_get(reply, "text");
    if (reader->version != NULL && strcmp(reader->version, version) != 0) {
        return error_set(e, ERROR_CHANGED,
                         "the panel's file was changed while it was listed; try again");
    }
    if (reader->version == NULL) {
        reader->version = memory_string(version);
    }
    safe_json_restore(text);
    buffer_add(more, (struct bytes){json_string_value(text), json_string_length(text)});
    reader->offset = json_number(reply, "next");
    *ret_end = reader->offset == 0;
    return true;
}

static bool ask(struct panel_reader *reader, struct buffer *more, bool *ret_end, struct error *e)
{
    json_t *reply = NULL;
    json_t *request =
        json_pack("{s:s,s:I}", "command", "panel-text", "offset", (json_int_t)reader->offset);
    bool good = control_ask(reader->control, request, ASK_TIMEOUT_MS, &reply, e) &&
                take_answer(reader, reply, more, ret_end, e);
    json_decref(request);
    json_decref(reply);
    return good;
}

bool panel_reader_read(struct buffer *more, bool *ret_end, struct error *e, void *context)
{
    struct panel_reader *reader = context;
    if (reader->asks) {
        return ask(reader, more, ret_end, e);
    }
    char *room = buffer_reserve(more, CHUNK);
    if (room == NULL) {
        return error_set(e, ERROR_LIMIT, "the panel's file has a line that is too long");
    }
    ssize_t n = reader->fd >= 0 ? read(reader->fd, room, CHUNK) : 0;
    if (n < 0) {
        return error_system(e, "cannot read the panel's file");
    }
    more->n += (size_t)n;
    *ret_end = n == 0;
    return true;
}

void panel_reader_close(struct panel_reader *reader)
{
    file_close(&reader->fd);
    free(reader->version);
}
