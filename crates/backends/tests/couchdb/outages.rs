//! CouchDB away, strict, or losing its answers.

use whirl_backends::CouchdbConfig;
use whirl_backends::CouchdbStore;
use whirl_backends::store::{NewDocument, StoreError};

use crate::action;
use crate::server::{Couchdb, LossyProxy, answering};

async fn refusal_of(config: &CouchdbConfig) -> StoreError {
    let error = CouchdbStore::connect(config).await.map(drop).unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(!told.contains(&config.password), "{told}");
    error
}

fn at(url: String) -> CouchdbConfig {
    let (user, password) = ("whirl".to_owned(), "the-password".to_owned());
    CouchdbConfig { url, user, password, timeout_seconds: 1, ..CouchdbConfig::default() }
}

#[tokio::test]
async fn what_does_not_answer_may_answer_later() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nonsense = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{";
    let busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    let urls = [
        format!("http://{unused}"),
        answering("").await,
        answering(nonsense).await,
        answering(broken).await,
        answering(busy).await,
    ];
    for url in urls {
        let error = refusal_of(&at(url)).await;
        assert!(error.is_retryable(), "{error:?}");
    }
}

#[tokio::test]
async fn who_is_locked_out_is_refused() {
    let locked = "HTTP/1.1 403 Forbidden\r\nContent-Length: 70\r\n\r\n\
        {\"error\":\"forbidden\",\"reason\":\"Account is temporarily locked due to\"}  ";
    let error = refusal_of(&at(answering(locked).await)).await;
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
    let settings = CouchdbConfig { prefix: "Upper".to_owned(), ..at("http://127.0.0.1:1".to_owned()) };
    assert!(matches!(refusal_of(&settings).await, StoreError::Refused { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused() {
    let Some(couchdb) = Couchdb::new() else { return };
    // Another name than the administrator's, which a strict server would lock.
    let (user, password) = ("nobody".to_owned(), "not-the-password".to_owned());
    let wrong = CouchdbConfig { user, password, ..couchdb.config.clone() };
    let error = refusal_of(&wrong).await;
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_is_looked_up() {
    let Some(couchdb) = Couchdb::new() else { return };
    let proxy = LossyProxy::before(&couchdb.config.url).await;
    let config = CouchdbConfig { url: proxy.url.clone(), ..couchdb.config.clone() };
    let store = CouchdbStore::connect(&config).await.unwrap().stores().entities;
    let new = |updated| NewDocument::from(&action("alice/a", updated, "code"));

    proxy.lose(1);
    let first = store.put(new(1), None).await.unwrap();
    assert_eq!(store.get(&new(1).id).await.unwrap().revision, first);
    proxy.lose(1);
    let second = store.put(new(2), Some(&first)).await.unwrap();
    assert_eq!(store.get(&new(1).id).await.unwrap().revision, second);

    // Nobody can tell while the look-up fails too.
    proxy.lose(2);
    let unknown = store.put(new(3), Some(&second)).await.unwrap_err();
    assert!(unknown.is_retryable(), "{unknown:?}");
    let third = store.get(&new(1).id).await.unwrap().revision;
    assert_ne!(second, third);
    // The first answer is that of the read before the delete.
    proxy.lose(1);
    assert!(store.delete(&new(1).id, &third).await.unwrap_err().is_retryable());
    store.delete(&new(1).id, &third).await.unwrap();
    assert!(matches!(store.get(&new(1).id).await, Err(StoreError::NotFound(_))));
    couchdb.clean_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_database_is_not_a_missing_document() {
    let Some(couchdb) = Couchdb::new() else { return };
    let stores = couchdb.stores().await;
    couchdb.clean_up().await;
    let error = stores.entities.get(&"alice/a".into()).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}
