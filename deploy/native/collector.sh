# shellcheck shell=bash
# The OpenTelemetry Collector: exactly the components of otel-collector/builder.yaml.

collector_builder=go.opentelemetry.io/collector/cmd/builder@v0.161.0

provide_otelcol() {
    provide otelcol "the collector" "2 to 4 minutes" \
        build_collector "$collector_builder" "$(<otel-collector/builder.yaml)"
}

build_collector() {
    local builder=$1 components=$2
    printf '%s\n' "$components" >builder.yaml
    # The builder makes a module here and fills its go.mod, whatever the machine's own -mod says.
    GOFLAGS="$GOFLAGS -mod=mod" go run "$builder" --config builder.yaml --skip-compilation &&
        GOFLAGS="$GOFLAGS -mod=readonly" go build -C otelcol -v -trimpath -ldflags "-s -w" -o ../out/otelcol . &&
        out/otelcol components
}
