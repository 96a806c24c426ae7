#include "safe_text.h"

#include <stdint.h>
#include <stdio.h>

#include "lib/base/memory.h"

/* How a kind of output is written. */
enum style {
    STYLE_QUOTES = 1,   /* " and \ get a backslash */
    STYLE_UNICODE = 2,  /* unsafe characters become \uNNNN; else their octets \xNN */
    STYLE_LINES = 4,    /* line ends stay */
    STYLE_ASCII = 8,    /* all that is not ASCII counts as unsafe */
    STYLE_ANY_UTF8 = 16 /* nothing counts as unsafe but what is not UTF-8, and NUL */
};

enum { PIECE_MAX = 16, SURROGATES_FROM = 0xd800, SURROGATES_TO = 0xdfff, UNICODE_MAX = 0x10ffff };

/* Unicode 15's Default_Ignorable_Code_Point, controls, line ends, and what turns text. */
static const struct {
    uint32_t first;
    uint32_t last;
} unsafe[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},
    {0x115f, 0x1160}, {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f}, {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
    {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool is_unsafe(uint32_t character)
{
    for (size_t i = 0; i < ARRAY_LENGTH(unsafe) && unsafe[i].first <= character; i++) {
        if (character <= unsafe[i].last) {
            return true;
        }
    }
    return false;
}

/* How many octets the character takes whose first octet is C; 0: none begins with it. */
static size_t encoded_length(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
}

/* The character that TEXT begins with, and its octets; 0 where that is not UTF-8 (RFC 3629 §4). */
static size_t decode(struct bytes text, uint32_t *ret_character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text.p;
    size_t n = encoded_length(p[0]);
    uint32_t character = n < 2 ? p[0] : p[0] & (0xffU >> (n + 1));
    if (n == 0 || n > text.n) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        character = character << 6 | (p[i] & 0x3fU);
    }
    bool is_surrogate = character >= SURROGATES_FROM && character <= SURROGATES_TO;
    if (character < least[n] || character > UNICODE_MAX || is_surrogate) {
        return 0;
    }
    *ret_character = character;
    return n;
}

size_t safe_text_length(struct bytes text)
{
    uint32_t character = 0;
    size_t n = decode(text, &character);
    return n != 0 && !is_unsafe(character) ? n : 0;
}

bool safe_text_is_safe(struct bytes text)
{
    while (text.n != 0) {
        size_t n = safe_text_length(text);
        if (n == 0) {
            return false;
        }
        text = bytes_skip(text, n);
    }
    return true;
}

static bool stays(uint32_t character, unsigned style)
{
    if ((style & STYLE_ANY_UTF8) != 0) {
        return character != 0;
    }
    if (character == '\n') {
        return (style & STYLE_LINES) != 0;
    }
    return !is_unsafe(character) && ((style & STYLE_ASCII) == 0 || character < 0x80);
}

/* RFC 8259 §7: past U+FFFF as a pair of surrogates. */
static size_t write_unicode(uint32_t character, char *piece)
{
    if (character < 0x10000) {
        return (size_t)snprintf(piece, PIECE_MAX, "\\u%04x", character);
    }
    uint32_t rest = character - 0x10000;
    return (size_t)snprintf(piece, PIECE_MAX, "\\u%04x\\u%04x", 0xd800 | rest >> 10,
                            0xdc00 | (rest & 0x3ff));
}

/* In JSON the backslash stands for itself only when it is doubled. */
static size_t write_octet(unsigned char octet, unsigned style, char *piece)
{
    const char *backslash = (style & STYLE_UNICODE) != 0 ? "\\\\" : "\\";
    return (size_t)snprintf(piece, PIECE_MAX, "%sx%02x", backslash, octet);
}

/* How many octets at the front of TEXT are the same in every style. */
static size_t plain_length(struct bytes text)
{
    size_t n = 0;
    while (n < text.n && text.p[n] >= ' ' && text.p[n] < 0x7f && text.p[n] != '"' &&
           text.p[n] != '\\') {
        n++;
    }
    return n;
}

/* Takes the first character off *TEXT, or the first octet of what is none, and returns how it is
 * shown: as it stands there, or what is written to PIECE. */
static struct bytes take_character(struct bytes *text, unsigned style, char piece[PIECE_MAX])
{
    uint32_t character = 0;
    struct bytes all = *text;
    size_t n = decode(all, &character);
    bool as_character = n != 0 && stays(character, style);
    bool is_quoted = (style & STYLE_QUOTES) != 0 && (character == '"' || character == '\\');
    *text = bytes_skip(all, n != 0 && (as_character || (style & STYLE_UNICODE) != 0) ? n : 1);
    if (as_character && is_quoted) {
        return (struct bytes){piece, (size_t)snprintf(piece, PIECE_MAX, "\\%c", all.p[0])};
    }
    if (as_character) {
        return (struct bytes){all.p, n};
    }
    return (struct bytes){piece, n != 0 && (style & STYLE_UNICODE) != 0
                                     ? write_unicode(character, piece)
                                     : write_octet((unsigned char)all.p[0], style, piece)};
}

static void add(struct buffer *to, struct bytes text, size_t max, unsigned style)
{
    while (text.n != 0) {
        char piece[PIECE_MAX];
        size_t plain = plain_length(text);
        struct bytes shown = {text.p, plain < max ? plain : max};
        if (plain == 0) {
            shown = take_character(&text, style, piece);
        } else {
            text = bytes_skip(text, shown.n);
        }
        if (shown.n == 0 || shown.n > max) {
            buffer_add_string(to, "…");
            return;
        }
        buffer_add(to, shown);
        max -= shown.n;
    }
}

void safe_text_add(struct buffer *to, struct bytes text, size_t max)
{
    add(to, text, max, 0);
}

void safe_text_add_json(struct buffer *to, struct bytes text, size_t max)
{
    add(to, text, max, STYLE_QUOTES | STYLE_UNICODE);
}

void safe_text_add_ascii(struct buffer *to, struct bytes text, size_t max)
{
    add(to, text, max, STYLE_QUOTES | STYLE_ASCII);
}

void safe_text_add_utf8(struct buffer *to, struct bytes text)
{
    add(to, text, SIZE_MAX, STYLE_ANY_UTF8);
}

void safe_text_add_document(struct buffer *to, struct bytes document)
{
    add(to, document, SIZE_MAX, STYLE_UNICODE | STYLE_LINES);
}

static void cut(struct bytes text, size_t max, unsigned style, char *ret_text)
{
    /* It never asks for more than is there, so the buffer's memory stays RET_TEXT. */
    struct buffer to = {.p = ret_text,
                        .capacity = max + SAFE_TEXT_ELLIPSIS_ROOM,
                        .max = max + SAFE_TEXT_ELLIPSIS_ROOM - 1};
    ret_text[0] = '\0';
    add(&to, text, max, style);
}

void safe_text_cut(struct bytes text, size_t max, char *ret_text)
{
    cut(text, max, 0, ret_text);
}

void safe_text_cut_lines(struct bytes text, size_t max, char *ret_text)
{
    cut(text, max, STYLE_LINES, ret_text);
}

char *safe_text_copy(struct bytes text)
{
    struct buffer copy = BUFFER(SIZE_MAX / 4);
    safe_text_add(&copy, text, SIZE_MAX);
    return buffer_take(&copy);
}

struct safe_text_line safe_text_line(const char *text)
{
    struct safe_text_line line;
    safe_text_cut(bytes_of(text != NULL ? text : ""), SAFE_TEXT_LINE_MAX, line.text);
    return line;
}
