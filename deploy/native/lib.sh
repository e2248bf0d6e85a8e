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

# quietly WHAT COMMAND...: run it; if it fails, show the end of what it said.
quietly() {
    local what=$1 output status=0
    shift
    output=$(mktemp)
    "$@" >"$output" 2>&1 9<&- || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 20 "$output" | sed 's/^/    /' >&2
        rm -f "$output"
        fail "$what failed (exit $status); above is the end of what it said"
    fi
    rm -f "$output"
}

started=${EPOCHREALTIME/[.,]/}
