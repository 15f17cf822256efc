// Records by namespace and start.
function (doc) {
  if (!doc.activationId) return;
  var summary = {
    namespace: doc.namespace,
    name: doc.name,
    version: doc.version,
    publish: doc.publish,
    annotations: doc.annotations,
    activationId: doc.activationId,
    start: doc.start
  };
  if (doc.end) {
    summary.end = doc.end;
    summary.duration = doc.duration;
  }
  if (doc.cause) summary.cause = doc.cause;
  if (doc.end && doc.response) summary.statusCode = doc.response.statusCode;
  emit([doc.namespace, doc.start], summary);
}
