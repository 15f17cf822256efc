// Records by NAMESPACE/NAME or NAMESPACE/PACKAGE/NAME and start. The package is that of the annotation
// "binding", else that of a "path" of three segments.
function (doc) {
  if (!doc.activationId) return;
  var noted = {};
  (doc.annotations || []).forEach(function (entry) { noted[entry.key] = entry.value; });
  var segmentsOf = function (text) { return typeof text === "string" ? text.split("/") : []; };
  var bound = segmentsOf(noted.binding);
  var path = segmentsOf(noted.path);
  var inPackage = bound.length > 1 ? bound[1] : path.length === 3 ? path[1] : null;
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
  var full = inPackage === null ? [doc.namespace, doc.name] : [doc.namespace, inPackage, doc.name];
  emit([full.join("/"), doc.start], summary);
}
