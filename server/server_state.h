/* What the parts of the serving process share on its main thread. Internal to server/. */
#ifndef SERVER_SERVER_STATE_H
#define SERVER_SERVER_STATE_H

#include "acme/acme.h"
#include "lib/base/mailbox.h"
#include "lib/base/name_map.h"
#include "lib/base/privileges.h"
#include "lib/base/work_pool.h"
#include "policies/loader/loader.h"
#include "policies/loader/loader_owners.h"
#include "policies/memory/history.h"
#include "policies/mirror/mirror.h"
#include "policies/panel/panel_file.h"
#include "server/admin.h"
#include "server/answers/health_answer.h"
#include "server/answers/policy_answer.h"
#include "server/answers/redirect_answer.h"
#include "server/attention.h"
#include "server/control_place.h"
#include "server/control_socket.h"
#include "server/domain_news.h"
#include "server/engine/access_log.h"
#include "server/engine/worker.h"
#include "server/joint_answer.h"
#include "server/listener.h"
#include "server/systemd.h"
#include "server/tls_report.h"
#include "server/webroot.h"

/* A question to the loader or the ACME client whose answer is awaited. */
struct inquiry {
    struct server *server;
    struct inquiry *next;
    uint64_t ticket;           /* of the control client; 0: nobody's */
    char *trouble;             /* what else to tell the client, or NULL */
    struct settings *outdated; /* owned; the loader is done with them when it has answered */
    void (*answered)(struct inquiry *inquiry); /* on the main thread */
    struct policy_set_result result;           /* of a reload */
    struct loader_status *status;              /* owned */
    struct acme_status *acme;                  /* owned; NULL: there is no ACME client */
    struct mirror_status *mirror;              /* owned; NULL: nothing is followed */
    struct loader_owners *owners;              /* owned */
    struct panel_work *panel;                  /* owned */
};

/* An edit of the panel's file under way. */
struct panel_work {
    struct inquiry *inquiry; /* of the edit, that is answered when it is done; not owned */
    enum panel_verb verb;
    struct panel_edits edits;
    struct name_map elsewhere; /* domains that other files have: 1 + position in `paths` */
    char **paths;
    size_t path_count;
    struct name_map shared;   /* shared policies that there are */
    struct name_map served;   /* domains that are served: 1 + position in `policies` */
    struct policy **policies; /* copies */
    size_t policy_count;
    char *path;
    struct policy_file_defaults defaults;
    bool ids_derived;
    bool done; /* else `e` says why not */
    struct panel_edited edited;
    struct error e;
};

/* Answers for what is known, for all, or goes. */
enum server_phase { SERVER_LOADING, SERVER_SERVING, SERVER_STOPPING };

struct server {
    struct settings *settings; /* as started with */
    struct settings *reloaded; /* as a reload has read them since, or NULL */
    bool copy_is_prepared;     /* and is kept once all is served (configuration_copy.h) */
    bool copy_is_kept;         /* of the text that is in use */
    bool gave_up_root; /* what is read since is not kept: a start as root would not take it */
    struct log *log;
    struct error *error; /* why it failed */
    bool failed;
    enum server_phase phase;
    int64_t started_ms;
    int64_t started_s;    /* wall clock, as the next */
    int64_t configured_s; /* when the configuration was read last without an error; 0: never */
    _Atomic bool ready;   /* all is known, and nothing ends: workers look at it */

    struct systemd_sockets systemd;
    struct privileges privileges;
    struct listeners listeners;
    struct listeners admin_listeners;
    struct admin *admin; /* NULL: no listen.admin */
    struct tls_report tls;
    struct certificate_pair *nameless; /* for balancers that ask over TLS by address; or NULL */
    struct connection_totals totals;
    struct policy_answers policy_answers;
    struct redirect_answers redirect_answers;
    struct webroot *webroot; /* NULL: none is configured */
    struct webroot_answers webroot_answers;
    struct health_answers health_answers[LISTENER_KINDS]; /* before these */
    char *root_line; /* owned; what policy_answers.root_text is; or NULL */
    struct loader_tables tables;
    struct access_log *access_log;
    struct control_place control_place;
    struct control *control;
    struct mailbox *mailbox;
    struct loader *loader;
    struct challenge_board *board; /* this one, `acme` and `news` are NULL without ACME */
    struct acme *_Atomic acme;     /* workers look at it */
    struct domain_news *news;      /* from the loader to `acme` */
    struct mirror *mirror;         /* NULL until there is a policy to follow */
    struct worker **workers;
    size_t worker_count;
    size_t workers_running;
    struct ticket_keys *ticket_keys; /* in secret memory; NULL: no session tickets */
    struct history *history;         /* opened when first asked */
    struct inquiry *inquiries;
    char *configuration_problem;  /* the first error of the last reload's, owned; or NULL */
    struct attentions attentions; /* as of the last look */
    int64_t attention_due_ms;     /* the next look that nobody asks for; 0: not yet serving */
    bool look_is_wanted;          /* by a scrape, where the last one is old (server/admin.h) */
    int64_t look_began_ms;
    int64_t looked_ms;            /* when the last one was over … */
    int64_t look_ms;              /* … and how long it took */
    struct work_pool *panel_pool; /* one thread, made when there is something to write */
    char *panel_after;            /* the look for who may go goes on behind this name; or NULL */
    int64_t panel_due_ms;         /* the next such look */
    struct joint_answer status_answer;
    struct joint_answer reload_answer;
    struct loader_accept *accept; /* what the next reload is to; owned; NULL: nothing */

    int signals;         /* signalfd */
    bool draining;       /* workers have been told; before, health is red for drain_notice */
    int64_t drain_at_ms; /* they are, then */
    int64_t drain_until_ms;
    int64_t watchdog_ms; /* 0: none */
    int64_t watchdog_due_ms;

    struct error load_failure; /* from the loader's thread */
    int64_t workers_due_ms;    /* when they start though all is not known yet */
    int64_t tell_due_ms;
    int64_t log_due_ms;
};

/* --- loops.c --- */
/* Whether the loops of all workers have turned within the last WITHIN_MS. */
bool server_loops_turn(const struct server *server, int64_t now_ms, int64_t within_ms);

/* --- start_workers.c --- */
bool server_start_workers(struct server *server, struct error *e) MUST_USE;

/* --- loading.c: from the loader's start to readiness --- */
void loading_begin(struct server *server);
/* In each turn of the main loop, and when it is to turn at the latest; -1: whenever. */
void loading_tend(struct server *server, int64_t now_ms);
int64_t loading_due_ms(const struct server *server);
/* For struct loader_hooks; CONTEXT is the server. */
void loading_done(const struct error *failure, void *context);

/* --- commands.c: the control socket's requests --- */
void commands_ask(uint64_t ticket, enum control_rank rank, const json_t *request, void *context);

/* --- verdict.c: what wants a person (server/attention.h) --- */
/* Looks, by what the other threads have ANSWERED. */
void verdict_judge(struct server *server, const struct inquiry *answered);

/* --- commands_status.c: those about how the server fares --- */
void commands_ask_status(struct server *server, uint64_t ticket, const json_t *request);
void commands_ask_ready(struct server *server, uint64_t ticket, const json_t *request);
/* In each turn of the main loop: asks the other threads from time to time, so that what begins is
 * known and in the log though nobody asks for it. */
void commands_tend_verdict(struct server *server, int64_t now_ms);

/* --- commands_leaving.c: those about domains on their way out --- */
/* The main thread's own handle of the history, kept open. */
bool commands_open_history(struct server *server, struct error *e) MUST_USE;
void commands_ask_leaving(struct server *server, uint64_t ticket, const json_t *request);
/* The members "left_early", "left_early_total" and "left_early_counted" of STATUS. */
void commands_add_left_early(struct server *server, json_t *status);

/* --- commands_owners.c: who has names --- */
void commands_ask_owners(struct server *server, uint64_t ticket, const json_t *request);

/* --- commands_acme.c: those about certificates --- */
void commands_ask_renew(struct server *server, uint64_t ticket, const json_t *request);
void commands_ask_revoke(struct server *server, uint64_t ticket, const json_t *request);
void commands_ask_rollover(struct server *server, uint64_t ticket, const json_t *request);

/* --- acme_link.c: the ACME client's place between loader and workers --- */
/* All of these do nothing where no ACME is configured. Before the loader starts: */
void acme_link_prepare(struct server *server);
/* After the first load; LOADED follows, on the ACME thread, when the certificates of the last run
 * wait in the loader's mailbox. */
bool acme_link_start(struct server *server, void (*loaded)(void *context), struct error *e)
    MUST_USE;
/* All is read again: names that wait are looked at. */
void acme_link_reload(const struct server *server);
/* Before the loader's stop, after the workers'. */
void acme_link_stop(struct server *server);
/* After the loader's stop. */
void acme_link_clear(struct server *server);
/* For struct worker_options; CONTEXT is the server. */
void acme_link_name_asked(struct bytes host, void *context);

/* --- mirror_link.c: the follower of providers' policies --- */
/* For struct loader_hooks; CONTEXT is the server. */
void mirror_link_changed(const struct policy_set_mirrors *mirrors, void *context);
void mirror_link_reload(struct server *server, const struct settings *settings);
/* Before the loader's stop. */
void mirror_link_stop(struct server *server);

/* --- reload.c --- */
/* The configuration file is in error, as DIAGNOSTICS say, or no more where they do not: for the
 * log and for `status`. */
void server_tell_trouble(struct server *server, const struct diagnostics *diagnostics);
/* For a start whose configuration is in error: what SETTINGS say is prepared to be kept, or kept
 * where all is served already. */
void server_prepare_copy(struct server *server, const struct settings *settings);
/* All is served: what was prepared is kept. */
void server_write_copy(struct server *server);
/* Reads the configuration and rescans, and accepts what ACCEPT (NULL: nothing) says of what is
 * held; answers TICKET (0: nobody) when it is served. */
void server_reload(struct server *server, const struct loader_accept *accept, uint64_t ticket);

/* --- commands_panel.c: those that change the panel's file (policies/panel/) --- */
void commands_ask_panel(struct server *server, uint64_t ticket, const json_t *request);
void commands_ask_panel_text(struct server *server, uint64_t ticket, const json_t *request);
/* The edit of WORK (taken), for TICKET (0: nobody's); what stands elsewhere is known. */
void panel_begin_edit(struct server *server, uint64_t ticket, struct panel_work *work);

/* --- panel_work.c --- */
void panel_work_free(struct panel_work *work); /* NULL is fine */
/* The file has changed: who may go is looked for within PANEL_SOON_MS. */
enum { PANEL_SOON_MS = 5000 };
void panel_look_soon(struct server *server);

/* --- panel_expiry.c: who is on its way out goes by itself --- */
/* In each turn of the main loop. */
void panel_tend(struct server *server, int64_t now_ms);
/* Where the configuration names the panel's file, it is made; and it is one of the policies. What
 * goes wrong is logged. Before the loader starts, as the server's user. */
void panel_prepare(struct server *server);

/* --- inquiry.c --- */
/* Any thread: INQUIRY is answered. */
void inquiry_post(struct inquiry *inquiry);
struct inquiry *inquiry_new(struct server *server, uint64_t ticket,
                            void (*answered)(struct inquiry *inquiry));
/* The loader's DONE callbacks; CONTEXT is an inquiry. */
void inquiry_on_reload(const struct policy_set_result *result, struct loader_status *status,
                       void *context);
void inquiry_on_status(struct loader_status *status, void *context);
void inquiry_on_owners(struct loader_owners *owners, void *context);
/* The ACME client's. */
void inquiry_on_acme_status(struct acme_status *status, void *context);
void inquiry_on_mirror_status(struct mirror_status *status, void *context);
void inquiry_on_acme_done(const char *failure, void *context);
/* Those that nobody will answer any more. */
void inquiries_free(struct server *server);

#endif
