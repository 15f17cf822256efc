// Packages that everybody may use, by namespace and time; bindings are not among them.
function (doc) {
  if (doc.entityType !== "package" || !doc.publish) return;
  if (doc.binding && Object.keys(doc.binding).length > 0) return;
  emit([doc.namespace, doc.updated], {
    namespace: doc.namespace,
    name: doc.name,
    version: doc.version,
    publish: doc.publish,
    annotations: doc.annotations,
    binding: false,
    updated: doc.updated
  });
}
