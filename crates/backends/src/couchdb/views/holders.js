// Namespaces of subjects, blocked ones too: by the hash of their key and by name. The value tells whose they are
// and leads to the namespace's limits. Keys that are in clear do not count.
function (doc) {
  (doc.namespaces || []).forEach(function (one) {
    if (!one.keyHash) return;
    var value = {
      _id: one.name + "/limits", subject: doc.subject, blocked: doc.blocked === true, namespace: one.name,
      uuid: one.uuid, sealedKey: one.sealedKey
    };
    emit(["key", one.keyHash], value);
    emit(["namespace", one.name, doc.subject], value);
  });
}
