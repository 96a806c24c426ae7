/* What is shown of any octets (lib/base/safe_text.h) is UTF-8 with nothing unsafe in it, the same
 * when it is shown again, cut or not; what stands between the quotes of a JSON string, and a dumped
 * document, says the same to a reader as the text did. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/memory.h"
#include "lib/base/safe_json.h"
#include "lib/base/safe_text.h"
#include "shown.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The cut is at most three octets past MAX, and begins as the whole does. */
static void look_at_cut(struct bytes text, struct bytes whole, size_t max)
{
    char cut[300];
    char again[300];
    safe_text_cut(text, max, cut);
    shown_require_safe(bytes_of(cut));
    shown_require(strlen(cut) <= max + SAFE_TEXT_ELLIPSIS_ROOM - 1);
    if (whole.n <= max) {
        shown_require(bytes_equal(bytes_of(cut), whole));
    } else {
        struct bytes kept = {cut, strlen(cut) - strlen("…")};
        shown_require(bytes_ends_with(bytes_of(cut), BYTES("…")));
        shown_require(bytes_starts_with(whole, kept));
    }
    safe_text_cut(bytes_of(cut), max, again);
    shown_require(strcmp(cut, again) == 0);
}

static void look_at_shown(struct bytes text, size_t max)
{
    CLEANUP_FREE char *shown = safe_text_copy(text);
    CLEANUP_FREE char *again = safe_text_copy(bytes_of(shown));
    shown_require_safe(bytes_of(shown));
    shown_require(strcmp(shown, again) == 0);
    shown_require(safe_text_is_safe(bytes_of(shown)));
    shown_require(!safe_text_is_safe(text) || bytes_equal(text, bytes_of(shown)));
    look_at_cut(text, bytes_of(shown), max);
}

static void look_at_ascii(struct bytes text)
{
    CLEANUP(buffer_clear) struct buffer ascii = BUFFER(SIZE_MAX / 4);
    safe_text_add_ascii(&ascii, text, SIZE_MAX);
    for (size_t i = 0; i < ascii.n; i++) {
        shown_require(ascii.p[i] >= ' ' && ascii.p[i] < 0x7f);
        shown_require(ascii.p[i] != '"' || (i != 0 && ascii.p[i - 1] == '\\'));
    }
}

static void look_at_json(struct bytes text)
{
    CLEANUP(buffer_clear) struct buffer json = BUFFER(SIZE_MAX / 4);
    buffer_add_string(&json, "\"");
    safe_text_add_json(&json, text, SIZE_MAX);
    buffer_add_string(&json, "\"");
    shown_require_safe(buffer_bytes(&json));
    json_t *read = json_loadb(json.p, json.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    shown_require(json_is_string(read));

    json_t *string = safe_json_string(text);
    CLEANUP_FREE char *dumped = safe_json_dump(string, 0);
    shown_require_safe(bytes_of(dumped));
    json_t *again = json_loads(dumped, JSON_DECODE_ANY, NULL);
    shown_require(json_equal(string, again));
    if (text.n == 0 || memchr(text.p, '\0', text.n) == NULL) {
        shown_require(json_equal(string, read));
    }
    json_decref(read);
    json_decref(string);
    json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    look_at_shown(text, size != 0 ? data[0] : 0);
    look_at_ascii(text);
    look_at_json(text);
    return 0;
}
