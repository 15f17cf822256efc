// Rules by namespace and time. Lists of them read the documents.
function (doc) {
  if (doc.entityType === "rule") emit([doc.namespace, doc.updated], 1);
}
