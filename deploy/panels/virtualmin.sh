#!/bin/sh
# Virtualmin's "Command to run after making changes to a server" (virtualmin.md beside it). POLICY is the shared policy that
# customers get; MTASTS_HOST the program, where it is not in the path.
set -eu

POLICY=${POLICY:-mail}
MTASTS_HOST=${MTASTS_HOST:-mtasts-host}
action=${VIRTUALSERVER_ACTION:-} domain=${VIRTUALSERVER_DOM:-} mail=${VIRTUALSERVER_MAIL:-0}
before=${VIRTUALSERVER_OLDSERVER_DOM:-$domain} mail_before=${VIRTUALSERVER_OLDSERVER_MAIL:-0}

[ -n "$domain" ] || exit 0
# A change of something else.
[ "$action:$before:$mail_before" != "MODIFY_DOMAIN:$domain:$mail" ] || exit 0
case $action in
CREATE_DOMAIN | RESTORE_DOMAIN | CLONE_DOMAIN | ENABLE_DOMAIN | MODIFY_DOMAIN)
    if [ "$mail" = 1 ]; then
        "$MTASTS_HOST" add "$domain" --policy "$POLICY" --no-check
    else
        "$MTASTS_HOST" remove "$domain"
    fi
    [ "$before" = "$domain" ] || "$MTASTS_HOST" remove "$before"
    ;;
DELETE_DOMAIN | DISABLE_DOMAIN)
    "$MTASTS_HOST" remove "$domain"
    ;;
esac
