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

{{- /* Where role goes and needs an authority of the operator's: the name of each place below /tls, and the Secret there. */ -}}
{{- define "sigdep.authorities" -}}
{{- $values := .root.Values -}}
{{- $found := dict -}}
{{- with $values.databases.tls.existingSecret }}{{ $_ := set $found "postgresql" . }}{{ end -}}
{{- with $values.broker.tls.existingSecret }}{{ $_ := set $found "broker" . }}{{ end -}}
{{- if include "sigdep.shares" . }}{{ with $values.redis.tls.existingSecret }}{{ $_ := set $found "redis" . }}{{ end }}{{ end -}}
{{- if eq .role "tasks-read" }}{{ with $values.search.tls.existingSecret }}{{ $_ := set $found "search" . }}{{ end }}{{ end -}}
{{- toJson $found -}}
{{- end }}

{{- /* What is said of all roles under this name, and after it of this one. */ -}}
{{- define "sigdep.extra" -}}
{{- $own := index .root.Values.roles .role -}}
{{- concat (index .root.Values .name | default list) (index $own .name | default list) | toYaml -}}
{{- end }}

{{- define "sigdep.environment" -}}
{{- $variables := include "sigdep.variables" . -}}
{{- $named := list -}}
{{- range $variables | fromYamlArray -}}
{{- if has .name $named }}{{ fail (printf "%s would have %s twice: the chart sets it already, or settings and extraEnv both do." $.role .name) }}{{ end -}}
{{- $named = append $named .name -}}
{{- end -}}
{{ $variables }}
{{- end }}

{{- define "sigdep.variables" -}}
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
{{- range $place, $_ := include "sigdep.authorities" . | fromJson }}
{{- if eq $place "postgresql" }}
- {name: PGSSLROOTCERT, value: /tls/postgresql/ca.crt}
{{- else }}
- {name: SIGDEP_{{ upper $place }}_AUTHORITY, value: /tls/{{ $place }}/ca.crt}
{{- if (index $.root.Values $place "tls").clientCertificate }}
- {name: SIGDEP_{{ upper $place }}_CERTIFICATE, value: /tls/{{ $place }}/tls.crt}
- {name: SIGDEP_{{ upper $place }}_KEY, value: /tls/{{ $place }}/tls.key}
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $value := .root.Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- with include "sigdep.extra" (merge (dict "name" "extraEnv") .) | fromYamlArray }}
{{ toYaml . }}
{{- end }}
{{- end }}
