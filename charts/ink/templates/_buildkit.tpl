{{/* Registries as BuildKit must know them, host -> {mirrors, http}, as JSON: Ink's own, the mirrored ones and their mirrors. */}}
{{- define "ink.buildkitRegistries" -}}
{{- $registries := dict (include "ink.registry" .) (dict "http" true) -}}
{{- range $host, $mirrors := .Values.builders.mirrors -}}
  {{- $names := list -}}
  {{- range $mirrors -}}
    {{- $names = append $names .host -}}
    {{- if .insecure -}}
      {{- $_ := set $registries .host (merge (dict "http" true) (get $registries .host | default dict)) -}}
    {{- end -}}
  {{- end -}}
  {{- $_ := set $registries $host (merge (dict "mirrors" $names) (get $registries $host | default dict)) -}}
{{- end -}}
{{- $registries | toJson -}}
{{- end -}}

{{/* Mirrors that are named by IPv4 address and port, as egress rules: names cannot stand in a NetworkPolicy. */}}
{{- define "ink.egressMirrors" -}}
{{- range $mirrors := .Values.builders.mirrors -}}
{{- range $mirrors -}}
{{- if regexMatch "^[0-9.]+:[0-9]+$" .host -}}
{{- $parts := splitList ":" .host }}
- to: [{ipBlock: {cidr: {{ index $parts 0 }}/32}}]
  ports: [{protocol: TCP, port: {{ index $parts 1 }}}]
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
