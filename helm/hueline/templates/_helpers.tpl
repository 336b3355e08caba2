{{- define "hueline.name" -}}
{{- .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The release's name, once: "hueline" for a release of that name, else "<release>-hueline". */}}
{{- define "hueline.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "hueline.selectorLabels" -}}
app.kubernetes.io/name: {{ include "hueline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "hueline.labels" -}}
app.kubernetes.io/name: {{ include "hueline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "hueline.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "hueline.controllerAccount" -}}
{{- if .Values.controller.serviceAccount.create -}}
{{ .Values.controller.serviceAccount.name | default (printf "%s-controller" (include "hueline.fullname" .)) }}
{{- else -}}
{{ .Values.controller.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{- define "hueline.workerAccount" -}}
{{- if .Values.workers.serviceAccount.create -}}
{{ .Values.workers.serviceAccount.name | default (printf "%s-worker" (include "hueline.fullname" .)) }}
{{- else -}}
{{ .Values.workers.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{/* Where workers may run, with commas between: the release's own namespace, and more with clusterWide. */}}
{{- define "hueline.workerNamespaces" -}}
{{- if and .Values.workers.namespaces (not .Values.clusterWide) -}}
{{- fail "workers.namespaces needs clusterWide: a controller looks after Runs of its own namespace alone" -}}
{{- end -}}
{{- concat (list .Release.Namespace) .Values.workers.namespaces | uniq | join "," -}}
{{- end -}}
