// Namespaces in which nothing may run: a limit is 0, or their subject is blocked.
function (doc) {
  var suffix = "/limits";
  var at = doc._id.length - suffix.length;
  if (at > 0 && doc._id.indexOf(suffix, at) === at) {
    if (doc.concurrentInvocations === 0 || doc.invocationsPerMinute === 0) emit(doc._id.substr(0, at), 1);
  } else if (doc.blocked && doc.namespaces) {
    doc.namespaces.forEach(function (one) { emit(one.name, 1); });
  }
}
