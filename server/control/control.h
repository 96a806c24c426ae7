/* The control socket: a Unix stream socket (0660) in /run/mtasts-host, or under `state`. A client
 * sends one JSON object and a newline, gets one JSON object and end of file. Who may send which
 * says control_rights.h.
 *
 *     {"command": "status"}
 *     {"command": "ready"}                                 answers at once, whatever it is doing
 *     {"command": "reload", "accept_removals": true, "paths": ["/etc/m/policies.d/a.yaml"]}
 *                                                          answers when it is served
 *     {"command": "history", "domain": "example.org", "digest": "a1b2c3d4e5"}
 *     {"command": "serving", "domain": "example.org"}      → {"body": …} or {"body": null}
 *     {"command": "serving", "domains": ["example.org", "b.example"]}
 *     {"command": "leaving", "most": 1000}
 *     {"command": "owners", "names": ["x.example", "@google"]}
 *     {"command": "panel", "verb": "add", "lines": "a.example --policy google\\nb.example …\\n"}
 *     {"command": "panel-text", "offset": 0}
 *     {"command": "cert-renew", "host": "mta-sts.example.org"}
 *     {"command": "cert-revoke", "host": "mta-sts.example.org", "reason": 4}
 *     {"command": "account-rollover", "directory": "letsencrypt"}
 * An error is {"error": "what; what to do"}.
 *
 * `history` is about a domain, or a shared policy ("@NAME"). "digest" (hex, from its first digit;
 * may be left out) picks a text. It answers
 *     {"known": whether it was ever served, as far as the history goes back and has no gap,
 *      "held_until": until when a sender may hold a text other than the current one; 0: none does,
 *      "text": what was served with that digest, without "digest" the text before the current; null
 *          where there is none,
 *      "held": [{"text", "until"}, …]: texts other than the current one that a sender may hold now,
 *          the longest first, the first 20}
 *
 * `serving` with "domains", as many as a request holds, answers {"digests": {"example.org": hex
 * SHA-256 of what is served, or null, …}}. A client that gives one of them as "domain" as well gets
 * its "body" from a server that knows no "domains".
 *
 * `leaving` answers {"leaving": [{"domain", "retired": since when it serves, or served, mode none;
 * 0: it never did, "gone": since when it is served no more; 0: it is, or went while no server ran,
 * "served": whether it is served now, "known": whether all is known that senders may hold, "until":
 * until when senders may hold a policy of another mode; 0: none does}, …], "gone_count": so many
 * left within a year}: the first "most" (1000 at most, and without it), those that went last first.
 * With "left_after": "NAME" those that are served no more alone, by name, from behind that one on;
 * each has "shared" ("@NAME", the shared policy it used last) and "digest" (hex, of the text it
 * served last), as far as they are known, and the answer has "left_after" itself.
 *
 * `owners` answers {"owners": {"x.example": {"entry": of `policies`, "path": of its file below
 * that, "" where the entry is the file, "digest": hex SHA-256 of what is served}, …}} for those of
 * "names", CONTROL_OWNERS_MAX at most, that are served.
 *
 * `panel` changes the panel's file by lines as policies/panel/panel_line.h has them ("verb": "add",
 * "set", "remove" or "remove-now") and answers as policies/panel/panel_reply.h says when they are
 * served, with "trouble": why they are not, or not all, where that is so. `panel-text` answers
 * {"text": of the panel's file from "offset" on, whole lines, "next": the next offset or 0 at the
 * end, "version": another one where the file is another one}.
 *
 * The last three are for the ACME client and answer {"done": true}: `cert-renew` as soon as the
 * order is on its way, the others when the CA has answered. "host" may be a served domain without
 * "mta-sts." before it. "reason" is RFC 5280 §5.3.1's (0 to 10 without 7; null or left out: 0).
 * "directory" is one of `acme.directories`, as configured or its URL; null or left out: all.
 *
 * `status` answers
 *     {"version", "state": "loading", "serving" or "stopping", "pid", "started", "uptime_s",
 *      "configured": when the main configuration was read last without an error; 0: not yet,
 *      "configuration_good": 1, or 0 where it had errors at the last reading,
 *      "attention": [{"code", "subject": the first that it is about, or null,
 *          "count": so many, "since", "text": "what; what to do"}, …]:
 *          what wants a person (server/attention.h); empty where all that should be served is,
 *      "domains", "shared_policies", "files", "files_in_error", "removals_held",
 *      "files_without_good": of those in error, that have nothing good in their place,
 *      "files_still_open": that take something away and may not be whole,
 *      "memory_problem": why what is served cannot be remembered, or null,
 *      "diagnostics": [{"severity", "file", "line", "column", "text"}, …],
 *      "diagnostics_dropped",
 *      "certificates", "certificates_in_error": pairs that cannot be used, or are refused,
 *      "certificates_ending": {DAYS: how many end within so many; "0": have ended},
 *      "certificates_nearest_expiry": of those from files; 0 where there is none,
 *      "nearest_expiry": of all,
 *      "certificates_expiring": [{"name", "path", "source": "files" or "acme",
 *          "not_after"}, …], nearest first, the first 100,
 *      "names_with_certificate": so many, of whatever source,
 *      "names_without_certificate": the first 100, "names_without_certificate_count",
 *      "left_early": [{"domain", "retired", "until"}, …]: not served any more although senders
 *          may hold a policy of another mode than none, the first 100,
 *      "left_early_counted": false where counting them took too long, and their total is the
 *          least that they are,
 *      LIST"_total": of how many LIST has the first, for "diagnostics",
 *          "certificates_expiring", "names_without_certificate" and "left_early",
 *      "last_change", "reloads", "connections": {"current", "accepted",
 *          "refused": not let in, "held": octets of memory that limits.memory counts,
 *          "ended": {REASON: how many were refused or ended by us, …}}, "requests",
 *      "answers": {PROTOCOL: {STATUS: how many, …}, …}, "handshakes": {OUTCOME: how many, …},
 *      "workers", "listeners": [{"kind", "address", "port"}, …],
 *      "tls": null where TLS is not served, else
 *          {"openssl": its version, "groups": that are offered, with colons between, "agreed": the
 *           one that a client which knows them all gets, "ours": {PART: 1 for what is done here in
 *           OpenSSL's place, 0 where it is not, …}, "slower": {PART: why it is not, …}}
 *      "acme": null without ACME, else
 *          {"orders": whether this process does, "problem": why nothing can be ordered, or null,
 *           "hosts": {STATE: count, …},
 *           "troubled": [{"name", "state", "problem": text or null, "next", "failures"}, …], by
 *               name, at most 100, "troubled_total",
 *           "cas": [{"name", "url", "account": URL or null, "problem": text or null,
 *               "wait": until when nothing is asked of it, or 0, "tokens"}, …],
 *           "orders_placed", "orders_done", "orders_failed", "renewals": since the start,
 *           "failures": {TYPE: count, …}, "nearest_expiry": 0 where there is no certificate,
 *           "nearest_expiry_host": name or null}} (acme/acme.h)
 *      "mirror": null where no policy is followed, else
 *          {"followed", "failing": whose last look failed, "unknown": of whom there is no text yet,
 *           "oldest": when the one was fetched that was longest ago, or 0,
 *           "upstreams": [{"domain", "mode" and "id" of the text that is followed, or null,
 *               "fetched", "looked": 0 for never, "next", "failures": in a row, "problem": of the
 *               last look or null, "doubt": about the text or null}, …] by domain}
 *          (policies/mirror/mirror.h)
 * Unless it is serving, "acme" and "mirror" are null and members about policies and certificates
 * are left out, but for "domains" as soon as policies are known. While it is loading there is
 * "loading": {"text": for people, "policies_known", "certificates": so many are loaded,
 * "certificates_total": of so many found so far}; then `reload` is answered after the load,
 * `serving` as soon as policies are known, before that and to all others with an error.
 *
 * `ready` answers "state", "domains" and "loading" alone, as `status` has them.
 *
 * `reload` accepts removals that are held where "accept_removals" is true: those of the files at or
 * below "paths" (1 to CONTROL_PATHS_MAX, absolute), all without it. It answers
 *     {"domains", "files_read", "published", "removed", "held", "removals_held", "files_in_error",
 *      "diagnostics": as above, "diagnostics_total",
 *      "restart_needed": keys joined by commas, or "",
 *      "not_held": those of "paths" at which nothing was held, and those of whoever shared this}
 * or, where the main configuration has errors, an error: policies and certificates were read
 * again all the same. Times are seconds since 1970; what is not UTF-8 in a file name or a text
 * becomes \xNN (lib/base/safe_json.h). */
#ifndef SERVER_CONTROL_CONTROL_H
#define SERVER_CONTROL_CONTROL_H

#include <jansson.h>

#include "lib/base/error.h"

enum { CONTROL_PATHS_MAX = 100 };

/* Octets of a request, with its newline. */
enum { CONTROL_REQUEST_MAX = 64 * 1024 };

/* The same of who may change the panel's file: its batches are long (PANEL_TEXT_MAX, as JSON). */
enum { CONTROL_PANEL_REQUEST_MAX = 5 * 1024 * 1024 };

/* So many of the longest names fit into one request. */
enum { CONTROL_OWNERS_MAX = 200 };

/* The client's side: asks the server that listens on PATH. The caller frees *RET_REPLY with
 * json_decref. An {"error":…} answer is a failure with its text; nobody listening is
 * ERROR_NOT_FOUND. TIMEOUT_MS covers all. */
bool control_ask(const char *path, const json_t *request, int timeout_ms, json_t **ret_reply,
                 struct error *e) MUST_USE;

#endif
