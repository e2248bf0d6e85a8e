{{/* What pods have in common. Components are named as in the table cdb.inside; objects are called cdb-COMPONENT. */}}

{{- define "cdb.selector" -}}
app.kubernetes.io/name: claire-de-binare
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "cdb.labels" -}}
{{ include "cdb.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "cdb.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Nothing is written but to volumes and a small /tmp, and no privilege is had or can be got. */}}
{{- define "cdb.hardened" -}}
securityContext:
  allowPrivilegeEscalation: false
  capabilities: {drop: [ALL]}
  privileged: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* A setting as it is given, or *default*. */}}
{{- define "cdb.setting" -}}
{{ get .root.Values.settings .name | default .default }}
{{- end }}

{{/* Those settings of *container* that have a value. */}}
{{- define "cdb.env" -}}
{{- range $name := index (include "cdb.settings" .root | fromYaml) .container }}
{{- with get $.root.Values.settings $name }}
- {name: {{ $name }}, value: {{ . | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{- define "cdb.secretMounts" -}}
{{- range . }}
- {name: secret-{{ . }}, mountPath: /run/secrets/{{ . }}, readOnly: true}
{{- end }}
{{- end }}

{{- define "cdb.secretVolumes" -}}
{{- $keys := include "cdb.secrets" . | fromYaml -}}
{{- range .folders }}
- name: secret-{{ . }}
  secret:
    secretName: {{ $.root.Values.secrets.existingSecret }}
    defaultMode: 0440
    items: [{key: {{ index $keys . }}, path: {{ index $keys . }}}]
{{- end }}
{{- end }}

{{/*
An init container that writes the files of one volume, which need several secrets: *volume* as cdb_handover has it,
*keys* those secrets, *env* and *mounts* as YAML. "settings" writes nothing, it refuses settings that servers could not read.
*/}}
{{- define "cdb.handover" -}}
- name: handover
  image: {{ include "cdb.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: [python, -m, deploy.containers.handover, {{ .volume }}]
  {{- include "cdb.hardened" . | nindent 2 }}
  {{- with .env }}
  env:
    {{- . | nindent 4 }}
  {{- end }}
  resources:
    requests: {cpu: 20m, memory: 64Mi}
    limits: {cpu: "1", memory: 80Mi}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    {{- if ne .volume "settings" }}
    - {name: handover, mountPath: /handover/{{ .volume }}}
    {{- end }}
    {{- if .keys }}
    - {name: handed, mountPath: /run/secrets, readOnly: true}
    {{- end }}
    {{- with .mounts }}
    {{- . | nindent 4 }}
    {{- end }}
{{- end }}

{{- define "cdb.handoverVolumes" -}}
- name: handover
  emptyDir: {medium: Memory, sizeLimit: 1Mi}
{{- if .keys }}
- name: handed
  secret:
    secretName: {{ .root.Values.secrets.existingSecret }}
    defaultMode: 0440
    items:
      {{- range .keys }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end }}
{{- end }}

{{/*
The template of a pod: *component*, *user*, *group*, *container* (YAML), and where there are any: *init*, *volumes* (YAML),
*secrets* (folders), *grace*, *checked* (what restarts the pod when it changes), *restart*, *job* (Prometheus').
*/}}
{{- define "cdb.pod" -}}
metadata:
  labels:
    {{- include "cdb.selector" . | nindent 4 }}
    {{- with .root.Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ .component }}
    {{- with .checked }}
    checksum/config: {{ sha256sum . }}
    {{- end }}
    {{- if and .job (eq .root.Values.metrics.scrape "annotations") }}
    claire-de-binare/job: {{ .job }}
    {{- end }}
    {{- with .root.Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  automountServiceAccountToken: false
  # A Service called cdb-ws would set CDB_WS_PORT to tcp://...
  enableServiceLinks: false
  {{- with .restart }}
  restartPolicy: {{ . }}
  {{- end }}
  {{- with .root.Values.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .root.Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .grace | default 10 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: {{ .user }}
    runAsGroup: {{ .group }}
    fsGroup: {{ .group }}
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- if gt (int .replicas) 1 }}
  topologySpreadConstraints:
    {{- range .root.Values.topologyKeys }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "cdb.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- with .init }}
  initContainers:
    {{- . | nindent 4 }}
  {{- end }}
  containers:
    {{- .container | nindent 4 }}
  volumes:
    - name: tmp
      emptyDir: {medium: Memory, sizeLimit: 16Mi}
    {{- include "cdb.secretVolumes" (dict "root" .root "folders" .secrets) | nindent 4 }}
    {{- with .volumes }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- if and .persistence (not .persistence.size) }}
    - name: data
      emptyDir: {}
    {{- end }}
{{- end }}

{{/* A StatefulSet of such pods; *persistence* makes a volume called data. */}}
{{- define "cdb.statefulset" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: cdb-{{ .component }}
  labels:
    {{- include "cdb.labels" . | nindent 4 }}
spec:
  replicas: {{ .replicas | default 1 }}
  serviceName: cdb-{{ .component }}-pods
  # The copies do not wait for each other, neither at the start nor when one's node is gone.
  podManagementPolicy: Parallel
  # In a rollout a standby has looked around before the copy that works ends.
  minReadySeconds: {{ ternary 5 0 (gt (int .replicas) 1) }}
  selector:
    matchLabels:
      {{- include "cdb.selector" . | nindent 6 }}
  template:
    {{- include "cdb.pod" . | nindent 4 }}
  {{- if and .persistence .persistence.size }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .persistence.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ .persistence.size }}}}
  {{- end }}
{{- end }}

{{/*
Services of a component with *ports* (name: number): cdb-COMPONENT, which leads to a pod that is ready, and the headless
cdb-COMPONENT-pods, which names each pod, ready or not.
*/}}
{{- define "cdb.services-of" -}}
{{- range $suffix := list "" "-pods" }}
---
apiVersion: v1
kind: Service
metadata:
  name: cdb-{{ $.component }}{{ $suffix }}
  labels:
    {{- include "cdb.labels" $ | nindent 4 }}
    {{- if $suffix }}
    claire-de-binare/scraped: "true"
    {{- end }}
spec:
  type: ClusterIP
  {{- if $suffix }}
  clusterIP: None
  publishNotReadyAddresses: true
  {{- end }}
  selector:
    {{- include "cdb.selector" $ | nindent 4 }}
  ports:
    {{- range $name, $port := $.ports }}
    - {name: {{ $name }}, port: {{ $port }}, targetPort: {{ $name }}, protocol: TCP}
    {{- end }}
{{- end }}
{{- end }}

{{- define "cdb.containerPorts" -}}
ports:
  {{- range $name, $port := . }}
  - {name: {{ $name }}, containerPort: {{ $port }}, protocol: TCP}
  {{- end }}
{{- end }}
