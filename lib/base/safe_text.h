/* What is shown of a text from outside: a file's name, what a client, a CA or a mail server sent.
 *
 * Such a text may hold octets that are not UTF-8, or characters that a terminal obeys, that turn
 * the direction of what follows them, or that nobody sees. All output goes through here, so that a
 * text can neither act on a terminal, nor forge a line, nor break a reader of UTF-8 or JSON:
 *
 *     fprintf(out, "%s: kept\n", SAFE_TEXT(path));
 *
 * What is unsafe stays recognisable: each of its octets becomes \xNN, in JSON a character \uNNNN. A
 * backslash that stands in the text is not doubled (but where a format asks for it), so showing a
 * shown text again changes nothing; what is shown is for reading, not for finding the file again.
 *
 * Unsafe are C0, DEL and C1; U+2028 and U+2029, which end lines; U+061C, U+200E, U+200F, U+202A to
 * U+202E and U+2066 to U+2069, which turn text; the rest of Unicode's Default_Ignorable_Code_Point
 * (zero width, BOM, tags, variation selectors …), which is invisible; and U+FFF9 to U+FFFB. */
#ifndef LIB_BASE_SAFE_TEXT_H
#define LIB_BASE_SAFE_TEXT_H

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

enum {
    SAFE_TEXT_ELLIPSIS_ROOM = 4, /* what a cut takes beyond its limit: "…" and a NUL */
    SAFE_TEXT_LINE_MAX = 1024,
};

/* The octets of the character that TEXT (not empty) begins with; 0 where it begins with none, or
 * with an unsafe one. */
size_t safe_text_length(struct bytes text);

/* Whether all of TEXT is safe as it is. */
bool safe_text_is_safe(struct bytes text);

/* Append TEXT to TO, at most MAX octets of it as shown and then an ellipsis (three more). */
void safe_text_add(struct buffer *to, struct bytes text, size_t max);
/* What stands between the quotes of a JSON string. A reader gets each character back as it was, and
 * the text \xNN for an octet that is not UTF-8. */
void safe_text_add_json(struct buffer *to, struct bytes text, size_t max);
/* As Apache's logs have it, in ASCII alone: \" \\ \xNN. */
void safe_text_add_ascii(struct buffer *to, struct bytes text, size_t max);

/* Not for eyes but for a reader of UTF-8 without NULs: only what is neither becomes \xNN. */
void safe_text_add_utf8(struct buffer *to, struct bytes text);
/* A whole JSON document, as a library wrote it: the unsafe characters that it left in the strings
 * become \uNNNN, the line ends between its values stay. It says the same as before. */
void safe_text_add_document(struct buffer *to, struct bytes document);

/* The same as safe_text_add, into RET_TEXT, which has room for MAX + SAFE_TEXT_ELLIPSIS_ROOM. */
void safe_text_cut(struct bytes text, size_t max, char *ret_text);
/* Of a text of several lines, whose ends stay. */
void safe_text_cut_lines(struct bytes text, size_t max, char *ret_text);

/* All of it, in memory of its own; the caller frees it. */
char *safe_text_copy(struct bytes text);

/* By value, for the arguments of a printf. NULL is shown as "". */
struct safe_text_line {
    char text[SAFE_TEXT_LINE_MAX + SAFE_TEXT_ELLIPSIS_ROOM];
};
struct safe_text_line safe_text_line(const char *text);
#define SAFE_TEXT(string) safe_text_line(string).text

#endif
