// The extension jaeger_storage with one kind of backend, Badger. It takes the place of Jaeger's own, which also links
// the clients of Cassandra, Elasticsearch and ClickHouse.

package jaegerstorage

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension"

	"github.com/jaegertracing/jaeger/internal/metrics"
	storage "github.com/jaegertracing/jaeger/internal/storage/v1"
	badgerconfig "github.com/jaegertracing/jaeger/internal/storage/v1/badger"
	"github.com/jaegertracing/jaeger/internal/storage/v2/api/tracestore"
	"github.com/jaegertracing/jaeger/internal/storage/v2/badger"
	"github.com/jaegertracing/jaeger/internal/telemetry"
)

// ID is how a configuration calls the extension.
var ID = component.MustNewID("jaeger_storage")

// Config names the backends.
type Config struct {
	Backends map[string]Backend `mapstructure:"backends"`
}

// Backend is a Badger database.
type Backend struct {
	Badger *badgerconfig.Config `mapstructure:"badger"`
}

// Unmarshal fills in what a configuration leaves out.
func (backend *Backend) Unmarshal(conf *confmap.Conf) error {
	if conf.IsSet("badger") {
		backend.Badger = badgerconfig.DefaultConfig()
	}
	return conf.Unmarshal(backend)
}

// Validate refuses an extension that keeps nothing.
func (config *Config) Validate() error {
	if len(config.Backends) == 0 {
		return errors.New("jaeger_storage needs a backend")
	}
	for name, backend := range config.Backends {
		if backend.Badger == nil {
			return fmt.Errorf("jaeger_storage keeps traces in badger alone, so not %q", name)
		}
	}
	return nil
}

// NewFactory makes the extension's factory.
func NewFactory() extension.Factory {
	return extension.NewFactory(
		ID.Type(),
		func() component.Config { return &Config{} },
		func(_ context.Context, set extension.Settings, config component.Config) (extension.Extension, error) {
			return &stores{config: config.(*Config), telemetry: set.TelemetrySettings}, nil
		},
		component.StabilityLevelBeta,
	)
}

type stores struct {
	config    *Config
	telemetry component.TelemetrySettings
	found     map[string]tracestore.Factory
}

func (s *stores) Start(_ context.Context, host component.Host) error {
	counted := telemetry.FromOtelComponent(s.telemetry, host).Metrics.Namespace(metrics.NSOptions{Name: "jaeger"})
	s.found = map[string]tracestore.Factory{}
	for name, backend := range s.config.Backends {
		tags := map[string]string{"name": name, "kind": "badger", "role": "tracestore"}
		own := counted.Namespace(metrics.NSOptions{Name: "storage", Tags: tags})
		store, err := badger.NewFactory(*backend.Badger, own, s.telemetry.Logger)
		if err != nil {
			return fmt.Errorf("jaeger_storage %q: %w", name, err)
		}
		s.found[name] = store
	}
	return nil
}

func (s *stores) Shutdown(context.Context) error {
	var failed []error
	for _, store := range s.found {
		if closer, ok := store.(io.Closer); ok {
			failed = append(failed, closer.Close())
		}
	}
	return errors.Join(failed...)
}

// GetTraceStoreFactory gives the backend called name.
func GetTraceStoreFactory(name string, host component.Host) (tracestore.Factory, error) {
	if own, ok := host.GetExtensions()[ID].(*stores); ok {
		if store, ok := own.found[name]; ok {
			return store, nil
		}
	}
	return nil, fmt.Errorf("jaeger_storage has no backend %q", name)
}

// GetMetricStorageFactory fails: metrics are Prometheus' part.
func GetMetricStorageFactory(name string, _ component.Host) (storage.MetricStoreFactory, error) {
	return nil, fmt.Errorf("jaeger_storage keeps no metrics, so not %q", name)
}
