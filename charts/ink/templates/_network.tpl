{{/* NetworkPolicy rules shared by several components. Ports are those of the pods: policies apply after address translation. */}}

{{/* Egress to cluster DNS. */}}
{{- define "ink.egressDNS" -}}
- to:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ .Values.network.dns.namespace }}}}
      podSelector: {matchLabels: {{ include "ink.dnsLabels" . }}}
  ports:
    {{- range .Values.network.dns.ports }}
    - {protocol: UDP, port: {{ . }}}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end -}}

{{/* Egress to the API server. It is not a pod, so only addresses or ports can select it. */}}
{{- define "ink.egressAPIServer" -}}
- ports:
    {{- range .Values.network.apiServer.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .Values.network.apiServer.cidrs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  {{- end }}
{{- end -}}

{{/* Egress to the public internet by TCP, except for mail ports and private, CGNAT, link-local and multicast ranges. */}}
{{- define "ink.egressInternet" -}}
{{- $v4 := list "0.0.0.0/8" "10.0.0.0/8" "100.64.0.0/10" "127.0.0.0/8" "169.254.0.0/16" "172.16.0.0/12" "192.168.0.0/16" "198.18.0.0/15" "224.0.0.0/4" "240.0.0.0/4" -}}
{{- $v6 := list "::/96" "64:ff9b::/96" "64:ff9b:1::/48" "2002::/16" "fc00::/7" "fe80::/10" "fec0::/10" "ff00::/8" -}}
{{- range .Values.network.deniedCIDRs -}}
{{- if contains ":" . -}}{{- $v6 = append $v6 . -}}{{- else -}}{{- $v4 = append $v4 . -}}{{- end -}}
{{- end -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: {{ $v4 | uniq | toJson }}
    - ipBlock:
        cidr: "::/0"
        except: {{ $v6 | uniq | toJson }}
  ports:
    - {protocol: TCP, port: 1, endPort: 24}
    - {protocol: TCP, port: 26, endPort: 464}
    - {protocol: TCP, port: 466, endPort: 586}
    - {protocol: TCP, port: 588, endPort: 65535}
{{- end -}}

{{/* Egress to a list of {cidr, port}. */}}
{{- define "ink.egressExtra" -}}
{{- range . }}
- to: [{ipBlock: {cidr: {{ .cidr | quote }}}}]
  ports: [{protocol: TCP, port: {{ int .port }}}]
{{- end }}
{{- end -}}

{{/* A peer: pods of a component in a namespace: (dict "namespace" … "component" …) */}}
{{- define "ink.peer" -}}
- namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ .namespace }}}}
  podSelector: {matchLabels: {app.kubernetes.io/name: {{ .component }}}}
{{- end -}}

{{/* A peer: the ingress controller's pods. */}}
{{- define "ink.ingressPeer" -}}
- namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ .Values.namespaces.ingress }}}}
  podSelector: {matchLabels: {{ include "ink.ingressLabels" . }}}
{{- end -}}

{{/* A peer: build Jobs' pods. */}}
{{- define "ink.buildPeer" -}}
- namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ .Values.namespaces.builds }}}}
  podSelector: {matchLabels: {ml.ink/component: build}}
{{- end -}}

{{/* Head of a NetworkPolicy for one component that denies both directions: (dict "root" $ "namespace" … "component" …) */}}
{{- define "ink.policyHead" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .component }}
  namespace: {{ .namespace }}
  labels:
    {{- include "ink.labels" . | nindent 4 }}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: {{ .component }}}}
  policyTypes: [Ingress, Egress]
{{- end -}}
