{{- /* Names. A component is `consumer` or `query-api`. */ -}}
{{- define "business-metrics.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* What selects a component's pods; it never changes. Argument: list of the root and the component. */ -}}
{{- define "business-metrics.selector" -}}
app.kubernetes.io/name: business-metrics
app.kubernetes.io/instance: {{ (first .).Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end -}}

{{- define "business-metrics.labels" -}}
{{ include "business-metrics.selector" . }}
app.kubernetes.io/version: {{ (first .).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (first .).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (first .).Chart.Name (first .).Chart.Version }}
{{- end -}}

{{- /* An image. Argument: list of the root and the image's values. */ -}}
{{- define "business-metrics.image" -}}
{{- $image := last . -}}
image: {{ if $image.digest }}{{ printf "%s@%s" $image.repository $image.digest }}{{ else }}{{ printf "%s:%s" $image.repository (default (first .).Chart.AppVersion $image.tag) }}{{ end }}
imagePullPolicy: {{ $image.pullPolicy }}
{{- end -}}

{{- /* Rights that no pod has, and the user that images run as. */ -}}
{{- define "business-metrics.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "business-metrics.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /* Pods spread over nodes and zones as far as that is possible. Argument: list of the root and the component. */ -}}
{{- define "business-metrics.spread" -}}
{{- $selector := include "business-metrics.selector" . -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- $selector | nindent 6 }}
{{- end }}
{{- end -}}

{{- /* Where members and APIs may run. Argument: the component's values. */ -}}
{{- define "business-metrics.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}
