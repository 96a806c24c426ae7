/* The control socket: a Unix stream socket (0660) under `state`. A client sends one JSON object and
 * a newline, gets one JSON object and end of file.
 *
 *     {"command": "status"}
 *     {"command": "reload", "accept_removals": true}       answers when it is served
 *     {"command": "history", "domain": "example.org", "digest": "a1b2c3d4e5"}
 *         → {"known": true, "held_until": 1795430000, "text": "version: STSv1\r\n…"}
 *         ("digest" picks which served text; without it the one before the current; "text" is null
 * where unknown)
 *     {"command": "serving", "domain": "example.org"}      → {"body": …} or {"body": null}
 * An error is {"error": "what; what to do"}. */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H

#include <jansson.h>

#include "base/error.h"

/* The client's side: asks the server that listens on PATH. The caller frees *RET_REPLY with
 * json_decref. An {"error":…} answer is a failure with its text; nobody listening is
 * ERROR_NOT_FOUND. TIMEOUT_MS covers all. */
bool control_ask(const char *path, const json_t *request, int timeout_ms, json_t **ret_reply,
                 struct error *e) MUST_USE;

#endif
