// Namespaces of subjects that are not blocked, by name and, while their key is in clear, by UUID and key. The
// value leads to the namespace's limits.
function (doc) {
  if (!doc.namespaces || doc.blocked) return;
  doc.namespaces.forEach(function (one) {
    var value = { _id: one.name + "/limits", namespace: one.name, uuid: one.uuid, key: one.key };
    emit([one.name], value);
    if (one.key) emit([one.uuid, one.key], value);
  });
}
