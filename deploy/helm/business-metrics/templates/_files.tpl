{{- /*
Secrets reach processes as files. Each is an entry of a list: `setting` is the variable that names the file, `path` the file, and
`secret` (or `configMap`) and `key` where it comes from. Each process has such a list; from it come its variables and its volume.
*/ -}}
{{- define "business-metrics.filesIn" -}}/run/secrets/business-metrics{{- end -}}

{{- /* Of a role of PostgreSQL. Argument: list of the root and the role. */ -}}
{{- define "business-metrics.databaseFiles" -}}
{{- $database := (first .).Values.database -}}
{{- $role := get $database.roles (last .) -}}
{{- with $role.password }}{{ if .name }}
- { setting: DATABASE_PASSWORD_FILE, path: database-password, secret: {{ .name }}, key: {{ .key }} }
{{- end }}{{ end }}
{{- with $database.ca }}{{ if .name }}
- { setting: DATABASE_CA_FILE, path: database-ca.crt, secret: {{ .name }}, key: {{ .key }} }
{{- end }}{{ end }}
{{- with $role.certificate }}
- { setting: DATABASE_CERT_FILE, path: database.crt, secret: {{ . }}, key: tls.crt }
- { setting: DATABASE_KEY_FILE, path: database.key, secret: {{ . }}, key: tls.key }
{{- end }}
{{- end -}}

{{- define "business-metrics.redisFiles" -}}
{{- with .Values.redis.urlSecret }}{{ if .name }}
- { setting: REDIS_URL_FILE, path: redis-url, secret: {{ .name }}, key: {{ .key }} }
{{- end }}{{ end }}
{{- with .Values.redis.ca }}{{ if .name }}
- { setting: REDIS_CA_FILE, path: redis-ca.crt, secret: {{ .name }}, key: {{ .key }} }
{{- end }}{{ end }}
{{- with .Values.redis.certificate }}
- { setting: REDIS_CERT_FILE, path: redis.crt, secret: {{ . }}, key: tls.crt }
- { setting: REDIS_KEY_FILE, path: redis.key, secret: {{ . }}, key: tls.key }
{{- end }}
{{- end -}}

{{- /* Secret settings. Argument: list of what their variables begin with, and the settings. */ -}}
{{- define "business-metrics.secretFiles" -}}
{{- $prefix := first . -}}
{{- range $setting, $secret := last . }}
- { setting: {{ $prefix }}{{ $setting }}_FILE, path: {{ printf "%s%s" $prefix $setting | lower | replace "_" "-" }}, secret: {{ $secret.name }}, key: {{ $secret.key }} }
{{- end }}
{{- end -}}

{{- /* Argument: the values of Kafka. */ -}}
{{- define "business-metrics.kafkaFiles" -}}
{{ include "business-metrics.secretFiles" (list "KAFKA_CONFIG_" .secretConfig) }}
{{- with .ca }}{{ if .name }}
- { setting: KAFKA_CONFIG_SSL_CA_LOCATION, path: kafka-ca.crt, secret: {{ .name }}, key: {{ .key }} }
{{- end }}{{ end }}
{{- with .certificate }}
- { setting: KAFKA_CONFIG_SSL_CERTIFICATE_LOCATION, path: kafka.crt, secret: {{ . }}, key: tls.crt }
- { setting: KAFKA_CONFIG_SSL_KEY_LOCATION, path: kafka.key, secret: {{ . }}, key: tls.key }
{{- end }}
{{- end -}}

{{- define "business-metrics.tokenFiles" -}}
{{- with .Values.queryApi.tokens.hs256 }}{{ if .name }}
- { setting: JWT_HS256_SECRET_FILE, path: jwt-hs256-secret, secret: {{ .name }}, key: {{ .key }} }
{{- end }}{{ end }}
{{- with .Values.queryApi.tokens.jwks }}{{ if .name }}
- { setting: JWT_JWKS_FILE, path: jwks.json, configMap: {{ .name }}, key: {{ .key }} }
{{- end }}{{ end }}
{{- with .Values.queryApi.tokens.jwksCa }}{{ if .name }}
- { setting: JWT_JWKS_CA_FILE, path: jwks-ca.crt, secret: {{ .name }}, key: {{ .key }} }
{{- end }}{{ end }}
{{- end -}}

{{- define "business-metrics.webhookFiles" -}}
{{- with .Values.queryApi.webhookCa }}{{ if .name }}
- { setting: WEBHOOK_CA_FILE, path: webhook-ca.crt, secret: {{ .name }}, key: {{ .key }} }
{{- end }}{{ end }}
{{- end -}}

{{- define "business-metrics.migrateFiles" -}}
{{ include "business-metrics.databaseFiles" (list . "owner") }}
{{- end -}}

{{- define "business-metrics.consumerFiles" -}}
{{ include "business-metrics.databaseFiles" (list . "consumer") }}
{{ include "business-metrics.redisFiles" . }}
{{ include "business-metrics.kafkaFiles" .Values.kafka }}
{{ include "business-metrics.secretFiles" (list "" .Values.consumer.secretSettings) }}
{{- end -}}

{{- define "business-metrics.operatorFiles" -}}
{{ include "business-metrics.databaseFiles" (list . .Values.operator.role) }}
{{ include "business-metrics.redisFiles" . }}
{{ include "business-metrics.kafkaFiles" (mergeOverwrite (deepCopy .Values.kafka) .Values.operator.kafka) }}
{{ include "business-metrics.secretFiles" (list "" .Values.consumer.secretSettings) }}
{{- end -}}

{{- define "business-metrics.queryApiFiles" -}}
{{ include "business-metrics.databaseFiles" (list . "api") }}
{{ include "business-metrics.redisFiles" . }}
{{ include "business-metrics.tokenFiles" . }}
{{ include "business-metrics.webhookFiles" . }}
{{ include "business-metrics.secretFiles" (list "" .Values.queryApi.secretSettings) }}
{{- end -}}

{{- /* The variables that name the files. Argument: the list, as text. */ -}}
{{- define "business-metrics.fileVariables" -}}
{{- range (fromYamlArray .) }}
- name: {{ .setting }}
  value: {{ include "business-metrics.filesIn" . }}/{{ .path }}
{{- end }}
{{- end -}}

{{- define "business-metrics.fileMounts" -}}
{{- if fromYamlArray . }}
- name: files
  mountPath: {{ include "business-metrics.filesIn" . }}
  readOnly: true
{{- end }}
{{- end -}}

{{- define "business-metrics.fileVolumes" -}}
{{- with fromYamlArray . }}
- name: files
  projected:
    # 0440: the pod's group reads them.
    defaultMode: 288
    sources:
      {{- range . }}
      - {{ ternary "secret" "configMap" (hasKey . "secret") }}:
          name: {{ default .configMap .secret }}
          items:
            - key: {{ .key }}
              path: {{ .path }}
      {{- end }}
{{- end }}
{{- end -}}

{{- /* The address of the database for a role, without a password. Argument: list of the root and the role. */ -}}
{{- define "business-metrics.databaseUrl" -}}
{{- $database := (first .).Values.database -}}
{{- $role := get $database.roles (last .) -}}
{{- $hosts := required "database.hosts is needed: host:port of PostgreSQL" $database.hosts -}}
postgres://{{ $role.user }}@{{ $hosts }}/{{ $database.name }}{{ with $database.parameters }}?{{ . }}{{ end }}
{{- end -}}
