// Records by start, for what removes old ones.
function (doc) {
  if (doc.activationId && doc.start) emit(doc.start, { _id: doc._id, _rev: doc._rev });
}
