{{/* Names and fragments that several templates share. It makes no object. */}}

{{/* The prefix of all names, short enough for the longest suffix and a hash of Kubernetes'. */}}
{{- define "whirl.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of one component. Arguments: the root, the component's name. */}}
{{- define "whirl.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* The labels of one component's objects. Arguments: the root, the component's name. */}}
{{- define "whirl.labels" -}}
{{- $root := index . 0 -}}
{{ include "whirl.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end -}}

{{/* One of Whirl's own images. Arguments: the root, the repository. */}}
{{- define "whirl.image" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.image.registry -}}{{ trimSuffix "/" . }}/{{ end -}}
{{ index . 1 }}:{{ default $root.Chart.AppVersion $root.Values.image.tag }}
{{- end -}}

{{/* What every pod says: no token, no variables of services (they begin with WHIRL_ where the release is called
whirl, and would be taken for settings), secrets for registries. Arguments: the root, the component's name. */}}
{{- define "whirl.pod" -}}
{{- $root := index . 0 -}}
serviceAccountName: {{ include "whirl.fullname" $root }}-{{ index . 1 }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* A container that can do nothing but compute. */}}
{{- define "whirl.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Where what is needed is: secrets, servers, the API. */}}
{{- define "whirl.serverKeySecret" -}}
{{- default (printf "%s-server-key" (include "whirl.fullname" .)) .Values.secrets.existingServerKey -}}
{{- end -}}

{{- define "whirl.guestSecret" -}}
{{- default (printf "%s-guest" (include "whirl.fullname" .)) .Values.secrets.existingGuest -}}
{{- end -}}

{{- define "whirl.adminKeySecret" -}}
{{- default (printf "%s-admin-key" (include "whirl.fullname" .)) .Values.secrets.existingAdminKey -}}
{{- end -}}

{{- define "whirl.couchdbSecret" -}}
{{- default (printf "%s-couchdb" (include "whirl.fullname" .)) .Values.couchdb.existingSecret -}}
{{- end -}}

{{- define "whirl.couchdbUrl" -}}
{{- if .Values.couchdb.enabled -}}
http://{{ include "whirl.fullname" . }}-couchdb.{{ .Release.Namespace }}.svc:5984
{{- else -}}
{{- .Values.couchdb.url -}}
{{- end -}}
{{- end -}}

{{- define "whirl.kafkaBrokers" -}}
{{- if .Values.kafka.enabled -}}
{{ include "whirl.fullname" . }}-kafka.{{ .Release.Namespace }}.svc:9092
{{- else -}}
{{- .Values.kafka.brokers -}}
{{- end -}}
{{- end -}}

{{- define "whirl.etcdEndpoints" -}}
{{- if .Values.etcd.enabled -}}
http://{{ include "whirl.fullname" . }}-etcd.{{ .Release.Namespace }}.svc:2379
{{- else -}}
{{- .Values.etcd.endpoints -}}
{{- end -}}
{{- end -}}

{{- define "whirl.apiHost" -}}
{{- if .Values.apiHost -}}
{{- .Values.apiHost -}}
{{- else if .Values.controllers.ingress.enabled -}}
{{ ternary "https" "http" (ne .Values.controllers.ingress.tlsSecret "") }}://{{ .Values.controllers.ingress.host }}
{{- else -}}
http://{{ include "whirl.fullname" . }}-controller.{{ .Release.Namespace }}.svc{{ if ne (int .Values.controllers.service.port) 80 }}:{{ .Values.controllers.service.port }}{{ end }}
{{- end -}}
{{- end -}}

{{/* The settings that controllers and invokers have in common, as variables. */}}
{{- define "whirl.commonEnv" -}}
- name: WHIRL_CLUSTER
  value: {{ .Values.cluster | quote }}
- name: WHIRL_SERVER_KEY_FILE
  value: /run/whirl/server.key
{{- if .Values.runtimes.manifest }}
- name: WHIRL_MANIFEST
  value: /etc/whirl/runtimes/runtimes.json
{{- end }}
- name: WHIRL_COUCHDB__URL
  value: {{ include "whirl.couchdbUrl" . | quote }}
- name: WHIRL_COUCHDB__PREFIX
  value: {{ .Values.cluster }}_
{{- include "whirl.accountEnv" (list "COUCHDB" (include "whirl.couchdbSecret" .)) }}
{{- if and (not .Values.couchdb.enabled) .Values.couchdb.tlsSecret }}
- name: SSL_CERT_FILE
  value: /etc/whirl/couchdb/ca.crt
{{- end }}
- name: WHIRL_KAFKA__BROKERS
  value: {{ include "whirl.kafkaBrokers" . | quote }}
- name: WHIRL_KAFKA__TOPIC_PREFIX
  value: {{ .Values.cluster }}-
{{- if not .Values.kafka.enabled }}
- name: WHIRL_KAFKA__REPLICATION_FACTOR
  value: {{ .Values.kafka.replicationFactor | quote }}
- name: WHIRL_KAFKA__PROTOCOL
  value: {{ .Values.kafka.protocol }}
{{- if .Values.kafka.existingSecret }}
- name: WHIRL_KAFKA__SASL_MECHANISM
  value: {{ .Values.kafka.saslMechanism }}
{{- include "whirl.accountEnv" (list "KAFKA" .Values.kafka.existingSecret) }}
{{- end }}
{{- include "whirl.tlsEnv" (list "KAFKA" .Values.kafka) }}
{{- end }}
- name: WHIRL_ETCD__ENDPOINTS
  value: {{ include "whirl.etcdEndpoints" . | quote }}
{{- if not .Values.etcd.enabled }}
{{- with .Values.etcd.existingSecret }}
{{- include "whirl.accountEnv" (list "ETCD" .) }}
{{- end }}
{{- include "whirl.tlsEnv" (list "ETCD" .Values.etcd) }}
{{- end }}
{{- end -}}

{{/* User and password of a server. Arguments: the server in capitals, the secret. */}}
{{- define "whirl.accountEnv" }}
- name: WHIRL_{{ index . 0 }}__USER
  valueFrom:
    secretKeyRef: { name: {{ index . 1 }}, key: user }
- name: WHIRL_{{ index . 0 }}__PASSWORD
  valueFrom:
    secretKeyRef: { name: {{ index . 1 }}, key: password }
{{- end -}}

{{/* Certificates for a server. Arguments: the server in capitals, its values. */}}
{{- define "whirl.tlsEnv" -}}
{{- $server := index . 0 -}}
{{- with index . 1 -}}
{{- if .tlsSecret }}
- name: WHIRL_{{ $server }}__CA_FILE
  value: /etc/whirl/{{ lower $server }}/ca.crt
{{- if .clientCertificate }}
- name: WHIRL_{{ $server }}__CERTIFICATE_FILE
  value: /etc/whirl/{{ lower $server }}/tls.crt
- name: WHIRL_{{ $server }}__KEY_FILE
  value: /etc/whirl/{{ lower $server }}/tls.key
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* What controllers and invokers mount alike, and where. */}}
{{- define "whirl.mounts" -}}
- { name: keys, mountPath: /run/whirl, readOnly: true }
- { name: tmp, mountPath: /tmp }
{{- if .Values.runtimes.manifest }}
- { name: runtimes, mountPath: /etc/whirl/runtimes, readOnly: true }
{{- end }}
{{- range $server := list "couchdb" "kafka" "etcd" }}
{{- with index $.Values $server }}
{{- if and (not .enabled) .tlsSecret }}
- { name: {{ $server }}-tls, mountPath: /etc/whirl/{{ $server }}, readOnly: true }
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Copies keys to where their owner alone can read them: servers take no others, and Kubernetes gives files of secrets
to a group. Arguments: the root, the repository, the keys' files. */}}
{{- define "whirl.keysInit" -}}
{{- $root := index . 0 -}}
initContainers:
  - name: keys
    image: {{ include "whirl.image" . | quote }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    command: [install, -m, "0400", -t, /run/whirl{{ range index . 2 }}, /run/secret/{{ . }}{{ end }}]
    resources:
      requests: { cpu: 10m, memory: 16Mi }
      limits: { memory: 64Mi }
    securityContext: {{- include "whirl.confined" . | nindent 6 }}
    volumeMounts:
      - { name: key-secrets, mountPath: /run/secret, readOnly: true }
      - { name: keys, mountPath: /run/whirl }
{{- end -}}

{{/* The volumes of controllers and invokers. The secret of the key that both have goes with others, if there are any.
Arguments: the root, secrets by the files that are in them. */}}
{{- define "whirl.volumes" -}}
{{- $root := index . 0 -}}
{{- with $root -}}
- name: key-secrets
  projected:
    sources:
      - secret:
          name: {{ include "whirl.serverKeySecret" . }}
          items: [{ key: server.key, path: server.key }]
      {{- range $file, $secret := index $ 1 }}
      - secret:
          name: {{ $secret }}
          items: [{ key: {{ $file }}, path: {{ $file }} }]
      {{- end }}
- name: keys
  emptyDir: { medium: Memory, sizeLimit: 1Mi }
- name: tmp
  emptyDir: {}
{{- if .Values.runtimes.manifest }}
- name: runtimes
  configMap: { name: {{ include "whirl.fullname" . }}-runtimes }
{{- end }}
{{- range $server := list "couchdb" "kafka" "etcd" }}
{{- with index $root.Values $server }}
{{- if and (not .enabled) .tlsSecret }}
- name: {{ $server }}-tls
  secret: { secretName: {{ .tlsSecret }} }
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The user of a server that comes along. Argument: its number. */}}
{{- define "whirl.serverUser" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{/* Whether the volumes of a server outlive it. */}}
{{- define "whirl.retention" -}}
persistentVolumeClaimRetentionPolicy:
  whenDeleted: {{ ternary "Retain" "Delete" .Values.keepOnUninstall }}
  whenScaled: Retain
{{- end -}}

{{/* The volume of a server that comes along. Argument: its `storage`. */}}
{{- define "whirl.claim" -}}
- metadata:
    name: data
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .className }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests: { storage: {{ .size }} }
{{- end -}}
