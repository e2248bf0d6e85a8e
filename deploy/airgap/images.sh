# shellcheck shell=bash
# The stand-ins' images: built by the engine, which knows what has not changed.

build_images() {
    local context=$state/context
    rm -rf "$context"
    mkdir -p "$context/apt/sources.list.d"
    cp -r deploy/airgap/Dockerfile deploy/airgap/files "$context"
    cp --preserve=timestamps --dereference .venv/bin/{otelcol,jaeger,prometheus,promtool,alertmanager,amtool} "$context"
    cp --dereference /etc/ssl/certs/ca-certificates.crt "$context"
    apt_repositories | sed 's/^/deb /' >"$context/apt/sources.list"
    step "building the stand-ins"
    CDB_STANDIN_CONTEXT=$context CDB_STANDIN_BASE=$base_image quietly "building the stand-ins" \
        docker compose -f deploy/airgap/images.yml build
}
