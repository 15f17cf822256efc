// Actions by namespace and time; those of a package also by its namespace alone.
function (doc) {
  var isAction = doc.entityType ? doc.entityType === "action" : doc.exec !== undefined;
  if (!isAction) return;
  var summary = {
    namespace: doc.namespace,
    name: doc.name,
    version: doc.version,
    publish: doc.publish,
    annotations: doc.annotations,
    limits: doc.limits,
    exec: { binary: !!(doc.exec && doc.exec.binary) },
    updated: doc.updated
  };
  var owner = doc.namespace.split("/")[0];
  emit([doc.namespace, doc.updated], summary);
  if (owner !== doc.namespace) emit([owner, doc.updated], summary);
}
