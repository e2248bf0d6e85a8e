# shellcheck shell=bash
# Helm, for tests alone: they render the chart in deploy/helm. Nobody who runs the bot natively needs it.

helm_module=helm.sh/helm/v3@v3.21.4

provide_helm() {
    provide helm "Helm" "2 to 4 minutes" build_helm "$helm_module"
}

# Helm takes the version of the cluster that it renders for from the linker, as its makers set it: that of its client-go.
build_helm() {
    local module=$1 version=${1#*@} source minor
    source=$(module_source "$module") || return
    cp -r "$source" source && chmod -R u+w source && cd source || return
    minor=$(sed -nE 's|^[[:space:]]*k8s.io/client-go v0\.([0-9]+)\..*|\1|p' go.mod)
    [ -n "$minor" ] || { echo "go.mod of $module names no k8s.io/client-go" >&2; return 1; }
    GOFLAGS="$GOFLAGS -mod=readonly" go build -v -trimpath -o ../out/helm \
        -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$version
            -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=$minor
            -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=$minor" \
        ./cmd/helm && ../out/helm version
}
