#include "certificate_tree.h"

#include <ctype.h>

#include "lib/base/file.h"
#include "lib/base/memory.h"

/* Files that ACME clients leave beside the pairs, so that a whole `/etc/letsencrypt` or Caddy's
 * data directory can be given. */
static const char *const OTHER_NAMES[] = {"cert.pem",     "chain.pem",   "dhparam.pem",
                                          "dhparams.pem", "account.key", "ssl-dhparams.pem"};
static const char *const OTHER_ENDINGS[] = {".issuer.crt", ".issuer.pem", "_key-certbot.pem",
                                            "_csr-certbot.pem"};
static const char *const OTHER_DIRECTORIES[] = {
    "/pki/authorities/", /* Caddy's own CA */
    "/users/default/",   /* Caddy's account where no e-mail address is given */
};

/* certbot keeps every generation as archive/NAME/{cert,chain,fullchain,privkey}N.pem; live/ links
 * to the current one. */
static bool is_numbered(const char *name)
{
    static const char *const KINDS[] = {"cert", "chain", "fullchain", "privkey"};
    for (size_t i = 0; i < ARRAY_LENGTH(KINDS); i++) {
        size_t n = strlen(KINDS[i]);
        if (strncmp(name, KINDS[i], n) == 0 && isdigit((unsigned char)name[n])) {
            const char *rest = name + n + strspn(name + n, "0123456789");
            return strcmp(rest, ".pem") == 0;
        }
    }
    return false;
}

/* An account's key: in a file or a directory named by its e-mail address. */
static bool is_account(const char *path, const char *name)
{
    const char *directory = name;
    for (int slashes = 0; directory > path && slashes < 2; directory--) {
        slashes += directory[-1] == '/';
    }
    return strchr(directory, '@') != NULL;
}

static bool is_other(const char *path, const char *name)
{
    /* Hidden ones are temporaries, half written. */
    if (name[0] == '.' || name[0] == '\0' || is_account(path, name) || is_numbered(name)) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(OTHER_NAMES); i++) {
        if (strcmp(name, OTHER_NAMES[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(OTHER_ENDINGS); i++) {
        if (bytes_ends_with(bytes_of(name), bytes_of(OTHER_ENDINGS[i]))) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(OTHER_DIRECTORIES); i++) {
        if (strstr(path, OTHER_DIRECTORIES[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static const char ACME_SH_CHAIN[] = "fullchain.cer";
#define ACME_SH_ECC BYTES("_ecc")

/* How a name tells its half: what it ends in, and what the halves end in instead. */
static const struct {
    const char *ending;
    bool whole; /* the ending is the whole name */
    const char *chain;
    const char *key;
} LAYOUTS[] = {
    {"fullchain.pem", true, "fullchain.pem", "privkey.pem"},
    {"privkey.pem", true, "fullchain.pem", "privkey.pem"},
    {".crt", false, ".crt", ".key"},
    {".key", false, ".crt", ".key"},
    {".pem", false, ".pem", ".pem"},
};

/* The first FRONT octets of PATH, and ENDING. */
static char *with_ending(const char *path, size_t front, const char *ending)
{
    size_t size = strlen(ending) + 1;
    char *text = memory_alloc(front + size);
    memcpy(text, path, front);
    memcpy(text + front, ending, size);
    return text;
}

/* acme.sh has NAME_ecc/{fullchain.cer,NAME.key}, and for RSA NAME/{fullchain.cer,NAME.key}. By its
 * path the latter's key is Caddy's NAME/NAME.key as well, and counts as that: its chain finds it.
 */
static bool is_acme_sh(const char *path, const char *name, char **ret_chain_path,
                       char **ret_key_path)
{
    if (strcmp(name, ACME_SH_CHAIN) != 0 && !bytes_ends_with(bytes_of(name), BYTES(".key"))) {
        return false;
    }
    CLEANUP_FREE char *directory = file_path_directory(path);
    struct bytes host = bytes_of(file_path_name(directory));
    bool ecc = bytes_ends_with(host, ACME_SH_ECC);
    host.n -= ecc ? ACME_SH_ECC.n : 0;
    CLEANUP_FREE char *key = memory_printf("%.*s.key", BYTES_ARG(host));
    if (name == path || host.n == 0 ||
        (strcmp(name, ACME_SH_CHAIN) != 0 && !(ecc && strcmp(name, key) == 0))) {
        return false;
    }
    *ret_chain_path = file_path_join(directory, ACME_SH_CHAIN);
    *ret_key_path = file_path_join(directory, key);
    return true;
}

bool certificate_tree_pair_of(const char *path, char **ret_chain_path, char **ret_key_path)
{
    const char *name = file_path_name(path);
    if (is_other(path, name)) {
        return false;
    }
    if (is_acme_sh(path, name, ret_chain_path, ret_key_path)) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(LAYOUTS); i++) {
        struct bytes ending = bytes_of(LAYOUTS[i].ending);
        if (LAYOUTS[i].whole ? strcmp(name, LAYOUTS[i].ending) == 0
                             : bytes_ends_with(bytes_of(name), ending)) {
            size_t front = strlen(path) - ending.n;
            *ret_chain_path = with_ending(path, front, LAYOUTS[i].chain);
            *ret_key_path = with_ending(path, front, LAYOUTS[i].key);
            return true;
        }
    }
    return false;
}
