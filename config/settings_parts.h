/* What the files that read the main configuration share. For settings*.c alone. */
#ifndef CONFIG_SETTINGS_PARTS_H
#define CONFIG_SETTINGS_PARTS_H

#include "config/settings.h"
#include "lib/yaml/fields.h"

/* The `user` of the fields_context. */
struct settings_reader {
    struct settings *settings;
    char *directory; /* what relative paths are relative to */
    bool https_read; /* the key stood there: its default does not count */
    bool http_read;
    bool certificates_read;
    /* Where each kind of challenge stands, for what is known only when all is read. */
    struct yaml_place challenge_places[CHALLENGE_KINDS];
};

static inline struct settings_reader *settings_reader_of(const struct fields_context *context)
{
    return context->user;
}

/* Adds TEXT, which is taken. */
void settings_list_add(struct settings_list *list, char *text);

void settings_list_clear(struct settings_list *list);

/* TEXT (taken) instead of what *PLACE has. */
void settings_replace(char **place, char *text);

/* PATH as the configuration writes it; the caller frees it. */
char *settings_absolute_path(struct bytes path, const struct fields_context *context);

/* For struct field's `read`; TARGET is a char *, of which the value takes the place: a text of 1
 * octet to the row's `max`, and a path, made absolute. */
bool settings_read_text(const struct yaml_pair *pair, void *target, struct fields_context *context);
bool settings_read_path(const struct yaml_pair *pair, void *target, struct fields_context *context);

/* A network or a list of them, added to TARGET, a struct settings_networks. */
bool settings_read_networks(const struct yaml_pair *pair, void *target,
                            struct fields_context *context);

/* TEXT as a DNS name, lower-case and without a final dot; the caller frees it. NULL: it is none. */
char *settings_parse_name(struct bytes text);

/* ADDRESS:PORT, an IPv6 address in brackets. False: it is something else, nothing was set. */
bool settings_parse_address(struct bytes text, struct settings_listen *ret_listen) MUST_USE;

/* One more place to listen, for fields_strings: TARGET is a struct settings_listens. */
bool settings_add_listen(const struct yaml_node *item, void *target,
                         struct fields_context *context);
/* For struct field's `read`: places to listen, each a text or a mapping with terms; TARGET as
 * above.
 */
bool settings_read_listens(const struct yaml_pair *pair, void *target,
                           struct fields_context *context);
/* Whether two have the same terms. */
bool settings_terms_equal(const struct settings_listen_terms *a,
                          const struct settings_listen_terms *b);
/* Whether the address HOST, of a struct settings_listen, is loopback's. */
bool settings_is_loopback(const char *host);

/* For struct field's `read`; TARGET is the struct settings. */
bool settings_read_admin(const struct yaml_pair *pair, void *target,
                         struct fields_context *context);
bool settings_read_health(const struct yaml_pair *pair, void *target,
                          struct fields_context *context);
bool settings_read_listen(const struct yaml_pair *pair, void *target,
                          struct fields_context *context);
bool settings_read_control(const struct yaml_pair *pair, void *target,
                           struct fields_context *context);
bool settings_read_defaults(const struct yaml_pair *pair, void *target,
                            struct fields_context *context);
bool settings_read_dns(const struct yaml_pair *pair, void *target, struct fields_context *context);
bool settings_read_limits(const struct yaml_pair *pair, void *target,
                          struct fields_context *context);
bool settings_read_acme(const struct yaml_pair *pair, void *target, struct fields_context *context);
bool settings_read_mirror(const struct yaml_pair *pair, void *target,
                          struct fields_context *context);

/* `acme.directories`; TARGET is the struct settings_acme, whose `directories` is empty or has been
 * read by this. */
bool settings_read_directories(const struct yaml_pair *pair, void *target,
                               struct fields_context *context);
void settings_directories_default(struct settings_acme *acme);
void settings_directories_free(struct settings_acme *acme);

/* `control` is relative to `state`. */
bool settings_complete_control(const struct settings_reader *reader, struct fields_context *context)
    MUST_USE;

/* `panel` is relative to `state`, and not in /etc. */
bool settings_complete_panel(const struct settings_reader *reader, struct fields_context *context)
    MUST_USE;

/* What `acme` needs of other keys. */
bool settings_complete_acme(const struct settings_reader *reader, struct fields_context *context)
    MUST_USE;
/* NULL is fine. */
void settings_acme_free(struct settings_acme *acme);

/* Defaults that stand for keys that are not there. */
void settings_listen_default(struct settings_listens *listens, const char *text, uint16_t port);
void settings_limits_default(struct settings_limits *limits);
void settings_mirror_default(struct settings_mirror *mirror);

#endif
