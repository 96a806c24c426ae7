#include "yaml_position.h"

static const struct bytes BYTE_ORDER_MARK = {"\xef\xbb\xbf", 3};

struct yaml_position yaml_position_start(struct bytes text)
{
    return (struct yaml_position){
        .text = text,
        .offset = bytes_starts_with(text, BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.n : 0,
        .line = 1,
    };
}

/* One code point forward; octets that are no UTF-8 pass one by one. */
static void step(struct yaml_position *position)
{
    const signed char *p = (const signed char *)position->text.p;
    size_t n = position->text.n;
    signed char c = p[position->offset++];
    if ((c & 0xc0) == 0xc0) {
        while (position->offset < n && (p[position->offset] & 0xc0) == 0x80) {
            position->offset++;
        }
    }
    position->index++;
    if (c == '\n' || (c == '\r' && (position->offset == n || p[position->offset] != '\n'))) {
        position->line++;
        position->line_index = position->index;
    }
}

static struct yaml_place here(const struct yaml_position *position)
{
    return (struct yaml_place){
        position->line, (unsigned)(position->index - position->line_index) + 1, position->offset};
}

struct yaml_place yaml_position_at_index(struct yaml_position *position, size_t index)
{
    if (index < position->index) {
        *position = yaml_position_start(position->text);
    }
    const signed char *p = (const signed char *)position->text.p; /* so that ASCII is >= 0 */
    size_t n = position->text.n;
    while (position->index < index && position->offset < n) {
        if (p[position->offset] >= ' ') { /* most are */
            position->index++;
            position->offset++;
        } else {
            step(position);
        }
    }
    return here(position);
}

struct yaml_place yaml_position_at_offset(struct bytes text, size_t offset)
{
    struct yaml_position position = yaml_position_start(text);
    while (position.offset < offset && position.offset < text.n) {
        step(&position);
    }
    struct yaml_place place = here(&position);
    place.offset = offset;
    return place;
}
