// Stands for the login at Azure for remote write, whose client takes long to build.

package azuread

import (
	"errors"
	"net/http"
)

var errNotBuilt = errors.New("azuread: this Prometheus is built without it (deploy/native/prometheus.sh)")

// AzureADConfig is refused wherever it stands.
type AzureADConfig struct{}

// UnmarshalYAML refuses it.
func (*AzureADConfig) UnmarshalYAML(func(any) error) error { return errNotBuilt }

// NewAzureADRoundTripper fails.
func NewAzureADRoundTripper(*AzureADConfig, http.RoundTripper) (http.RoundTripper, error) {
	return nil, errNotBuilt
}
