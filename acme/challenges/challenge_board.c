#include "challenge_board.h"

#include <assert.h>

#include "lib/base/rcu_table.h"

struct thumbprint {
    struct rcu_head head;
    char text[THUMBPRINT_LENGTH + 1];
};

struct notice {
    struct rcu_entry entry;
    char thumbprint[THUMBPRINT_LENGTH + 1];
    struct certificate_pair *pair; /* or NULL */
    size_t n;
    char host[];
};

struct challenge_board {
    struct rcu_table *notices;
    struct thumbprint *thumbprint; /* RCU-protected; NULL: none yet */
};

static struct bytes notice_key(const struct rcu_entry *entry)
{
    const struct notice *notice = (const struct notice *)entry;
    return (struct bytes){notice->host, notice->n};
}

static void notice_free(struct rcu_entry *entry)
{
    struct notice *notice = (struct notice *)entry;
    certificate_pair_unref(notice->pair);
    free(notice);
}

static const struct rcu_table_methods METHODS = {.key = notice_key, .free = notice_free};

static void thumbprint_release(struct rcu_head *head)
{
    free(caa_container_of(head, struct thumbprint, head));
}

static void copy_thumbprint(char *to, const char *thumbprint)
{
    assert(strlen(thumbprint) == THUMBPRINT_LENGTH);
    memcpy(to, thumbprint, THUMBPRINT_LENGTH + 1);
}

struct challenge_board *challenge_board_new(void)
{
    struct challenge_board *board = memory_zero(1, sizeof(*board));
    board->notices = rcu_table_new(&METHODS);
    return board;
}

void challenge_board_free(struct challenge_board *board)
{
    if (board != NULL) {
        rcu_table_free(board->notices);
        free(board->thumbprint);
        free(board);
    }
}

/* --- The ACME thread --- */

void challenge_board_set_thumbprint(struct challenge_board *board, const char *thumbprint)
{
    struct thumbprint *old = board->thumbprint;
    struct thumbprint *new = memory_zero(1, sizeof(*new));
    copy_thumbprint(new->text, thumbprint);
    rcu_publish(board->thumbprint, new);
    if (old != NULL) {
        rcu_defer(&old->head, thumbprint_release);
    }
}

void challenge_board_post(struct challenge_board *board, const char *host, const char *thumbprint,
                          struct certificate_pair *pair)
{
    size_t n = strlen(host);
    struct notice *notice = memory_zero(1, sizeof(*notice) + n + 1);
    copy_thumbprint(notice->thumbprint, thumbprint);
    notice->pair = pair != NULL ? certificate_pair_ref(pair) : NULL;
    notice->n = n;
    memcpy(notice->host, host, n);
    struct rcu_entry *old = rcu_table_find(board->notices, bytes_of(host));
    if (old != NULL) {
        rcu_table_replace(board->notices, old, &notice->entry);
    } else {
        rcu_table_add(board->notices, &notice->entry);
    }
}

void challenge_board_withdraw(struct challenge_board *board, const char *host)
{
    struct rcu_entry *entry = rcu_table_find(board->notices, bytes_of(host));
    if (entry != NULL) {
        rcu_table_remove(board->notices, entry);
    }
}

/* --- Serving threads --- */

bool challenge_token_is_good(struct bytes token)
{
    if (token.n < CHALLENGE_TOKEN_MIN || token.n > CHALLENGE_TOKEN_MAX) {
        return false;
    }
    for (size_t i = 0; i < token.n; i++) {
        char c = token.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') {
            return false;
        }
    }
    return true;
}

static const struct notice *find(const struct challenge_board *board, struct bytes host)
{
    return (const struct notice *)rcu_table_find(board->notices, host);
}

bool challenge_board_has(const struct challenge_board *board, struct bytes host)
{
    rcu_read_begin();
    bool has = find(board, host) != NULL;
    rcu_read_end();
    return has;
}

bool challenge_board_thumbprint(const struct challenge_board *board, struct bytes host,
                                char ret_thumbprint[THUMBPRINT_LENGTH + 1])
{
    rcu_read_begin();
    const struct notice *notice = find(board, host);
    const struct thumbprint *standing = rcu_current(board->thumbprint);
    const char *text = notice != NULL     ? notice->thumbprint
                       : standing != NULL ? standing->text
                                          : NULL;
    if (text != NULL) {
        memcpy(ret_thumbprint, text, THUMBPRINT_LENGTH + 1);
    }
    rcu_read_end();
    return text != NULL;
}

struct certificate_pair *challenge_board_pair(const struct challenge_board *board,
                                              struct bytes host)
{
    rcu_read_begin();
    const struct notice *notice = find(board, host);
    struct certificate_pair *pair =
        notice != NULL && notice->pair != NULL ? certificate_pair_ref(notice->pair) : NULL;
    rcu_read_end();
    return pair;
}
