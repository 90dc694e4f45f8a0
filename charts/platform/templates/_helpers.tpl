{{- define "platform.image" -}}
{{- $registry := .root.Values.imageRegistry | default .image.registry -}}
{{- with $registry }}{{ . }}/{{ end }}{{ .image.name }}{{ if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag }}{{ end }}
{{- end }}

{{- define "platform.selector" -}}
app.kubernetes.io/name: {{ .part }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "platform.labels" -}}
{{ include "platform.selector" . }}
app.kubernetes.io/part-of: slipway
{{- end }}

{{- define "platform.pod" -}}
automountServiceAccountToken: false
{{- /* A Service `mlflow` would make MLFLOW_PORT=tcp://..., a Service `registry` REGISTRY_PORT, which both programs read. */}}
enableServiceLinks: false
{{- with concat .root.Values.images.pullSecrets .root.Values.imagePullSecrets | uniq }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "platform.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* A volume that outlives the release: helm uninstall leaves it, a new install takes it up again. */ -}}
{{- define "platform.volume" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .part }}
  namespace: {{ .namespace }}
  labels: {{- include "platform.labels" . | nindent 4 }}
  annotations: {helm.sh/resource-policy: keep}
spec:
  accessModes: [ReadWriteOnce]
  {{- with .root.Values.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources: {requests: {storage: {{ .size }}}}
{{- end }}

{{- /* One replica on one volume: the old pod has to be gone before the new one opens it. */ -}}
{{- define "platform.one" -}}
replicas: 1
revisionHistoryLimit: 3
strategy: {type: Recreate}
selector:
  matchLabels: {{- include "platform.selector" . | nindent 4 }}
{{- end }}

{{- define "platform.postgresql.host" -}}
{{- if .Values.postgresql.enabled -}}postgresql{{- else -}}
{{- required "postgresql.existing.host is required where postgresql.enabled is false" .Values.postgresql.existing.host -}}
{{- end -}}
{{- end }}

{{- define "platform.s3.env" -}}
{{ include "platform.s3.keys" . }}
{{ include "platform.s3.place" . }}
{{- end }}

{{- define "platform.s3.keys" -}}
- {name: AWS_ACCESS_KEY_ID, valueFrom: {secretKeyRef: {name: {{ .Values.s3.secret }}, key: access-key-id}}}
- {name: AWS_SECRET_ACCESS_KEY, valueFrom: {secretKeyRef: {name: {{ .Values.s3.secret }}, key: secret-access-key}}}
{{- end }}

{{- define "platform.s3.place" -}}
{{- $s3 := .Values.s3 -}}
- {name: AWS_DEFAULT_REGION, value: {{ $s3.existing.region }}}
{{- if $s3.enabled }}
- {name: MLFLOW_S3_ENDPOINT_URL, value: "http://s3:7070"}
{{- else if $s3.existing.endpoint }}
- {name: MLFLOW_S3_ENDPOINT_URL, value: {{ $s3.existing.endpoint | quote }}}
{{- end }}
{{- end }}

{{- /* Whether Argo archives logs: the account and the bucket are made, or tried, by MLflow's pod. */ -}}
{{- define "platform.logs" -}}
{{- if and .Values.s3.logs.enabled .Values.mlflow.enabled }}true{{ end -}}
{{- end }}
