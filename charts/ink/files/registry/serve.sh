#!/bin/sh
# serve.sh PROGRAM serve: the registry that takes pushes, and its nightly collection of blobs that nothing names.
#
# A layer that comes while blobs are collected would be lost: no manifest names it yet. So the registry serves read-only
# meanwhile. Read-only is nothing but the configuration that the program was started with: whatever dies here, and
# whenever, a container that starts again takes pushes.
#
# COLLECT_AT is the time of day (HH:MM, UTC), empty for never; SIGUSR1 collects at once. A collection that takes longer
# than COLLECT_LIMIT_SECONDS is ended: blobs that it left are found by the next one.
set -u
here=${0%/*}
drain_seconds=15
child='' stopping='' due=''
# Signs the state of uploads: one that began before a collection goes on after it.
REGISTRY_HTTP_SECRET=$(head -c 32 /dev/urandom | sha256sum | cut -c 1-64)
export REGISTRY_HTTP_SECRET

say() {
    echo "$(date -u +%H:%M:%S) registry: $*"
}

# The seconds from now until the next HH:MM.
until_due() {
    # shellcheck disable=SC2046 # three words
    set -- $(date -u '+%H %M %S') "${1%:*}" "${1#*:}"
    left=$(((${4#0} - ${1#0}) * 3600 + (${5#0} - ${2#0}) * 60 - ${3#0}))
    [ "$left" -gt 0 ] || left=$((left + 86400))
    echo "$left"
}

wake_daily() {
    while sleep "$(until_due "$COLLECT_AT")"; do
        kill -USR1 "$$" || return
    done
}

# Signals that are trapped interrupt `wait`: so it is asked again until the process is gone.
wait_for() {
    while kill -0 "$1" 2>/dev/null; do
        wait "$1"
    done
}

# Ask a process to end, and make it end when it does not.
end() {
    kill -TERM "$1" 2>/dev/null || return 0
    (sleep "$drain_seconds" && kill -KILL "$1") 2>/dev/null &
    killer=$!
    wait_for "$1"
    kill "$killer" 2>/dev/null
}

# Serve with that configuration, and with no other any more.
serve() {
    [ -z "$child" ] || end "$child"
    "$@" &
    child=$!
}

collect() {
    say "collecting: no pushes until it is done"
    serve "$@" "$here/push-readonly.yml"
    # Of its many lines two count: how much it found, and how it ended.
    {
        timeout "${COLLECT_LIMIT_SECONDS:-1800}" "$1" garbage-collect "$here/push.yml" 2>&1
        printf '\nended with exit code %s\n' "$?"
    } | grep -E 'blobs marked|failed|rror|ended with' &
    collector=$!
    while [ -z "$stopping" ] && kill -0 "$collector" 2>/dev/null; do
        wait "$collector"
    done
    [ -z "$stopping" ] || return
    say "collected: pushes are taken again"
    serve "$@" "$here/push.yml"
}

trap 'stopping=yes; kill -TERM "$child" 2>/dev/null' TERM INT
trap 'due=yes' USR1
[ -z "${COLLECT_AT:-}" ] || wake_daily &
serve "$@" "$here/push.yml"
while [ -z "$stopping" ]; do
    wait "$child"
    code=$?
    if [ -n "$due" ]; then
        due=''
        collect "$@"
    elif ! kill -0 "$child" 2>/dev/null; then
        # It ended by itself: the container starts again.
        [ -n "$stopping" ] || exit "$code"
    fi
done
end "$child"
