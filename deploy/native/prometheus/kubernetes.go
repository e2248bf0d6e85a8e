// Stands for the discovery of targets by Kubernetes, which promtool names: ours come from files, and its client is a
// third of what there is to build.

package kubernetes

import (
	"github.com/prometheus/common/config"

	"github.com/prometheus/prometheus/discovery"
)

// SDConfig is what no configuration can ask for, as nothing registers it.
type SDConfig struct {
	discovery.Config
	HTTPClientConfig config.HTTPClientConfig
}
