/* If-None-Match. A tag that is nowhere in a list is not named by it, unless the list is "*"; a list
 * that is made of entity tags names each of them, weak or strong, and no other; and what a list may
 * have around it changes nothing. The first octet is the tag's length, the tag follows, then the
 * list; then the same octets once more as a plan by which a good list is made. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/buffer.h"
#include "lib/base/memory.h"
#include "server/answers/entity_tag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool so, const char *what, int line)
{
    if (!so) {
        (void)fprintf(stderr, "line %d: not so: %s\n", line, what);
        abort();
    }
}
#define REQUIRE(condition) expect((condition), #condition, __LINE__)

static bool matches(struct bytes list, struct bytes tag)
{
    char *copy = memory_alloc(list.n);
    memcpy(copy, list.p, list.n);
    bool result = entity_tag_matches((struct bytes){copy, list.n}, tag);
    free(copy);
    return result;
}

/* Four letters, so that tags are the same now and then. */
static void add_tag(struct buffer *text, struct bytes octets)
{
    buffer_add_string(text, "\"");
    for (size_t i = 0; i < octets.n; i++) {
        buffer_add(text, (struct bytes){&"ab,W"[octets.p[i] & 3], 1});
    }
    buffer_add_string(text, "\"");
}

static bool is_any(struct bytes list)
{
    size_t stars = 0;
    for (size_t i = 0; i < list.n; i++) {
        if (memchr(" \t,*", list.p[i], 4) == NULL) {
            return false;
        }
        stars += list.p[i] == '*';
    }
    return stars == 1;
}

static bool holds(struct bytes list, struct bytes tag)
{
    return list.n >= tag.n && memmem(list.p, list.n, tag.p, tag.n) != NULL;
}

static void look_at_any_list(struct bytes list, struct bytes tag)
{
    static const char *const around[] = {" ", ",", "\t,  ,"};
    bool named = matches(list, tag);
    REQUIRE(named ? holds(list, tag) || is_any(list) : !is_any(list));
    for (size_t i = 0; i < ARRAY_LENGTH(around); i++) {
        CLEANUP(buffer_clear) struct buffer longer = BUFFER(1 << 20);
        buffer_add_string(&longer, around[i]);
        buffer_add(&longer, list);
        REQUIRE(matches(buffer_bytes(&longer), tag) == named);
        buffer_add_string(&longer, around[i]);
        REQUIRE(matches(buffer_bytes(&longer), tag) == named);
    }
}

/* Each octet of PLAN: weak or not, what stands between, the tag's length. */
static void look_at_good_list(struct bytes plan, struct bytes tag)
{
    static const char *const between[] = {",", ", ", " ,\t", ",,"};
    CLEANUP(buffer_clear) struct buffer list = BUFFER(1 << 20);
    bool named = false;
    while (plan.n != 0) {
        CLEANUP(buffer_clear) struct buffer item = BUFFER(64);
        unsigned char how = (unsigned char)plan.p[0];
        struct bytes octets = {plan.p + 1, (size_t)(how & 7)};
        octets.n = octets.n < plan.n - 1 ? octets.n : plan.n - 1;
        add_tag(&item, octets);
        buffer_add_string(&list, list.n != 0 ? between[how >> 3 & 3] : "");
        buffer_add_string(&list, (how & 0x20) != 0 ? "W/" : "");
        buffer_add(&list, buffer_bytes(&item));
        named |= bytes_equal(buffer_bytes(&item), tag);
        plan = bytes_skip(plan, 1 + octets.n);
        REQUIRE(matches(buffer_bytes(&list), tag) == named);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 2000) {
        return 0;
    }
    CLEANUP(buffer_clear) struct buffer tag = BUFFER(64);
    struct bytes rest = {(const char *)data + 1, size - 1};
    size_t n = data[0] & 7;
    n = n < rest.n ? n : rest.n;
    add_tag(&tag, (struct bytes){rest.p, n});
    rest = bytes_skip(rest, n);
    look_at_any_list(rest, buffer_bytes(&tag));
    look_at_good_list(rest, buffer_bytes(&tag));
    return 0;
}
