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

{{- define "model-app.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else if .Values.image.tag -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- else if eq (int .Values.replicas) 0 -}}
{{ .Values.image.repository }}:none
{{- else -}}
{{- fail "image.digest or image.tag is required: a release sets both (replicas=0 needs none)" -}}
{{- end -}}
{{- end }}
