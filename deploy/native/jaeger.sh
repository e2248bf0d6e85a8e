# shellcheck shell=bash
# Jaeger, without its web page, which is no part of the Go module (the HTTP API is all that `cdb trace` asks for), and
# with the one kind of storage that we use: the files in deploy/native/jaeger take the place of some of its own.

jaeger_module=github.com/jaegertracing/jaeger@v1.76.0  # the version of the container image 2.13.0

provide_jaeger() {
    local ours=deploy/native/jaeger
    provide jaeger "Jaeger" "1 to 2 minutes" build_jaeger "$jaeger_module" \
        "$(<$ours/main.go)" "$(<$ours/components.go)" "$(<$ours/storage.go)" "$(<$ours/archive.go)"
}

# Built with its own go.mod, so with exactly the versions that its makers have tested.
build_jaeger() {
    local module=$1 version=${1#*@} source
    source=$(module_source "$module") || return
    cp -r "$source" source && chmod -R u+w source && cd source || return
    rm cmd/jaeger/internal/extension/jaegerstorage/*.go internal/storage/v1/factory/*.go || return
    printf '%s\n' "$2" >cmd/jaeger/main.go
    printf '%s\n' "$3" >cmd/jaeger/internal/components.go
    printf '%s\n' "$4" >cmd/jaeger/internal/extension/jaegerstorage/storage.go
    printf '%s\n' "$5" >internal/storage/v1/factory/archive.go
    GOFLAGS="$GOFLAGS -mod=readonly" go build -v -trimpath -o ../out/jaeger \
        -ldflags "-s -w -X github.com/jaegertracing/jaeger/internal/version.latestVersion=$version" ./cmd/jaeger &&
        ../out/jaeger version
}
