{{/* What the chart knows of the project, each once. Tests compare it with docker-compose.yml and services/topology.py. */}}

{{/* The four services and their ports. */}}
{{- define "cdb.services" -}}
ws: 8000
core: 8001
risk: 8002
execution: 8003
{{- end }}

{{/* Folders of secrets, as cdb_handover has them in containers, and the key of the Secret that is in each. */}}
{{- define "cdb.secrets" -}}
console: CDB_CONSOLE_PASSWORD
grafana: GRAFANA_PASSWORD
monitoring: CDB_MONITORING_PASSWORD
operator: CDB_OPERATOR_TOKEN
otlp: CDB_OTLP_TOKEN
postgres: POSTGRES_PASSWORD
reader: CDB_READER_PASSWORD
redis: REDIS_PASSWORD
{{- end }}

{{/* Which settings each container takes. */}}
{{- define "cdb.settings" -}}
{{- $service := list "CDB_LOG_LEVEL" "CDB_METRIC_EXPORT_INTERVAL_S" "CDB_SOURCE" "CDB_SYMBOLS" "CDB_TELEMETRY_RECORDING" "CDB_TEST_ENDPOINTS" "CDB_TRACING" -}}
{{- $ledger := list "POSTGRES_DB" "POSTGRES_USER" -}}
{{- $limits := list "MAX_DAILY_DRAWDOWN_PCT" "MAX_EXPOSURE_PCT" "MAX_HELD_PRICE_AGE_S" "MAX_ORDERS_PER_MINUTE" "MAX_POSITION_PCT" "MAX_PRICE_AGE_S" "MAX_SIGNAL_AGE_S" "ORDER_SIZE_PCT" "STOP_LOSS_PCT" -}}
{{- $collector := list "CDB_METRIC_EXPIRATION" "CDB_SLOW_DECISION_MS" "CDB_SPAN_METRICS_INTERVAL" "CDB_TRACES_IN_MEMORY" "CDB_TRACE_DECISION_WAIT" "CDB_TRACE_QUEUE_SPANS" "CDB_TRACE_SHARE_PERCENT" "CDB_TRACE_SPANS_AT_ONCE" "CDB_TRACE_SPANS_PER_SECOND" -}}
ws: {{ concat $service (list "BINANCE_REST_URL" "BINANCE_WS_URL" "CDB_PLUGIN_PATH" "MEXC_REST_URL" "MEXC_WS_URL" "SIMULATOR_PACE" "SIMULATOR_SEED" "SIMULATOR_TRADES_PER_SECOND") | toJson }}
core: {{ concat $service (list "CDB_PLUGIN_PATH" "CDB_STRATEGIES" "MEAN_REVERSION_COOLDOWN_S" "MEAN_REVERSION_LOOKBACK_S" "MEAN_REVERSION_MIN_DISTANCE_PCT" "MEAN_REVERSION_MIN_TRADES" "MEAN_REVERSION_MIN_VOLUME" "MEAN_REVERSION_THRESHOLD" "MOMENTUM_COOLDOWN_S" "MOMENTUM_LOOKBACK_S" "MOMENTUM_MIN_VOLUME" "MOMENTUM_THRESHOLD_PCT") | toJson }}
risk: {{ concat $service $ledger $limits (list "CDB_OPENING_CASH") | toJson }}
execution: {{ concat $service $ledger (list "PAPER_DEPTH" "PAPER_FEE_BPS" "PAPER_SLIPPAGE_BASE_BPS" "PAPER_SLIPPAGE_SIZE_BPS") | toJson }}
migrate: {{ $ledger | toJson }}
console: {{ concat $limits (list "CDB_CONSOLE_SESSION" "CDB_LOG_LEVEL" "CDB_NOTIFICATIONS_KEEP" "POSTGRES_DB") | toJson }}
collector: {{ $collector | toJson }}
jaeger: ["CDB_TRACE_RETENTION"]
mail: ["CDB_SMTP_FROM", "CDB_SMTP_REQUIRE_TLS", "CDB_SMTP_SMARTHOST", "CDB_SMTP_TO", "CDB_SMTP_USER"]
checked: {{ concat $collector (list "CDB_METRIC_EXPORT_INTERVAL_S" "CDB_PROMETHEUS_RETENTION" "CDB_TRACE_RETENTION" "MAX_SIGNAL_AGE_S") | toJson }}
{{- end }}

{{/* What is in the release: with trial.enabled a server for each address that is empty. */}}
{{- define "cdb.inside" -}}
{{- $trial := .Values.trial.enabled -}}
postgresql: {{ and $trial (not .Values.postgresql.host) }}
redis: {{ and $trial (not .Values.redis.host) }}
jaeger: {{ and $trial (not .Values.jaeger.otlp) }}
prometheus: {{ and $trial (not .Values.prometheus.url) }}
alertmanager: {{ and $trial (not .Values.alertmanager.url) }}
grafana: {{ $trial }}
ws: true
core: true
risk: true
execution: true
migrate: true
collector: true
console: {{ .Values.console.enabled }}
redis-exporter: {{ .Values.exporters.redis.enabled }}
postgres-exporter: {{ .Values.exporters.postgres.enabled }}
{{- end }}

{{/* Where servers are, inside of the release or not. */}}
{{- define "cdb.addresses" -}}
{{- $inside := include "cdb.inside" . | fromYaml -}}
redisHost: {{ ternary "cdb-redis" .Values.redis.host $inside.redis | quote }}
redisPort: {{ ternary 6379 (int .Values.redis.port) $inside.redis }}
postgresHost: {{ ternary "cdb-postgresql" .Values.postgresql.host $inside.postgresql | quote }}
postgresPort: {{ ternary 5432 (int .Values.postgresql.port) $inside.postgresql }}
jaegerOtlp: {{ ternary "cdb-jaeger:4317" .Values.jaeger.otlp $inside.jaeger | quote }}
jaegerQuery: {{ ternary "http://cdb-jaeger:16686" .Values.jaeger.query $inside.jaeger | quote }}
prometheus: {{ ternary "http://cdb-prometheus:9090" .Values.prometheus.url $inside.prometheus | quote }}
alertmanager: {{ ternary "http://cdb-alertmanager:9093" .Values.alertmanager.url $inside.alertmanager | quote }}
{{- end }}

{{/*
Who opens a connection to whom, and at which port of the pod: the one table of the NetworkPolicies. Whoever is not in
the release is left out, but for servers that exist elsewhere.
*/}}
{{- define "cdb.flows" -}}
{{- range $service, $port := include "cdb.services" . | fromYaml }}
- [{{ $service }}, redis, 6379]
- [{{ $service }}, collector, 4317]
- [prometheus, {{ $service }}, {{ $port }}]
{{- end }}
{{- range list "risk" "execution" "migrate" "postgres-exporter" "console" }}
- [{{ . }}, postgresql, 5432]
{{- end }}
- [redis-exporter, redis, 6379]
- [console, redis, 6379]
- [console, risk, 8002]
- [console, prometheus, 9090]
- [console, alertmanager, 9093]
- [console, jaeger, 16686]
- [collector, jaeger, 4317]
- [prometheus, collector, 9464]
- [prometheus, collector, 8888]
- [prometheus, redis-exporter, 9121]
- [prometheus, postgres-exporter, 9187]
- [prometheus, jaeger, 8888]
- [prometheus, alertmanager, 9093]
- [alertmanager, console, 8010]
- [grafana, prometheus, 9090]
- [grafana, jaeger, 16686]
{{- end }}

{{/*
What Prometheus scrapes: job, pod, port, and `instance`, which rules and dashboards know from the native stack. The second
copy of a service is its standby, whichever of the two works.
*/}}
{{- define "cdb.targets" -}}
{{- $inside := include "cdb.inside" . | fromYaml -}}
{{- range $service, $port := include "cdb.services" . | fromYaml }}
- {job: cdb_services, component: {{ $service }}, pod: cdb-{{ $service }}-0, host: cdb-{{ $service }}-0.cdb-{{ $service }}-pods, port: {{ $port }}, name: http, instance: "cdb_{{ $service }}:{{ $port }}"}
{{- if gt (int (index $.Values.services $service).replicas) 1 }}
- {job: cdb_services, component: {{ $service }}, pod: cdb-{{ $service }}-1, host: cdb-{{ $service }}-1.cdb-{{ $service }}-pods, port: {{ $port }}, name: http, instance: "cdb_{{ $service }}_standby:{{ add $port 100 }}"}
{{- end }}
{{- end }}
- {job: otel_collector, component: collector, pod: cdb-collector-0, host: cdb-collector, port: 9464, name: exposition, instance: "cdb_otel_collector:9464"}
- {job: otel_collector, component: collector, pod: cdb-collector-0, host: cdb-collector, port: 8888, name: telemetry, instance: "cdb_otel_collector:8888"}
{{- if index $inside "redis-exporter" }}
- {job: redis, component: redis-exporter, pod: cdb-redis-exporter-.+, host: cdb-redis-exporter, port: 9121, name: http, instance: "cdb_redis_exporter:9121"}
{{- end }}
{{- if index $inside "postgres-exporter" }}
- {job: postgres, component: postgres-exporter, pod: cdb-postgres-exporter-.+, host: cdb-postgres-exporter, port: 9187, name: http, instance: "cdb_postgres_exporter:9187"}
{{- end }}
{{- if $inside.jaeger }}
- {job: jaeger, component: jaeger, pod: cdb-jaeger-0, host: cdb-jaeger, port: 8888, name: telemetry, instance: "cdb_jaeger:8888"}
{{- end }}
{{- if $inside.alertmanager }}
- {job: alertmanager, component: alertmanager, pod: cdb-alertmanager-0, host: cdb-alertmanager, port: 9093, name: http, instance: "cdb_alertmanager:9093"}
{{- end }}
{{- end }}

{{/* Refuse what the schema cannot say in words that help. */}}
{{- define "cdb.check" -}}
{{- $inside := include "cdb.inside" . | fromYaml -}}
{{- $wrong := list -}}
{{- if not .Values.secrets.existingSecret -}}
{{- $wrong = append $wrong "secrets.existingSecret is empty: name the Secret that holds the passwords and tokens (docs/kubernetes.md)" -}}
{{- end -}}
{{- $addresses := dict "postgresql.host" .Values.postgresql.host "redis.host" .Values.redis.host "jaeger.otlp" .Values.jaeger.otlp -}}
{{- if .Values.console.enabled -}}
{{- $addresses = merge $addresses (dict "jaeger.query" .Values.jaeger.query "prometheus.url" .Values.prometheus.url "alertmanager.url" .Values.alertmanager.url) -}}
{{- end -}}
{{- if not .Values.trial.enabled -}}
{{- range $name, $value := $addresses -}}
{{- if not $value -}}
{{- $wrong = append $wrong (printf "%s is empty: say where that server is, or set trial.enabled to get a small one" $name) -}}
{{- end -}}
{{- end -}}
{{- else if ne (empty .Values.jaeger.otlp) (empty .Values.jaeger.query) -}}
{{- $wrong = append $wrong "jaeger.otlp and jaeger.query belong together: set both, or neither to get a small Jaeger" -}}
{{- end -}}
{{- if and .Values.trial.slack (not $inside.alertmanager) -}}
{{- $wrong = append $wrong "trial.slack has no effect without the trial's Alertmanager: alertmanager.url says that you have one" -}}
{{- end -}}
{{- range $name := (include "cdb.settings" . | fromYaml).mail -}}
{{- if and (hasKey $.Values.settings $name) (not $inside.alertmanager) -}}
{{- $wrong = append $wrong (printf "settings.%s has no effect without the trial's Alertmanager: set it up in yours" $name) -}}
{{- end -}}
{{- end -}}
{{- range $name, $there := dict "CDB_TRACE_RETENTION" $inside.jaeger "CDB_PROMETHEUS_RETENTION" $inside.prometheus -}}
{{- if and (hasKey $.Values.settings $name) (not $there) -}}
{{- $wrong = append $wrong (printf "settings.%s has no effect on a server of yours: set it up there" $name) -}}
{{- end -}}
{{- end -}}
{{- if $wrong -}}
{{- fail (printf "\n\n  %s\n" (join "\n  " $wrong)) -}}
{{- end -}}
{{- end }}
