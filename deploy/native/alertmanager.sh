# shellcheck shell=bash
# Alertmanager and amtool, without the web page: its Elm packages come from a place that no mirror of a machine may have.

alertmanager_module=github.com/prometheus/alertmanager@v0.34.1

provide_alertmanager() {
    if [ "${CDB_PROMETHEUS:-}" = debian ]; then return; fi  # deploy/native/packages.sh sees to it
    provide alertmanager "Alertmanager" "a minute" build_alertmanager "$alertmanager_module"
    provide_beside alertmanager amtool
}

build_alertmanager() {
    local source version
    source=$(module_source "$1") || return
    cp -r "$source" source && chmod -R u+w source && cd source || return
    version=$(<VERSION)
    mkdir ui/app/dist && echo "the page is not built" >ui/app/dist/README || return
    GOFLAGS="$GOFLAGS -mod=readonly" go build -v -trimpath -o ../out/ \
        -ldflags "-s -w -X github.com/prometheus/common/version.Version=$version" ./cmd/alertmanager ./cmd/amtool &&
        ../out/alertmanager --version
}
