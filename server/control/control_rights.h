/* Who may ask what at the control socket. Who somebody is says the kernel (SO_PEERCRED and
 * SO_PEERGROUPS, unix(7)); what each may is a table. Pure. */
#ifndef SERVER_CONTROL_CONTROL_RIGHTS_H
#define SERVER_CONTROL_CONTROL_RIGHTS_H

#include <sys/types.h>

#include <jansson.h>

/* Each may what those before it may. */
enum control_rank {
    CONTROL_STRANGER, /* nothing */
    CONTROL_MEMBER,   /* of `control.group`: asks how things are, has all read again */
    CONTROL_PANEL,    /* of `control.panel_group`: changes every tenant of the panel's file */
    CONTROL_OWNER,    /* root and the server's user: takes away, spends, revokes */
};

/* Who has connected. */
struct control_peer {
    uid_t uid;
    gid_t gid;
    const gid_t *groups; /* the others that it is in */
    size_t group_count;
};

/* PANEL_GROUP may be NULL: there is none. */
enum control_rank control_rank_of(const struct control_peer *peer, uid_t user, gid_t group,
                                  const gid_t *panel_group);

/* What a request wants of who sends it. */
struct control_right {
    const char *command;
    const char *with; /* a member that is true in the request; NULL: whatever is in it */
    enum control_rank rank;
};

/* NULL: there is no such command. */
const struct control_right *control_right_find(const json_t *request);

#endif
