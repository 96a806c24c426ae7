#include "tsig_key.h"

#include <ldns/ldns.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/file.h"
#include "lib/dns/name.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_MARK };

struct token {
    enum token_kind kind;
    struct bytes text; /* of a word without its quotes; of a mark one of {};  */
    unsigned line;
};

/* What is left of the file, and what was found in it. */
struct reader {
    struct bytes rest;
    unsigned line;
    struct bytes name;
    struct bytes algorithm;
    struct bytes secret;
};

static const char advice[] = "write the file with tsig-keygen(8)";

static bool fail(const struct reader *reader, struct error *e, const char *what)
{
    error_format(e, ERROR_SYNTAX, "line %u: %s; %s", reader->line, what, advice);
    e->line = reader->line;
    return false;
}

static void skip(struct reader *reader, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        reader->line += reader->rest.p[i] == '\n';
    }
    reader->rest = bytes_skip(reader->rest, n);
}

/* To the first of END, and past it. False: it never comes. */
static bool skip_past(struct reader *reader, const char *end)
{
    const char *found = memmem(reader->rest.p, reader->rest.n, end, strlen(end));
    skip(reader, found != NULL ? (size_t)(found - reader->rest.p) + strlen(end) : reader->rest.n);
    return found != NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum blank { BLANK_NONE, BLANK_SPACE, BLANK_LINE, BLANK_COMMENT };

static enum blank blank_at(struct bytes text)
{
    if (bytes_starts_with(text, BYTES("#")) || bytes_starts_with(text, BYTES("//"))) {
        return BLANK_LINE;
    }
    if (bytes_starts_with(text, BYTES("/*"))) {
        return BLANK_COMMENT;
    }
    return text.n != 0 && is_space(text.p[0]) ? BLANK_SPACE : BLANK_NONE;
}

static bool skip_blank(struct reader *reader, struct error *e)
{
    enum blank blank = BLANK_NONE;
    while ((blank = blank_at(reader->rest)) != BLANK_NONE) {
        bool ended = true;
        skip(reader, blank == BLANK_COMMENT ? strlen("/*") : 1);
        if (blank == BLANK_LINE) {
            (void)skip_past(reader, "\n");
        } else if (blank == BLANK_COMMENT) {
            ended = skip_past(reader, "*/");
        }
        if (!ended) {
            return fail(reader, e, "a comment has no end");
        }
    }
    return true;
}

static bool is_mark(char c)
{
    return c == '{' || c == '}' || c == ';';
}

static bool next_token(struct reader *reader, struct token *ret_token, struct error *e)
{
    if (!skip_blank(reader, e)) {
        return false;
    }
    struct token token = {.line = reader->line};
    struct bytes rest = reader->rest;
    size_t n = 0;
    if (rest.n != 0 && is_mark(rest.p[0])) {
        token = (struct token){TOKEN_MARK, {rest.p, 1}, reader->line};
        skip(reader, 1);
    } else if (rest.n != 0 && rest.p[0] == '"') {
        for (n = 1; n < rest.n && rest.p[n] != '"' && rest.p[n] != '\n'; n++) {
        }
        if (n == rest.n || rest.p[n] != '"') {
            return fail(reader, e, "a quotation mark has no other one on its line");
        }
        token = (struct token){TOKEN_WORD, {rest.p + 1, n - 1}, reader->line};
        skip(reader, n + 1);
    } else if (rest.n != 0) {
        while (n < rest.n && !is_space(rest.p[n]) && !is_mark(rest.p[n]) && rest.p[n] != '"') {
            n++;
        }
        token = (struct token){TOKEN_WORD, {rest.p, n}, reader->line};
        skip(reader, n);
    }
    *ret_token = token;
    return true;
}

static bool take_mark(struct reader *reader, char mark, struct error *e)
{
    struct token token;
    if (!next_token(reader, &token, e)) {
        return false;
    }
    if (token.kind == TOKEN_MARK && token.text.p[0] == mark) {
        return true;
    }
    char what[] = "\"x\" is missing";
    what[1] = mark;
    return fail(reader, e, what);
}

static bool take_word(struct reader *reader, const char *what, struct bytes *ret_word,
                      struct error *e)
{
    struct token token;
    if (!next_token(reader, &token, e)) {
        return false;
    }
    if (token.kind != TOKEN_WORD || token.text.n == 0) {
        return fail(reader, e, what);
    }
    *ret_word = token.text;
    return true;
}

static bool read_statement(struct reader *reader, struct bytes word, struct error *e)
{
    bool is_algorithm = bytes_equal_nocase(word, BYTES("algorithm"));
    if (!is_algorithm && !bytes_equal_nocase(word, BYTES("secret"))) {
        return fail(reader, e, "there is something else than \"algorithm\" and \"secret\"");
    }
    struct bytes *place = is_algorithm ? &reader->algorithm : &reader->secret;
    if (place->n != 0) {
        return fail(reader, e, "algorithm or secret is there twice");
    }
    return take_word(reader, "a value is missing", place, e) && take_mark(reader, ';', e);
}

static bool read_key(struct reader *reader, struct error *e)
{
    struct bytes word;
    if (!take_word(reader, "there is no key", &word, e)) {
        return false;
    }
    if (!bytes_equal_nocase(word, BYTES("key"))) {
        return fail(reader, e, "it does not begin with \"key\"");
    }
    if (!take_word(reader, "the key's name is missing", &reader->name, e) ||
        !take_mark(reader, '{', e)) {
        return false;
    }
    for (;;) {
        struct token token;
        if (!next_token(reader, &token, e)) {
            return false;
        }
        if (token.kind == TOKEN_MARK && token.text.p[0] == '}') {
            return true;
        }
        if (token.kind != TOKEN_WORD) {
            return fail(reader, e, "the key has no end");
        }
        if (!read_statement(reader, token.text, e)) {
            return false;
        }
    }
}

/* Nothing but a semicolon comes after the key. */
static bool read_end(struct reader *reader, struct error *e)
{
    struct token token;
    if (!next_token(reader, &token, e)) {
        return false;
    }
    if (token.kind == TOKEN_MARK && token.text.p[0] == ';' && !next_token(reader, &token, e)) {
        return false;
    }
    return token.kind == TOKEN_END ||
           fail(reader, e, "something comes after the key: leave one key in the file, alone");
}

static bool set_name(struct reader *reader, struct dns_tsig_key *key, struct error *e)
{
    struct bytes bare = reader->name;
    bare.n -= bytes_ends_with(bare, BYTES(".")) ? 1 : 0;
    for (size_t i = 0; i < bare.n; i++) {
        char c = bare.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-_.", c) != NULL;
        if (!plain || c == '\0') {
            return fail(reader, e, "the key's name has other than letters, digits, \"-\", \"_\"");
        }
    }
    CLEANUP_FREE char *name = memory_printf("%.*s.", BYTES_ARG(bare));
    for (char *p = name; *p != '\0'; p++) {
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p);
    }
    ldns_rdf *parsed = bare.n <= DNS_NAME_MAX ? ldns_dname_new_frm_str(name) : NULL;
    if (parsed == NULL || bare.n == 0) {
        ldns_rdf_deep_free(parsed);
        return fail(reader, e, "the key's name is no DNS name");
    }
    ldns_rdf_deep_free(parsed);
    key->name = TAKE(name);
    return true;
}

static bool set_algorithm(const struct reader *reader, struct dns_tsig_key *key, struct error *e)
{
    static const struct {
        const char *word;
        const char *wire;
    } rows[] = {{"hmac-sha256", "hmac-sha256."}, {"hmac-sha512", "hmac-sha512."}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (bytes_equal_nocase(reader->algorithm, bytes_of(rows[i].word))) {
            key->algorithm = rows[i].wire;
            return true;
        }
    }
    return error_set(
        e, ERROR_SYNTAX,
        "the algorithm is \"%s\"; make a new key with tsig-keygen -a hmac-sha256, here "
        "and at the DNS server",
        dns_name_show(reader->algorithm).text);
}

static bool set_secret(struct reader *reader, struct dns_tsig_key *key, struct error *e)
{
    CLEANUP_FREE char *secret = memory_string_of(reader->secret);
    ldns_rdf *octets = NULL;
    bool is_base64 = reader->secret.n <= DNS_TSIG_SECRET_MAX &&
                     memchr(reader->secret.p, '\0', reader->secret.n) == NULL &&
                     ldns_str2rdf_b64(&octets, secret) == LDNS_STATUS_OK;
    size_t n = is_base64 ? ldns_rdf_size(octets) : 0;
    if (is_base64) {
        explicit_bzero(ldns_rdf_data(octets), n);
        ldns_rdf_deep_free(octets);
    }
    if (n < DNS_TSIG_SECRET_MIN) {
        explicit_bzero(secret, strlen(secret));
        return fail(reader, e, is_base64 ? "the secret is too short" : "the secret is not base64");
    }
    key->secret = TAKE(secret);
    return true;
}

bool dns_tsig_key_parse(struct bytes text, struct dns_tsig_key *ret_key, struct error *e)
{
    struct reader reader = {.rest = text, .line = 1};
    CLEANUP(dns_tsig_key_clear) struct dns_tsig_key key = {0};
    if (!read_key(&reader, e) || !read_end(&reader, e)) {
        return false;
    }
    if (reader.algorithm.n == 0 || reader.secret.n == 0) {
        return fail(&reader, e, "algorithm or secret is missing");
    }
    if (!set_name(&reader, &key, e) || !set_algorithm(&reader, &key, e) ||
        !set_secret(&reader, &key, e)) {
        return false;
    }
    *ret_key = key;
    key = (struct dns_tsig_key){0};
    return true;
}

/* Who reads the key may change the zone. */
static bool is_private(const char *path, struct error *e)
{
    struct stat status;
    return stat(path, &status) != 0 || (status.st_mode & S_IRWXO) == 0 ||
           error_set(e, ERROR_CONFLICT,
                     "dns.update.key_file: everybody on this machine may read %s; chmod o-rwx it",
                     path);
}

bool dns_tsig_key_load(const char *path, struct dns_tsig_key *ret_key, struct error *e)
{
    CLEANUP(buffer_wipe) struct buffer text = BUFFER(DNS_TSIG_FILE_MAX);
    return (file_read(path, &text, NULL, e) || error_prefix(e, "dns.update.key_file: ")) &&
           is_private(path, e) &&
           (dns_tsig_key_parse(buffer_bytes(&text), ret_key, e) ||
            error_prefix(e, "%s: ", dns_name_show(bytes_of(path)).text));
}

void dns_tsig_key_clear(struct dns_tsig_key *key)
{
    free(key->name);
    if (key->secret != NULL) {
        explicit_bzero(key->secret, strlen(key->secret));
        free(key->secret);
    }
    *key = (struct dns_tsig_key){0};
}
