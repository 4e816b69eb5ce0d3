{{/* A buildkitd's pod template: (dict "root" $ "resources" … "shared" true). To that of a tenant the operator adds the volumes `state` and `tls`.
     The one exception to "non-root, no capabilities, RuntimeDefault". A RUN step is a container inside this container:
     - it is made by mount, pivot_root and namespaces, so SYS_ADMIN, root inside the pod, and a seccomp profile that lets
       keyctl and pivot_root through (builders.seccompProfile) are needed; RuntimeDefault refuses every RUN;
     - the other capabilities are those of an ordinary container, which RUN steps (package managers above all) expect.
     It is not privileged: no device, no host namespace, no hostPath, read-only root; clients need a certificate; the namespace
     holds nothing else; its NetworkPolicy lets it reach DNS, the registry and the public internet only. */}}
{{- define "ink.buildkitdTemplate" -}}
metadata:
  labels:
    {{- include "ink.labels" (dict "root" .root "component" "buildkitd") | nindent 4 }}
    {{- if .shared }}
    app.kubernetes.io/component: shared
    {{- end }}
  annotations:
    checksum/config: {{ include (print .root.Template.BasePath "/buildkit/config.yaml") .root | sha256sum }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- include "ink.placement" (dict "root" .root "pool" "build") | nindent 2 }}
  terminationGracePeriodSeconds: 30
  containers:
    - name: buildkitd
      image: {{ include "ink.image" (dict "root" .root "name" "buildkitd") }}
      imagePullPolicy: {{ .root.Values.images.pullPolicy }}
      command: [/bin/sh, /etc/buildkit/entry.sh]
      ports:
        - {name: grpc, containerPort: 1234}
      startupProbe:
        tcpSocket: {port: grpc}
        periodSeconds: 1
        failureThreshold: 120
      readinessProbe:
        tcpSocket: {port: grpc}
        periodSeconds: 5
      livenessProbe:
        tcpSocket: {port: grpc}
        periodSeconds: 15
        timeoutSeconds: 5
        failureThreshold: 8
      resources:
        {{- toYaml .resources | nindent 8 }}
      securityContext:
        runAsUser: 0
        runAsGroup: 0
        privileged: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
          add:
            - SYS_ADMIN
            - AUDIT_WRITE
            - CHOWN
            - DAC_OVERRIDE
            - FOWNER
            - FSETID
            - KILL
            - MKNOD
            - NET_BIND_SERVICE
            - NET_RAW
            - SETFCAP
            - SETGID
            - SETPCAP
            - SETUID
            - SYS_CHROOT
        seccompProfile:
          {{- if eq .root.Values.builders.seccompProfile "Unconfined" }}
          type: Unconfined
          {{- else }}
          type: Localhost
          localhostProfile: {{ .root.Values.builders.seccompProfile }}
          {{- end }}
        {{- with .root.Values.builders.appArmorProfile }}
        appArmorProfile: {type: {{ . }}}
        {{- end }}
      volumeMounts:
        - {name: state, mountPath: /var/lib/buildkit}
        - {name: run, mountPath: /run}
        - {name: tmp, mountPath: /tmp}
        - {name: config, mountPath: /etc/buildkit/buildkitd.toml, subPath: buildkitd.toml, readOnly: true}
        - {name: config, mountPath: /etc/buildkit/entry.sh, subPath: entry.sh, readOnly: true}
        - {name: tls, mountPath: /etc/buildkit/tls, readOnly: true}
        {{- if .root.Values.builders.caBundle }}
        - {name: config, mountPath: /etc/ssl/certs/ca-certificates.crt, subPath: ca-certificates.crt, readOnly: true}
        {{- end }}
  volumes:
    {{- if .shared }}
    - name: state
      persistentVolumeClaim: {claimName: buildkit-state}
    {{- end }}
    - name: run
      emptyDir: {}
    - name: tmp
      emptyDir: {}
    - name: config
      configMap: {name: buildkitd}
    {{- if .shared }}
    - name: tls
      secret: {secretName: buildkit-server, defaultMode: 0400}
    {{- end }}
{{- end -}}

{{/* The same for a tenant, as JSON. It has a lower priority than the platform's own pods. */}}
{{- define "ink.tenantBuildkitd" -}}
{{- $template := include "ink.buildkitdTemplate" (dict "root" . "resources" .Values.builders.tenant.resources "shared" false) | fromYaml -}}
{{- $_ := unset $template.spec "priorityClassName" -}}
{{- $template | toJson -}}
{{- end -}}

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

{{/* Mirrors given by IPv4 address and port, as egress rules: a NetworkPolicy cannot contain names. */}}
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
