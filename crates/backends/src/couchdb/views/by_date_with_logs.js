// Records that have logs of their own by start, for what removes old logs. A sequence's logs are the ids of
// its steps.
function (doc) {
  if (!doc.activationId || !doc.start || !doc.logs || doc.logs.length === 0) return;
  var isSequence = (doc.annotations || []).some(function (entry) {
    return entry.key === "kind" && entry.value === "sequence";
  });
  if (!isSequence) emit(doc.start, { _id: doc._id, _rev: doc._rev });
}
