// Stands for the login at Google Cloud for remote write, whose client takes long to build.

package googleiam

import (
	"errors"
	"net/http"
)

var errNotBuilt = errors.New("google_iam: this Prometheus is built without it (deploy/native/prometheus.sh)")

// Config is refused wherever it stands.
type Config struct{}

// UnmarshalYAML refuses it.
func (*Config) UnmarshalYAML(func(any) error) error { return errNotBuilt }

// NewRoundTripper fails.
func NewRoundTripper(*Config, http.RoundTripper) (http.RoundTripper, error) {
	return nil, errNotBuilt
}
