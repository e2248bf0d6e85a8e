# shellcheck shell=bash
# Docker's compose plugin: the one that is installed, else built from its Go module into the cache.

compose_module=github.com/docker/compose/v2@v2.40.3

provide_compose() {
    export COMPOSE_BAKE=false  # it would ask for buildx, which nothing here needs
    if docker compose version >/dev/null 2>&1; then return; fi
    provide docker-compose "docker compose" "2 minutes" build_compose "$compose_module"
    export CDB_COMPOSE=$PWD/.venv/bin/docker-compose  # for tests that call it without an engine
    # A folder of its own for the plugin: the user's ~/.docker stays as it is.
    export DOCKER_CONFIG=$PWD/.cdb/docker
    mkdir -p "$DOCKER_CONFIG/cli-plugins"
    ln -sfn "$PWD/.venv/bin/docker-compose" "$DOCKER_CONFIG/cli-plugins/docker-compose"
    docker compose version >/dev/null 2>&1 || fail "docker does not find the compose plugin in $DOCKER_CONFIG"
}

build_compose() {
    local module=$1 version=${1#*@} source program=$PWD/out/docker-compose
    source=$(go mod download -json "$module" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
    [ -d "$source" ] || { echo "$module could not be downloaded"; return 1; }
    GOFLAGS="$GOFLAGS -mod=readonly" go build -C "$source" -trimpath -o "$program" \
        -ldflags "-s -w -X ${module%@*}/internal.Version=$version" ./cmd && "$program" version
}
