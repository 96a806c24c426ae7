/* What a listening socket is for. */
#ifndef SERVER_ENGINE_LISTENER_KIND_H
#define SERVER_ENGINE_LISTENER_KIND_H

enum listener_kind {
    LISTENER_HTTPS, /* policies over TLS */
    LISTENER_HTTP,  /* port 80: redirects, a CA's challenges */
    LISTENER_PLAIN, /* policies for a trusted proxy in front, which speaks TLS */
    LISTENER_ADMIN, /* metrics and health, for who watches the server */
    LISTENER_KINDS
};

#endif
