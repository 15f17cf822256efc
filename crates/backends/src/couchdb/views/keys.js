// Subjects, blocked ones too, by the hash of each of their keys.
function (doc) {
  (doc.namespaces || []).forEach(function (one) {
    if (one.keyHash) emit(one.keyHash, null);
  });
}
