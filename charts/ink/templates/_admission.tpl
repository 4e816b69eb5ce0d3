{{/* CEL: does the request come from one of admission.administrators? */}}
{{- define "ink.administrator" -}}
request.userInfo.username in {{ .Values.admission.administrators.users | toJson }} || request.userInfo.?groups.orValue([]).exists(g, g in {{ .Values.admission.administrators.groups | toJson }})
{{- end -}}
