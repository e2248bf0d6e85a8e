# shellcheck shell=bash
# What the bootstrap's parts share: progress, errors, and a step whose output is shown only if it fails.

step() { printf '%6.1f s  %s\n' "$(elapsed)" "$*"; }

fail() {
    printf 'bootstrap: %s\n' "$*" >&2
    exit 1
}

elapsed() {
    local now=${EPOCHREALTIME/[.,]/}
    printf '%d.%d' $(((now - started) / 1000000)) $(((now - started) / 100000 % 10))
}

# quietly WHAT COMMAND...: run it, and say every $tick seconds that it goes on; if it fails, show the end of what it said.
quietly() {
    local what=$1 output status=0 ticker
    shift
    output=$(mktemp)
    go_on_saying "$what" "$output" 8<&- 9<&- &
    ticker=$!
    "$@" >"$output" 2>&1 9<&- || status=$?
    kill "$ticker" 2>/dev/null || true
    wait "$ticker" 2>/dev/null || true
    if [ "$status" -ne 0 ]; then
        tail -n 20 "$output" | sed 's/^/    /' >&2
        rm -f "$output"
        fail "$what failed (exit $status); above is the end of what it said"
    fi
    rm -f "$output"
}

tick=15

# go_on_saying WHAT OUTPUT: until it is ended, or the bootstrap is. Go's -v says a line, without a blank, for each package.
go_on_saying() {
    local began=${EPOCHREALTIME%[.,]*} packages last=0 now
    while sleep 0.5 && kill -0 $$ 2>/dev/null; do
        now=$((${EPOCHREALTIME%[.,]*} - began))
        [ "$now" -ge $((last + tick)) ] || continue
        last=$now
        packages=$(grep -cE '^[^[:space:]]+$' "$2" || true)
        if [ "$packages" -lt 10 ]; then packages=; else packages=", $packages packages"; fi
        step "$1: $now s${expected:-}$packages"
    done
}

started=${EPOCHREALTIME/[.,]/}
