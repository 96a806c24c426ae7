#include "chain_choice.h"

#include <stdlib.h>

#include "lib/base/memory.h"

static void clear_chain(struct chain_choice *choice)
{
    certificate_pair_unref(TAKE(choice->issued.pair));
    free(TAKE(choice->text));
}

static void clear_alternates(struct chain_choice *choice)
{
    while (choice->alternate_count != 0) {
        free(choice->alternates[--choice->alternate_count]);
    }
}

void chain_choice_clear(struct chain_choice *choice)
{
    clear_chain(choice);
    clear_alternates(choice);
    free(TAKE(choice->problem));
}

enum order_event_kind chain_choice_consider(struct chain_choice *choice,
                                            const struct chain_wish *wish, struct bytes chain)
{
    struct issued issued;
    struct error e;
    bool is_wanted = wish->preferred == NULL || issued_has_issuer(chain, wish->preferred);
    if (choice->text != NULL && !is_wanted) {
        return ORDER_EVENT_CHAIN_OTHER; /* there is one as good */
    }
    CLEANUP_FREE char *text = memory_string_of(chain);
    const struct issued_texts texts = {wish->reader, bytes_of(text), bytes_of(wish->key)};
    if (!issued_check(&texts, wish->host, wish->now_s, &issued, &e)) {
        free(choice->problem);
        choice->problem = memory_string(e.text);
        return ORDER_EVENT_CHAIN_BAD;
    }
    clear_chain(choice);
    choice->text = TAKE(text);
    choice->issued = issued;
    return is_wanted ? ORDER_EVENT_CHAIN_WANTED : ORDER_EVENT_CHAIN_OTHER;
}

void chain_choice_note_alternates(struct chain_choice *choice, const struct transport_answer *http)
{
    clear_alternates(choice);
    /* The first is to be tried first, and they are taken from the end. */
    for (size_t i = http->alternate_count; i > 0; i--) {
        choice->alternates[choice->alternate_count++] = memory_string(http->alternates[i - 1]);
    }
}

char *chain_choice_take_alternate(struct chain_choice *choice)
{
    return choice->alternates[--choice->alternate_count];
}
