{{- /* Reference of one of our images. Called with the root and the image's name: (list . "steps"). */ -}}
{{- define "slipway.image" -}}
{{- $images := (index . 0).Values.images -}}
{{- $name := index . 1 -}}
{{- $digest := get $images.digests $name -}}
{{ $images.registry }}/slipway/{{ $name }}{{ if $digest }}@{{ $digest }}{{ else }}:{{ $images.tag }}{{ end }}
{{- end }}

{{- /* References of our images that pipelines may name, as JSON: {"steps": "..."}. */ -}}
{{- define "slipway.images" -}}
{{- $root := . -}}
{{- $found := dict -}}
{{- range $name := list "steps" "train" "handler" }}{{ $_ := set $found $name (include "slipway.image" (list $root $name)) }}{{ end -}}
{{ toJson $found }}
{{- end }}

{{- /* Whether the registry of our images is spoken to by plain HTTP, "true" or "false". */ -}}
{{- define "slipway.insecure" -}}
{{- $images := .Values.images -}}
{{- if kindIs "bool" $images.insecure }}{{ $images.insecure }}{{ else }}{{ hasPrefix "registry.kube-system.svc.cluster.local:5000" $images.registry }}{{ end -}}
{{- end }}
