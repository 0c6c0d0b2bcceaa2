{{/* Names, labels, and the configuration as the Pod sees it. Nothing here renders an object. */}}

{{- define "jobhook.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "jobhook.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "jobhook.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "jobhook.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "jobhook.selectorLabels" -}}
app.kubernetes.io/name: {{ include "jobhook.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Never a label that jobhook selects its tasks by (jobhook.dev/worker, managed-by=jobhook). */}}
{{- define "jobhook.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "jobhook.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | toString | trunc 63 | trimAll "-_." | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "jobhook.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "jobhook.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name is required when serviceAccount.create is false: name the ServiceAccount to use" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "jobhook.image" -}}
{{- if not (or .Values.image.tag .Values.image.digest) -}}
{{- fail "image.tag or image.digest is required: say which version to run, for example --set image.tag=0.1.0 (or image.digest=sha256:…)" -}}
{{- end -}}
{{- .Values.image.repository -}}
{{- with .Values.image.tag }}:{{ . }}{{ end -}}
{{- with .Values.image.digest }}@{{ . }}{{ end -}}
{{- end }}

{{/* Where the tasks live: the Role goes there. */}}
{{- define "jobhook.taskNamespace" -}}
{{- dig "backend" "kubernetes" "namespace" .Release.Namespace .Values.config -}}
{{- end }}

{{- define "jobhook.listen" -}}
{{- .Values.config.listen | default "0.0.0.0:8080" -}}
{{- end }}

{{/* HTTPS where config.tls names a certificate: probes and monitors follow. */}}
{{- define "jobhook.scheme" -}}
{{- if dig "tls" "cert_file" "" .Values.config -}}HTTPS{{- else -}}HTTP{{- end -}}
{{- end }}

{{- define "jobhook.containerPort" -}}
{{- include "jobhook.listen" . | splitList ":" | last -}}
{{- end }}

{{/* 90, "90s", "1h30m", "500ms" in whole seconds, rounded up. */}}
{{- define "jobhook.seconds" -}}
{{- $units := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0 -}}
{{- if kindIs "string" . -}}
{{- $sum := 0.0 -}}
{{- range $part := regexFindAll "[0-9.]+(ms|s|m|h|d)" . -1 -}}
{{- $number := regexFind "[0-9.]+" $part | float64 -}}
{{- $sum = addf $sum (mulf $number (get $units (regexFind "[a-z]+" $part))) -}}
{{- end -}}
{{- ceil $sum | int -}}
{{- else -}}
{{- ceil . | int -}}
{{- end -}}
{{- end }}

{{/* What a stopping replica may need: it answers on for drain_delay, a callback under way ends, then the lease and the connections. */}}
{{- define "jobhook.graceSeconds" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- $drain := include "jobhook.seconds" (dig "deadlines" "drain_delay" "5s" .Values.config) | int -}}
{{- $callback := include "jobhook.seconds" (dig "callback" "timeout" "10s" .Values.config) | int -}}
{{- add $drain $callback 20 -}}
{{- else -}}
{{- .Values.terminationGracePeriodSeconds | int -}}
{{- end -}}
{{- end }}

{{- define "jobhook.secretsPath" -}}/etc/jobhook/secrets{{- end }}
{{- define "jobhook.hasSecrets" -}}
{{- if or .Values.existingSecret .Values.secrets -}}yes{{- end -}}
{{- end }}

{{- define "jobhook.testOrigin" -}}
{{- printf "http://%s-test.%s.svc:8081" (include "jobhook.fullname" .) .Release.Namespace -}}
{{- end }}

{{/* The file behind the first entry of a list of secrets, or nothing. */}}
{{- define "jobhook.firstFile" -}}
{{- with first . -}}{{- if kindIs "map" . -}}{{- .file | default "" -}}{{- end -}}{{- end -}}
{{- end }}

{{/*
How far `helm test` goes. "callback": one task, from signed webhook to signed callback. Its callback must reach the test Pod, so the test's own
origin is allowed; that is done only where it opens nothing else: callback.allow_origins is empty, or private addresses are allowed anyway.
"webhook": a signed heartbeat only. Nothing: no test.
*/}}
{{- define "jobhook.testKind" -}}
{{- $callback := .Values.config.callback | default dict -}}
{{- $webhookFile := include "jobhook.firstFile" (dig "webhook" "secrets" (list) .Values.config) -}}
{{- $callbackFile := include "jobhook.firstFile" (dig "secrets" (list) $callback) -}}
{{- $only := empty $callback.allow_origins -}}
{{- if not (and .Values.tests.enabled $webhookFile) -}}
{{- else if and $callbackFile $callback.url (or $only $callback.allow_private) -}}callback
{{- else -}}webhook
{{- end -}}
{{- end }}

{{/* What values can say that cannot work, each with the remedy. */}}
{{- define "jobhook.check" -}}
{{- $config := .Values.config -}}
{{- if not $config.worker_id -}}
{{- fail "config.worker_id is required: the worker's name for the control plane, different for every release in a namespace, for example --set config.worker_id=w1" -}}
{{- end -}}
{{- if eq ($config.cluster | default "kubernetes") "embedded" -}}
{{- fail "config.cluster: embedded runs tasks as processes of this Pod and is for one's own machine: leave config.cluster out" -}}
{{- end -}}
{{- if not (or (dig "webhook" "secrets" (list) $config) (dig "api" "tokens" (list) $config) $config.poll $config.socket) -}}
{{- fail "there is no way in: set config.webhook.secrets, for example [{file: /etc/jobhook/secrets/webhook}] with the key in existingSecret or secrets.webhook, or config.api.tokens" -}}
{{- end -}}
{{- range $reference := regexFindAll "\"file\":\"/etc/jobhook/secrets/[^\"]+\"" (toJson $config) -1 -}}
{{- $key := $reference | trimPrefix "\"file\":\"/etc/jobhook/secrets/" | trimSuffix "\"" -}}
{{- if not (or $.Values.existingSecret (hasKey $.Values.secrets $key)) -}}
{{- fail (printf "config names the file /etc/jobhook/secrets/%s, but there is no secrets.%s and no existingSecret: set one of them" $key $key) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* jobhook's configuration file: values.config as it is, plus what only the chart knows. */}}
{{- define "jobhook.config" -}}
{{- include "jobhook.check" . -}}
{{- $config := deepCopy .Values.config -}}
{{- $_ := set $config "listen" (include "jobhook.listen" .) -}}
{{- if eq (include "jobhook.testKind" .) "callback" -}}
{{- $callback := $config.callback -}}
{{- $_ := set $callback "allow_origins" (append ($callback.allow_origins | default list) (include "jobhook.testOrigin" .)) -}}
{{- $_ := set $callback "allow_private" true -}}
{{- end -}}
{{- toYaml $config -}}
{{- end }}

{{- define "jobhook.podSecurity" -}}
{{- toYaml .Values.podSecurityContext -}}
{{- end }}

{{/* Volumes and mounts that serve, release and the test share. */}}
{{- define "jobhook.volumes" -}}
- name: config
  configMap:
    name: {{ include "jobhook.fullname" . }}
{{- if include "jobhook.hasSecrets" . }}
- name: secrets
  projected:
    sources:
      {{- with .Values.existingSecret }}
      - secret:
          name: {{ . }}
      {{- end }}
      {{- if .Values.secrets }}
      - secret:
          name: {{ include "jobhook.fullname" . }}
      {{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "jobhook.mounts" -}}
- name: config
  mountPath: /etc/jobhook/config
  readOnly: true
{{- if include "jobhook.hasSecrets" . }}
- name: secrets
  mountPath: {{ include "jobhook.secretsPath" . }}
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "jobhook.env" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
