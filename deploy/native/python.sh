# shellcheck shell=bash
# Python: find one that is new enough, and keep .venv as the lock files say.

stamp=.venv/.cdb-stamp

# The machine's plain python3 first: it is the one that python3-venv belongs to.
find_python() {
    local name
    for name in python3 /usr/bin/python3 python3.11 python3.12 python3.13 python3.14; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
}

python_can_make_environments() {
    local python
    python=$(find_python)
    [ -n "$python" ] && "$python" -c 'import ensurepip, venv' >/dev/null 2>&1
}

# The stamp names everything that makes an installation stale, and the path, for scripts in it hold it.
environment_digest() {
    { echo "$PWD"; cat pyproject.toml requirements/run.lock requirements/dev.lock deploy/native/python.sh; } | sha256sum | cut -d' ' -f1
}

environment_is_current() {
    local digest kind have_digest
    digest=$(environment_digest)
    [ -x .venv/bin/cdb ] && [ -r "$stamp" ] && read -r kind have_digest <"$stamp" || return 1
    [ "$have_digest" = "$digest" ] && { [ "$kind" = dev ] || [ "$kind" = "$1" ]; } && .venv/bin/python -I -c 'import cdb' 2>/dev/null
}

# An environment that was copied or moved has scripts that lead to where it was. Each version of Python writes that in
# another way into the scripts, and all since 3.11 in the same way here.
made_here() { [[ $(grep '^command = ' .venv/pyvenv.cfg 2>/dev/null) == *" $(pwd -P)/.venv" ]]; }

make_virtual_environment() {
    local want=$1
    if environment_is_current "$want"; then return; fi
    # Tools that are there stay there: what was made for tests is brought up to date for tests.
    if [ -r "$stamp" ] && grep -q '^dev ' "$stamp"; then want=dev; fi
    rm -f "$stamp"
    if ! made_here || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        step "making .venv with $("$(find_python)" --version)"
        quietly "making .venv" "$(find_python)" -m venv --clear .venv
    fi
    step "installing Python packages (requirements/$want.lock)"
    quietly "installing Python packages" pip_install --require-hashes -r "requirements/$want.lock"
    quietly "installing the project" pip_install --no-build-isolation --no-deps -e .
    make_command
    printf '%s %s\n' "$want" "$(environment_digest)" >"$stamp"
    step "Python packages are installed"
}

# The operator's command: Python imports from this environment alone (-I), and paths are UTF-8, whatever the shell says.
make_command() {
    local quoted=${PWD//\'/\'\\\'\'}
    printf '#!/bin/sh\nexport LC_ALL=C.UTF-8\nexec '\''%s/.venv/bin/python'\'' -I -m cdb "$@"\n' "$quoted" >.venv/bin/cdb
}

# Where packages come from is the machine's affair: a mirror, a certificate, a proxy. Whatever else pip would read in the
# environment or in pip.conf changes what is installed, and where to: PIP_USER, PIP_TARGET, PIP_NO_DEPS ...
pip_sources='cache-dir|cert|client-cert|extra-index-url|find-links|index-url|keyring-provider|no-index|proxy|pypi-url'
pip_sources+='|retries|timeout|default-timeout|trusted-host'

pip_install() {
    local kept
    mapfile -t kept < <(kept_pip_settings)
    (
        unset "${!PIP_@}"
        env PIP_CONFIG_FILE=/dev/null "${kept[@]}" \
            .venv/bin/python -m pip --disable-pip-version-check --no-input install --quiet "$@"
    )
}

# install_instead MISSING LOCK: install what LOCK names into the virtual environment, because the machine lacks it.
install_instead() {
    step "$1: installing $2"
    quietly "$1, and installing $2" pip_install --require-hashes -r "$2"
}

# Print what pip_sources names as pip's variables. Of several values of one, the last counts, as with pip.
kept_pip_settings() {
    local all section name value
    all=$(env -u PIP_USER -u PIP_SITE -u PIP_GLOBAL .venv/bin/python -m pip config list)  # to it, they choose a file
    for section in global install :env:; do
        sed -nE "s/^$section\.($pip_sources)=.(.*).$/\1=\2/p" <<<"$all"
    done | while IFS='=' read -r name value; do
        name=${name//-/_}
        printf 'PIP_%s=%s\n' "${name^^}" "${value//\\n/ }"  # several lines are several values, as those with spaces
    done
}
