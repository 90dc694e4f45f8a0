{{- /* Reference of one of our images. Called with the root and the image's name: (list . "steps"). */ -}}
{{- define "slipway.image" -}}
{{- $images := (index . 0).Values.images -}}
{{- $name := index . 1 -}}
{{- $digest := get $images.digests $name -}}
{{ $images.registry }}/slipway/{{ $name }}{{ if $digest }}@{{ $digest }}{{ else }}:{{ $images.tag }}{{ end }}
{{- end }}
