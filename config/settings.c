#include "config/settings.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/shown.h"
#include "settings_parts.h"

enum {
    PATHS_MAX = 1000, /* of one key */
    WORKERS_MAX = 256,
    ROOT_TEXT_MAX = 4096,
    USER_NAME_MAX = 255,
    RESCAN_MIN_MS = 1000,
    RESCAN_MAX_MS = 24 * 3600 * 1000,
    DEFAULT_MAX_AGE_S = 604800,
    DEFAULT_TTL_S = 300,
};

#define AT(member) offsetof(struct settings, member)

static const char DEFAULT_FILE[] = "/etc/mtasts-host/mtasts-host.yaml";
static const char DEFAULT_CERTIFICATES[] = "certs";

const char *settings_find(const char *option)
{
    const char *environment = secure_getenv("MTASTS_HOST_CONFIG");
    if (option != NULL) {
        return option;
    }
    return environment != NULL && environment[0] != '\0' ? environment : DEFAULT_FILE;
}

/* ---- lists and words ---- */

static bool add_path(const struct yaml_node *item, void *target, struct fields_context *context)
{
    struct settings_list *paths = target;
    if (item->text.n == 0 || paths->count == PATHS_MAX) {
        return fields_error(context, &item->start,
                            item->text.n == 0
                                ? "an empty path; write one"
                                : "too many paths; put their files into one directory");
    }
    char *path = settings_absolute_path(item->text, context);
    for (size_t i = 0; i < paths->count; i++) {
        if (strcmp(paths->items[i], path) == 0) {
            free(path);
            return fields_error(context, &item->start,
                                "\"%s\" stands here twice; remove one of them",
                                shown(item->text).text);
        }
    }
    settings_list_add(paths, path);
    return true;
}

static bool add_policies(const struct yaml_node *item, void *target, struct fields_context *context)
{
    struct settings *settings = target;
    if (!add_path(item, &settings->policies, context)) {
        return false;
    }
    settings_list_add(&settings->policies_written, memory_string_of(item->text));
    return true;
}

static bool read_policies(const struct yaml_pair *pair, void *target,
                          struct fields_context *context)
{
    struct settings *settings = target;
    if (!fields_strings(pair, add_policies, settings, context)) {
        return false;
    }
    return settings->policies.count != 0 ||
           fields_error(context, &pair->value_place,
                        "\"policies\" names nothing; write a directory or a file");
}

static bool read_certificates(const struct yaml_pair *pair, void *target,
                              struct fields_context *context)
{
    settings_reader_of(context)->certificates_read = true;
    return fields_strings(pair, add_path, &((struct settings *)target)->certificates, context);
}

/* WORD, or else something that begins as a number does; for keys that take both. */
static bool read_word(const struct yaml_pair *pair, const char *word, bool *ret_is_word,
                      struct fields_context *context)
{
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    *ret_is_word = bytes_equal_nocase(text, bytes_of(word));
    return *ret_is_word || (text.n != 0 && strchr("-0123456789", text.p[0]) != NULL) ||
           fields_error(context, &pair->value_place, "\"%s\" must be %s or a number, not \"%s\"",
                        shown(pair->key->text).text, word, shown(text).text);
}

static bool read_workers(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct settings *settings = target;
    bool is_auto;
    if (!read_word(pair, "auto", &is_auto, context)) {
        return false;
    }
    return is_auto || fields_integer(pair, 1, WORKERS_MAX, &settings->workers, context);
}

static bool read_rescan(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    struct settings *settings = target;
    bool is_off;
    if (!read_word(pair, "off", &is_off, context)) {
        return false;
    }
    return is_off ||
           fields_duration_ms(pair, RESCAN_MIN_MS, RESCAN_MAX_MS, &settings->rescan_ms, context);
}

/* ---- the access log ---- */

static bool read_format(const struct yaml_pair *pair, void *target, struct fields_context *context)
{
    static const struct {
        const char *word;
        enum settings_access_log format;
    } FORMATS[] = {
        {"off", ACCESS_LOG_OFF},
        {"combined", ACCESS_LOG_COMBINED},
        {"json", ACCESS_LOG_JSON},
    };
    struct bytes text;
    if (!fields_string(pair, &text, context)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(FORMATS); i++) {
        if (bytes_equal(text, bytes_of(FORMATS[i].word))) {
            ((struct settings *)target)->access_log = FORMATS[i].format;
            return true;
        }
    }
    return fields_error(context, &pair->value_place,
                        "\"%s\" must be off, combined or json, not \"%s\"",
                        shown(pair->key->text).text, shown(text).text);
}

static bool read_access_log(const struct yaml_pair *pair, void *target,
                            struct fields_context *context)
{
    static const struct field FIELDS[] = {
        {"format", .read = read_format, .flags = FIELD_REQUIRED},
        {"file", settings_read_path, .offset = AT(access_log_file)},
    };
    if (pair->value->kind == YAML_MAPPING) {
        return fields_read(pair, "access_log", FIELDS, ARRAY_LENGTH(FIELDS), target, context);
    }
    return read_format(pair, target, context);
}

/* ---- the whole ---- */

static const struct field FIELDS[] = {
    {"policies", .read = read_policies, .flags = FIELD_REQUIRED},
    {"listen", .read = settings_read_listen},
    {"certificates", .read = read_certificates},
    {"state", settings_read_path, .offset = AT(state)},
    {"control", .read = settings_read_control},
    {"panel", settings_read_text, .offset = AT(panel), .max = PATH_MAX - 1},
    {"user", settings_read_text, .offset = AT(user), .max = USER_NAME_MAX},
    {"defaults", .read = settings_read_defaults},
    {"workers", .read = read_workers},
    {"limits", .read = settings_read_limits},
    {"rescan", .read = read_rescan},
    {"http2", fields_read_bool, .offset = AT(http2)},
    {"session_tickets", fields_read_bool, .offset = AT(session_tickets)},
    {"snapshot", fields_read_bool, .offset = AT(snapshot)},
    {"core_dumps", fields_read_bool, .offset = AT(core_dumps)},
    {"root", settings_read_text, .offset = AT(root_text), .max = ROOT_TEXT_MAX},
    {"access_log", .read = read_access_log},
    {"dns", .read = settings_read_dns},
    {"mirror", .read = settings_read_mirror},
    {"acme", .read = settings_read_acme},
};

char *settings_absolute_file(const char *file)
{
    if (file[0] == '/') {
        return memory_string(file);
    }
    CLEANUP_FREE char *directory = getcwd(NULL, 0);
    return file_path_join(directory != NULL ? directory : "/", file);
}

static struct settings *new_settings(const char *file)
{
    struct settings *settings = memory_zero(1, sizeof(*settings));
    settings->file = settings_absolute_file(file);
    settings->state = memory_string(SETTINGS_DEFAULT_STATE);
    settings->http2 = true;
    settings->snapshot = true;
    settings->default_max_age_s = DEFAULT_MAX_AGE_S;
    settings->dns_ttl_s = DEFAULT_TTL_S;
    settings_limits_default(&settings->limits);
    settings_mirror_default(&settings->mirror);
    return settings;
}

/* What depends on other keys. */
static bool complete(struct settings_reader *reader, struct fields_context *context)
{
    struct settings *settings = reader->settings;
    if (!reader->https_read) {
        settings_listen_default(&settings->https, "[::]:443", 443);
    }
    if (!reader->http_read) {
        settings_listen_default(&settings->http, "[::]:80", 80);
    }
    if (!reader->certificates_read && settings->acme == NULL) {
        settings_list_add(&settings->certificates,
                          file_path_join(reader->directory, DEFAULT_CERTIFICATES));
    }
    return settings_complete_control(reader, context) && settings_complete_panel(reader, context) &&
           settings_complete_acme(reader, context);
}

bool settings_parse(struct bytes text, const char *file, struct settings **ret_settings,
                    struct diagnostics *d)
{
    struct yaml_document document;
    if (!yaml_parse(text, file, &document, d)) {
        return false;
    }
    struct settings *settings = new_settings(file);
    settings->text = memory_string_of(text);
    CLEANUP_FREE char *directory = file_path_directory(settings->file);
    struct settings_reader reader = {.settings = settings, .directory = directory};
    struct fields_context context = {.file = file, .diagnostics = d, .user = &reader};
    struct yaml_pair root = {.value = document.root, .value_place = document.root->start};

    bool good =
        fields_read(&root, "the configuration", FIELDS, ARRAY_LENGTH(FIELDS), settings, &context) &&
        complete(&reader, &context);
    yaml_document_clear(&document);
    if (!good) {
        settings_free(settings);
        return false;
    }
    *ret_settings = settings;
    return true;
}

/* FILE cannot be read. What the system says comes without advice, what file_read says with it. */
static bool fail_reading(const char *file, const struct error *e, struct diagnostics *d)
{
    struct stat status;
    if (e->system_errno == ENOENT) {
        diagnostics_add(d, SEVERITY_ERROR, file, 0, 0,
                        "there is no such file; begin with a copy of " SETTINGS_EXAMPLE
                        ", or name another configuration with -c");
    } else if (stat(file, &status) == 0 && S_ISDIR(status.st_mode)) {
        diagnostics_add(d, SEVERITY_ERROR, file, 0, 0,
                        "it is a directory; -c takes the main configuration, a file");
    } else {
        diagnostics_add(d, SEVERITY_ERROR, file, 0, 0, "%s%s", e->text,
                        e->code == ERROR_SYSTEM
                            ? "; make it readable, or name another configuration with -c"
                            : "");
    }
    return false;
}

bool settings_load(const char *file, struct settings **ret_settings, struct diagnostics *d)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER(SETTINGS_TEXT_MAX);
    struct error e;
    if (!file_read(file, &text, NULL, &e)) {
        return fail_reading(file, &e, d);
    }
    if (!settings_parse(buffer_bytes(&text), file, ret_settings, d)) {
        return false;
    }
    settings_look_for_panel(*ret_settings);
    return true;
}

static void clear_listens(struct settings_listens *listens)
{
    for (size_t i = 0; i < listens->count; i++) {
        free(listens->items[i].text);
        free(listens->items[i].host);
        free(listens->items[i].terms.group);
    }
    free(listens->items);
}

void settings_free(struct settings *settings)
{
    if (settings == NULL) {
        return;
    }
    char *texts[] = {
        settings->file,
        settings->text,
        settings->state,
        settings->control,
        settings->control_older,
        settings->control_group,
        settings->panel_group,
        settings->panel,
        settings->user,
        settings->root_text,
        settings->health_path,
        settings->webroot,
        settings->dns_delegate,
        settings->default_tlsrpt,
        settings->dns_host,
        settings->access_log_file,
        settings->dns_hook,
        settings->dns_update_key_file,
        settings->dns_update_server,
        settings->dns_update_zone,
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        free(texts[i]);
    }
    settings_list_clear(&settings->policies);
    settings_list_clear(&settings->policies_written);
    settings_list_clear(&settings->certificates);
    settings_list_clear(&settings->dns_resolvers);
    clear_listens(&settings->https);
    clear_listens(&settings->http);
    clear_listens(&settings->plain);
    clear_listens(&settings->admin.listens);
    settings_list_clear(&settings->admin.hosts);
    settings_acme_free(settings->acme);
    free(settings);
}

const char *settings_ca_name(const struct settings *settings, const char *url)
{
    const struct settings_acme *acme = settings->acme;
    for (size_t i = 0; acme != NULL && i < acme->directory_count; i++) {
        if (strcmp(acme->directories[i].url, url) == 0) {
            return acme->directories[i].name;
        }
    }
    return url;
}
