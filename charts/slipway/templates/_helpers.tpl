{{- /* Reference of one of our images. Called with the root and the image's name: (list . "steps"). */ -}}
{{- define "slipway.image" -}}
{{- $images := (index . 0).Values.images -}}
{{- $name := index . 1 -}}
{{- $digest := get $images.digests $name -}}
{{ $images.registry }}/slipway/{{ $name }}{{ if $digest }}@{{ $digest }}{{ else }}:{{ $images.tag }}{{ end }}
{{- end }}

{{- /* Whether the registry of our images is spoken to by plain HTTP, "true" or "false". */ -}}
{{- define "slipway.insecure" -}}
{{- $images := .Values.images -}}
{{- if kindIs "bool" $images.insecure }}{{ $images.insecure }}{{ else }}{{ hasPrefix "registry.kube-system.svc.cluster.local:5000" $images.registry }}{{ end -}}
{{- end }}
