# shellcheck shell=bash
# Debian packages: find out which are missing, and install those without letting them start a service.


missing_python() {
    [ -n "$(find_python)" ] || echo python3
    python_can_make_environments || echo python3-venv
}

# A further package is one line here: what shows that it is there, and its name.
missing_packages() {
    missing_python
    { have redis-server && have redis-cli; } || echo redis-server
    have_postgres || echo postgresql
    if [ "${CDB_PROMETHEUS:-}" = debian ]; then
        have prometheus || echo prometheus
        have prometheus-alertmanager || echo prometheus-alertmanager
    fi
    have prometheus-redis-exporter || echo prometheus-redis-exporter
    have prometheus-postgres-exporter || echo prometheus-postgres-exporter
}

# What only tests need: a browser, what the handbook's commands are made of, a clock that can be set, a pooler in front of
# PostgreSQL, the Prometheus and Alertmanager that CDB_PROMETHEUS=debian takes, and a file system without hard links.
missing_test_packages() {
    have chromium || echo chromium
    have curl || echo curl
    have jq || echo jq
    have watch || echo procps
    { have unshare && have nsenter; } || echo util-linux
    have faketime || echo faketime
    have pgbouncer || echo pgbouncer
    have prometheus || echo prometheus
    have prometheus-alertmanager || echo prometheus-alertmanager
    have mount.exfat-fuse || echo exfat-fuse
    have mkfs.exfat || echo exfatprogs
}

have() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1; }

have_postgres() {
    have postgres && return
    local program
    for program in /usr/lib/postgresql/*/bin/postgres; do [ -x "$program" ] && return; done
    return 1
}

# Install what the function $1 names: missing_packages, or missing_python.
install_missing_packages() {
    local look=$1 missing
    mapfile -t missing < <("$look")
    [ ${#missing[@]} -gt 0 ] || return 0
    have apt-get || fail "not installed: ${missing[*]}; this machine has no apt-get, install them its own way"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        { have sudo && sudo -n true 2>/dev/null; } ||
            fail "not installed: ${missing[*]}; run: sudo deploy/native/install-packages ${missing[*]}"
        as_root=(sudo -n)
    fi
    step "installing ${missing[*]}"
    quietly "installing ${missing[*]}" "${as_root[@]}" deploy/native/install-packages "${missing[@]}"
    mapfile -t missing < <("$look")
    case " ${missing[*]} " in *" python3 "*) fail "Python 3.11 or newer is needed; this system's is older" ;; esac
    [ ${#missing[@]} -eq 0 ] || fail "installed, but still not found: ${missing[*]}"
}

# Without these the project runs: what cannot be installed is named, and the tests that need it say so once more.
install_missing_test_packages() {
    local missing package output as_root=()
    mapfile -t missing < <(missing_test_packages)
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        if ! { have sudo && sudo -n true 2>/dev/null; }; then
            step "some tests need what is not installed: sudo deploy/native/install-packages ${missing[*]}"
            return 0
        fi
        as_root=(sudo -n)
    fi
    output=$(mktemp)
    for package in "${missing[@]}"; do
        step "installing $package, for tests"
        "${as_root[@]}" deploy/native/install-packages "$package" >"$output" 2>&1 9<&- ||
            step "$package could not be installed: $(tail -n 1 "$output")"
    done
    rm -f "$output"
}
