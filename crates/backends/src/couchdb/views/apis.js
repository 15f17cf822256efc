// APIs of the gateway by namespace and time.
function (doc) {
  if (doc.entityType === "api") emit([doc.namespace, doc.updated], 1);
}
