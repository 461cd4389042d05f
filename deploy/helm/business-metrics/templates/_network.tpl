{{- /* A rule of a policy. Argument: list of `to` or `from`, the peers, the ports. */ -}}
{{- define "business-metrics.rule" -}}
- ports:
    {{- range index . 2 }}
    - { protocol: TCP, port: {{ int64 . }} }
    {{- end }}
  {{- if index . 1 }}
  {{ index . 0 }}:
    {{- toYaml (index . 1) | nindent 4 }}
  {{- end }}
{{- end -}}

{{- /*
A rule to reach addresses. Argument: list of the policy's part, the addresses, separated by commas, and the port of one that names
none. An address may be a scheme alone. Ports of the part itself take their place. With neither there is no rule.
*/ -}}
{{- define "business-metrics.reach" -}}
{{- $part := index . 0 -}}
{{- $usual := index . 2 -}}
{{- $ports := default (list) $part.ports -}}
{{- if not $ports -}}
{{- range (splitList "," (index . 1) | compact) -}}
{{- $place := regexFind "^[^/?#]*" (regexReplaceAll "^[A-Za-z][A-Za-z0-9+.-]*://" (trim .) "") -}}
{{- $default := ternary 80 $usual (hasPrefix "http://" (trim .)) -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" $place | trimPrefix ":" | default $default | int64) -}}
{{- end -}}
{{- end -}}
{{- with uniq $ports -}}
{{ include "business-metrics.rule" (list "to" $part.to .) }}
{{- end -}}
{{- end -}}

{{- /* Where traces go to. Argument: the component's settings. */ -}}
{{- define "business-metrics.tracesTo" -}}
{{- coalesce .OTEL_EXPORTER_OTLP_TRACES_ENDPOINT .OTEL_EXPORTER_OTLP_ENDPOINT | default "" -}}
{{- end -}}

{{- /* Where webhooks may be. Argument: the settings of query-api. */ -}}
{{- define "business-metrics.webhooksTo" -}}
{{- if eq "on" (default "" .WEBHOOKS) -}}
https://{{ if eq "on" (default "" .WEBHOOK_ALLOW_HTTP) }},http://{{ end }}
{{- end -}}
{{- end -}}
