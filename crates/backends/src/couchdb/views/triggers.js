// Triggers by namespace and time.
function (doc) {
  if (doc.entityType !== "trigger") return;
  emit([doc.namespace, doc.updated], {
    namespace: doc.namespace,
    name: doc.name,
    version: doc.version,
    publish: doc.publish,
    annotations: doc.annotations,
    updated: doc.updated
  });
}
