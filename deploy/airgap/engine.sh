# shellcheck shell=bash
# A Docker engine: the one that runs, else one of our own, which nothing but this folder's scripts knows.
# Its data are in /var/lib/claire-de-binare, its socket in /run/claire-de-binare; no service of the machine is changed.

state=/var/lib/claire-de-binare
run=/run/claire-de-binare

# Export DOCKER_HOST where it is needed.
provide_engine() {
    if docker info >/dev/null 2>&1; then return; fi
    export DOCKER_HOST=unix://$run/docker.sock
    if docker info >/dev/null 2>&1; then return; fi
    [ "$(id -u)" -eq 0 ] || fail "no Docker engine answers, and only root can start one: run this as root"
    have_engine_packages || quietly "installing docker.io and debootstrap" \
        deploy/native/install-packages docker.io debootstrap iptables
    start_engine
}

own_engine() { [ "${DOCKER_HOST:-}" = "unix://$run/docker.sock" ]; }

have_engine_packages() { have dockerd && have docker && have debootstrap && have iptables; }

start_engine() {
    mkdir -p "$state" "$run"
    step "starting a Docker engine of its own; its log is $state/dockerd.log"
    # Of its own session, so that the Ctrl-C of a terminal does not end it before its containers.
    started_engine=yes
    setsid dockerd --data-root "$state/docker" --exec-root "$run/exec" --pidfile "$run/docker.pid" \
        --host "unix://$run/docker.sock" --log-level warn >"$state/dockerd.log" 2>&1 </dev/null 9<&- &
    local tries=0
    until docker info >/dev/null 2>&1; do
        if ! kill -0 $! 2>/dev/null || [ $((tries += 1)) -gt 300 ]; then
            tail -n 20 "$state/dockerd.log" >&2
            fail "the Docker engine did not start; above is the end of $state/dockerd.log"
        fi
        sleep 0.2
    done
}

# End our own engine; leave another one alone.
stop_engine() {
    local pid tries=0
    own_engine || return 0
    pid=$(cat "$run/docker.pid" 2>/dev/null) || return 0
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || return 0
    kill "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null; do
        [ $((tries += 1)) -le 150 ] || fail "the Docker engine (process $pid) did not end within 30 s"
        sleep 0.2
    done
}
