{{- define "model-app.name" -}}
{{ .Values.app }}-{{ .Values.environment }}
{{- end }}

{{- define "model-app.selector" -}}
app.kubernetes.io/name: {{ .Values.app }}
app.kubernetes.io/instance: {{ include "model-app.name" . }}
{{- end }}

{{- define "model-app.labels" -}}
{{ include "model-app.selector" . }}
app.kubernetes.io/part-of: slipway
slipway.dev/environment: {{ .Values.environment }}
{{- end }}

{{- /* Not empty once there is something to render. Before the first release there is no image, and nothing is rendered, so
that Argo CD calls the Application Synced. An emptied environment (replicas=0) keeps its objects, without an image. */ -}}
{{- define "model-app.filled" -}}
{{- if or .Values.image.digest .Values.image.tag (eq (int .Values.replicas) 0) -}}true{{- end -}}
{{- end }}

{{- define "model-app.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default "none" }}
{{- end -}}
{{- end }}
