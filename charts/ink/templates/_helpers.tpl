{{/* Labels of an object of component .component: (dict "root" $ "component" "gateway") */}}
{{- define "ink.labels" -}}
app.kubernetes.io/name: {{ .component }}
app.kubernetes.io/part-of: ink
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{/* The selector of a component's pods; never changes. */}}
{{- define "ink.selector" -}}
app.kubernetes.io/name: {{ .component }}
app.kubernetes.io/part-of: ink
{{- end -}}

{{/* Image reference of one of ours, whose tag defaults to the chart's appVersion, or of a platform image. */}}
{{- define "ink.image" -}}
{{- $image := index .root.Values.images .name -}}
{{ $image.repository }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{/* Public addresses. */}}
{{- define "ink.gatewayHost" -}}{{ .Values.gateway.host | default .Values.platform.domain }}{{- end -}}
{{- define "ink.gitHost" -}}{{ .Values.git.host | default (printf "git.%s" .Values.platform.domain) }}{{- end -}}
{{- define "ink.appsDomain" -}}{{ .Values.apps.domain | default (printf "apps.%s" .Values.platform.domain) }}{{- end -}}
{{- define "ink.port" -}}{{ if ne (int .Values.platform.port) 443 }}:{{ int .Values.platform.port }}{{ end }}{{- end -}}
{{- define "ink.publicURL" -}}https://{{ include "ink.gatewayHost" . }}{{ include "ink.port" . }}{{- end -}}
{{- define "ink.gitURL" -}}https://{{ include "ink.gitHost" . }}{{ include "ink.port" . }}{{- end -}}

{{/* Names inside the cluster. */}}
{{- define "ink.registry" -}}registry.{{ .Values.namespaces.system }}.svc.cluster.local:5000{{- end -}}
{{- define "ink.gitInternalURL" -}}http://git.{{ .Values.namespaces.system }}.svc.cluster.local:8080{{- end -}}
{{- define "ink.buildkitHost" -}}buildkitd.{{ .Values.namespaces.buildkit }}.svc.cluster.local{{- end -}}
{{- define "ink.serviceAccount" -}}system:serviceaccount:{{ .root.Values.namespaces.system }}:{{ .name }}{{- end -}}

{{/* Settings shared by all our pods: user, seccomp, no service links, no token. */}}
{{- define "ink.podSecurity" -}}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* Settings shared by all our containers. */}}
{{- define "ink.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Where a pod runs: (dict "root" $ "pool" "ops") */}}
{{- define "ink.placement" -}}
{{- $pool := index .root.Values.pools .pool -}}
priorityClassName: ink-platform
{{- with $pool.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pool.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* One variable from a Secret: (list "INK_X" "secret" "key") */}}
{{- define "ink.secretEnv" -}}
- name: {{ index . 0 }}
  valueFrom: {secretKeyRef: {name: {{ index . 1 }}, key: {{ index . 2 }}}}
{{- end -}}

{{/* Variables from a map, sorted by name. */}}
{{- define "ink.env" -}}
{{- range $name, $value := . }}
- {name: {{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- end -}}

{{/* A claim: (dict "root" $ "name" … "component" … "namespace" … "storage" …). Kept when the release is uninstalled, because it is users' data. */}}
{{- define "ink.claim" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "ink.labels" . | nindent 4 }}
  annotations: {helm.sh/resource-policy: keep}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: {{ .storage.size }}}}
  {{- with .storage.className }}
  storageClassName: {{ . }}
  {{- end }}
{{- end -}}

{{/* A PodDisruptionBudget that never blocks a node's drain but allows only one eviction at a time. */}}
{{- define "ink.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .component }}
  namespace: {{ .namespace }}
  labels:
    {{- include "ink.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "ink.selector" . | nindent 6 }}
{{- end -}}

{{/* A map as key=value,key=value */}}
{{- define "ink.pairs" -}}
{{- $pairs := list -}}
{{- range $key, $value := . -}}{{- $pairs = append $pairs (printf "%s=%s" $key $value) -}}{{- end -}}
{{- join "," $pairs -}}
{{- end -}}

{{/* Labels of pods that are not ours, as JSON. The defaults are here, as Helm would merge a user's map into one in values.yaml. */}}
{{- define "ink.ingressLabels" -}}{{ .Values.ingress.podLabels | default (dict "app.kubernetes.io/name" "traefik") | toJson }}{{- end -}}
{{- define "ink.dnsLabels" -}}{{ .Values.network.dns.labels | default (dict "k8s-app" "kube-dns") | toJson }}{{- end -}}
