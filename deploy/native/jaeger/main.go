// The command of our Jaeger: run with --config, and version. Jaeger's own has others, which link Elasticsearch.

package main

import (
	"log"

	"github.com/jaegertracing/jaeger/cmd/jaeger/internal"
	"github.com/jaegertracing/jaeger/internal/version"
)

func main() {
	command := internal.Command()
	command.AddCommand(version.Command())
	if err := command.Execute(); err != nil {
		log.Fatal(err)
	}
}
