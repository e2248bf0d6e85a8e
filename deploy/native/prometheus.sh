# shellcheck shell=bash
# Prometheus and promtool, with the web page, whose sources are part of the Go module. The files in
# deploy/native/prometheus take the place of clients for three clouds, which we do not use and which take long to build.

prometheus_module=github.com/prometheus/prometheus@v0.313.3  # the version of the container image v3.13.3
prometheus_pnpm=pnpm@10.34.9  # what the page's lock file is of

provide_prometheus() {
    if [ "${CDB_PROMETHEUS:-}" = debian ]; then return; fi  # deploy/native/packages.sh sees to it
    local page ours=deploy/native/prometheus
    local -a stubs=("$(<$ours/kubernetes.go)" "$(<$ours/azuread.go)" "$(<$ours/googleiam.go)")
    page=$(program_path prometheus-page "$prometheus_module" "$prometheus_pnpm")
    if [ -z "$later" ] && [ ! -d "$page" ] && [ ! -x "$(program_path prometheus "$prometheus_module" "$page" "${stubs[@]}")" ]; then
        find_node
        build_once "$page" "Prometheus' web page" "2 minutes" \
            build_prometheus_page "$prometheus_module" "$prometheus_pnpm"
    fi
    provide prometheus "Prometheus" "2 to 3 minutes" build_prometheus "$prometheus_module" "$page" "${stubs[@]}"
    provide_beside prometheus promtool
}

# The page that is shown; the sources have an older one, too.
build_prometheus_page() {
    local pnpm=$2 source
    source=$(module_source "$1") || return
    # Packages that only this page needs go with the directory; where they come from is the machine's own setting.
    export npm_config_cache=$PWD/tmp/npm npm_config_store_dir=$PWD/tmp/pnpm
    cp -r "$source/web/ui" ui && chmod -R u+w ui && cd ui || return
    npx --yes "$pnpm" install --frozen-lockfile || return
    # build_ui.sh calls pnpm by its name.
    npx --yes --package "$pnpm" -- bash build_ui.sh --mantine-ui && mv static/mantine-ui ../out/prometheus-page
}

build_prometheus() {
    local page=$2 source version
    source=$(module_source "$1") || return
    cp -r "$source" source && chmod -R u+w source && cd source || return
    version=$(<VERSION)
    rm discovery/kubernetes/*.go storage/remote/azuread/*.go storage/remote/googleiam/*.go || return
    printf '%s\n' "$3" >discovery/kubernetes/kubernetes.go
    printf '%s\n' "$4" >storage/remote/azuread/azuread.go
    printf '%s\n' "$5" >storage/remote/googleiam/googleiam.go
    mkdir web/ui/static && cp -r "$page" web/ui/static/mantine-ui && bash scripts/compress_assets.sh || return
    # What it discovers targets by is files alone; the clients of thirty clouds were most of what there is to build.
    GOFLAGS="$GOFLAGS -mod=readonly" go build -v -trimpath -o ../out/ \
        -ldflags "-s -w -X github.com/prometheus/common/version.Version=$version" \
        -tags builtinassets,remove_all_sd ./cmd/prometheus ./cmd/promtool &&
        ../out/prometheus --version
}
