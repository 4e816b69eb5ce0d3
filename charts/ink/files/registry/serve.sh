#!/bin/sh
# serve.sh PROGRAM serve: the registry that accepts pushes, and its nightly collection of unreferenced blobs.
#
# A layer pushed during a collection would be lost, because no manifest references it yet. So the registry is read-only
# meanwhile. Read-only is only the configuration that the program was started with: whatever dies here, and whenever, a
# restarted container accepts pushes.
#
# COLLECT_AT is the time of day (HH:MM, UTC), empty for never; SIGUSR1 collects at once. A collection that takes longer
# than COLLECT_LIMIT_SECONDS is stopped; the next one finds the remaining blobs.
set -u
here=${0%/*}
drain_seconds=15
child='' stopping='' due=''
# Signs the state of uploads: one that began before a collection continues after it.
REGISTRY_HTTP_SECRET=$(head -c 32 /dev/urandom | sha256sum | cut -c 1-64)
export REGISTRY_HTTP_SECRET

say() {
    echo "$(date -u +%H:%M:%S) registry: $*"
}

# Seconds until the next HH:MM.
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

# Trapped signals interrupt `wait`, so it is repeated until the process is gone.
wait_for() {
    while kill -0 "$1" 2>/dev/null; do
        wait "$1"
    done
}

# Terminate a process, and kill it if it does not exit.
end() {
    kill -TERM "$1" 2>/dev/null || return 0
    (sleep "$drain_seconds" && kill -KILL "$1") 2>/dev/null &
    killer=$!
    wait_for "$1"
    kill "$killer" 2>/dev/null
}

# Serve with that configuration instead of the current one.
serve() {
    [ -z "$child" ] || end "$child"
    "$@" &
    child=$!
}

collect() {
    say "collecting: no pushes until it is done"
    serve "$@" "$here/push-readonly.yml"
    # Only two of its many lines matter: how much it found, and how it ended.
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
        # It exited by itself: let the container restart.
        [ -n "$stopping" ] || exit "$code"
    fi
done
end "$child"
