/* A TXT record as senders read it: what is taken has an id of the grammar that stands in the text,
 * what we would write with that id is taken as well and without a doubt, and a choice among several
 * records agrees with the reading of each. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policies/model/sts_record.h"
#include "policies/model/txt_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXTS_MAX = 8 };

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_record(struct bytes text, const struct sts_record *record)
{
    require(record->id.n >= 1 && record->id.n <= STS_RECORD_ID_MAX);
    require(record->id.p >= text.p && record->id.p + record->id.n <= text.p + text.n);
    for (size_t i = 0; i < record->id.n; i++) {
        char c = record->id.p[i];
        require((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
    }
    CLEANUP(buffer_clear) struct buffer ours = BUFFER(STS_RECORD_TEXT_MAX);
    txt_record_sts(record->id, &ours);
    struct sts_record again;
    struct error e;
    require(sts_record_parse(buffer_bytes(&ours), &again, &e));
    require(again.usual && bytes_equal(again.id, record->id) && sts_record_doubt(&again) == NULL);
    require(record->usual == bytes_equal(buffer_bytes(&ours), text));
}

/* Whether it is taken. */
static bool read_one(struct bytes text)
{
    struct sts_record record;
    struct error e = {0};
    if (!sts_record_parse(text, &record, &e)) {
        require(e.code != ERROR_NONE && e.text[0] != '\0' && e.column <= text.n + 1);
        return false;
    }
    require(sts_record_is_one(text));
    check_record(text, &record);
    return true;
}

/* Lines are the texts of one name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes texts[TEXTS_MAX];
    size_t count = 0;
    size_t ones = 0;
    size_t taken = 0;
    struct bytes rest = {(const char *)data, size};
    while (count < TEXTS_MAX && rest.n != 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;
        texts[count] = (struct bytes){rest.p, n};
        rest = bytes_skip(rest, n + 1);
        ones += sts_record_is_one(texts[count]);
        taken += read_one(texts[count]);
        count++;
    }
    struct sts_record record;
    struct error e = {0};
    bool chosen = sts_record_choose(texts, count, &record, &e);
    require(chosen == (ones == 1 && taken == 1));
    require(chosen || (e.code == ERROR_NOT_FOUND) == (ones == 0));
    return 0;
}
