# shellcheck shell=bash
# Jaeger, without its web page: that is no part of the Go module, and the HTTP API is all that `cdb trace` asks for.

jaeger_module=github.com/jaegertracing/jaeger@v1.76.0  # the version of the container image 2.13.0

provide_jaeger() {
    provide jaeger "Jaeger" "3 to 5 minutes" build_jaeger "$jaeger_module"
}

# Built where its own go.mod is, so with exactly the versions that its makers have tested.
build_jaeger() {
    local module=$1 version=${1#*@} source program=$PWD/out/jaeger
    source=$(module_source "$module") || return
    GOFLAGS="$GOFLAGS -mod=readonly" go build -C "$source" -v -trimpath -o "$program" \
        -ldflags "-s -w -X github.com/jaegertracing/jaeger/internal/version.latestVersion=$version" ./cmd/jaeger &&
        "$program" version
}
