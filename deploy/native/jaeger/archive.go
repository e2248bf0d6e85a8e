// What is left of Jaeger's choice among all kinds of storage: the one type that its query server names.

package factory

import "github.com/jaegertracing/jaeger/internal/storage/v1/api/spanstore"

// ArchiveStorage is where traces are kept that somebody has marked; ours has none.
type ArchiveStorage struct {
	Reader spanstore.Reader
	Writer spanstore.Writer
}
