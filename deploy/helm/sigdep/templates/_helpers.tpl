{{- define "sigdep.name" -}}
{{- contains "sigdep" .Release.Name | ternary .Release.Name (printf "%s-sigdep" .Release.Name) | trunc 48 | trimSuffix "-" }}
{{- end }}

{{- /* Whom each role asks: its settings and the network policies are made of it. */ -}}
{{- define "sigdep.asks" -}}
gateway:
  - tasks-write
  - tasks-read
  - calendar-write
  - calendar-read
  - notifications-write
  - notifications-read
  - users-write
  - users-read
tasks-write: [tasks-read, users-write]
tasks-read: [tasks-write]
calendar-write: [users-write]
calendar-read: [calendar-write]
notifications-write: [notifications-read, tasks-write, tasks-read, calendar-write, calendar-read, users-write]
notifications-read: [notifications-write]
users-write: []
users-read: [users-write]
{{- end }}

{{- define "sigdep.image" -}}
{{- $repository := required "image.repository is required: where you have pushed the image." .Values.image.repository -}}
{{- if .Values.image.digest }}{{ $repository }}@{{ .Values.image.digest }}
{{- else }}{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "sigdep.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "sigdep.name" .) }}
{{- end }}

{{- define "sigdep.selector" -}}
app.kubernetes.io/name: sigdep
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "sigdep.labels" -}}
{{ include "sigdep.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- /* Not empty: the role shares or keeps something in Redis, and there is one. */ -}}
{{- define "sigdep.shares" -}}
{{- if and (has .role (list "gateway" "users-read" "tasks-read")) (or .root.Values.redis.url .root.Values.redis.existingSecret) -}}
yes
{{- end -}}
{{- end }}

{{- define "sigdep.environment" -}}
{{- $asks := include "sigdep.asks" .root | fromYaml -}}
- {name: SIGDEP_PUBLIC_URL, value: {{ required "publicUrl is required: how clients reach the gateway." .root.Values.publicUrl | quote }}}
- {name: SIGDEP_SECRETS_DIR, value: /secrets/sigdep}
- name: SIGDEP_KEYS_URL
  valueFrom: {secretKeyRef: {name: {{ .root.Values.databases.existingSecret | quote }}, key: keys}}
{{- if .root.Values.broker.existingSecret }}
- name: SIGDEP_BROKER_URL
  valueFrom: {secretKeyRef: {name: {{ .root.Values.broker.existingSecret | quote }}, key: url}}
{{- else if .root.Values.broker.url }}
- {name: SIGDEP_BROKER_URL, value: {{ .root.Values.broker.url | quote }}}
{{- end }}
{{- if and (include "sigdep.shares" .) .root.Values.redis.existingSecret }}
- name: SIGDEP_REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ .root.Values.redis.existingSecret | quote }}, key: url}}
{{- else if include "sigdep.shares" . }}
- {name: SIGDEP_REDIS_URL, value: {{ .root.Values.redis.url | quote }}}
{{- end }}
{{- range index $asks .role }}
- {name: SIGDEP_{{ . | replace "-" "_" | upper }}, value: "dns:///{{ include "sigdep.name" $.root }}-{{ . }}:50051"}
{{- end }}
{{- if and .root.Values.search.existingSecret (eq .role "tasks-read") }}
- name: SIGDEP_SEARCH_URL
  valueFrom: {secretKeyRef: {name: {{ .root.Values.search.existingSecret | quote }}, key: url}}
{{- end }}
{{- if eq .role "gateway" }}
- {name: SIGDEP_HOST, value: 0.0.0.0}
- {name: SIGDEP_PORT, value: "8000"}
{{- else }}
- name: SIGDEP_INSTANCE
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- {name: SIGDEP_RPC_HOST, value: 0.0.0.0}
- {name: SIGDEP_RPC_PORT, value: "50051"}
- {name: SIGDEP_METRICS_HOST, value: 0.0.0.0}
- {name: SIGDEP_METRICS_PORT, value: "9464"}
- name: SIGDEP_DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ .root.Values.databases.existingSecret | quote }}, key: {{ .role }}}}
{{- end }}
{{- with .root.Values.traces.endpoint }}
- {name: SIGDEP_OTLP_ENDPOINT, value: {{ . | quote }}}
- {name: SIGDEP_TRACE_RATIO, value: {{ $.root.Values.traces.ratio | quote }}}
{{- end }}
{{- range $name, $value := .root.Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
