// Packages by namespace and time.
function (doc) {
  if (doc.entityType !== "package") return;
  var bound = doc.binding && Object.keys(doc.binding).length > 0;
  emit([doc.namespace, doc.updated], {
    namespace: doc.namespace,
    name: doc.name,
    version: doc.version,
    publish: doc.publish,
    annotations: doc.annotations,
    binding: bound ? doc.binding : false,
    updated: doc.updated
  });
}
