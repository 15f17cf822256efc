//! The calls to etcd: which server is asked, how long an answer may take, and what a failure means.
//!
//! A call that fails is made again to the next server, and that one is asked first from then on. So every call
//! must be such that doing it twice does no harm.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use etcd_client::{Client, ConnectOptions, Error, GetOptions, GetResponse, ResponseHeader, Txn, TxnResponse};
use etcd_client::{WatchOptions, WatchStream};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::config::EtcdConfig;
use super::failure::{meaning, unavailable};
use super::task::Task;
use crate::coordination::CoordinationError;

/// The greatest answer: a listing of more than ten thousand members.
const ANSWER_BYTES: usize = 64 << 20;

/// The servers of one etcd.
#[derive(Clone)]
pub(super) struct Server {
    shared: Arc<Shared>,
    runtime: Handle,
    /// How long a lease lasts.
    pub(super) lease: Duration,
    patience: Duration,
}

struct Shared {
    endpoints: Vec<Endpoint>,
    options: ConnectOptions,
    /// Which endpoint is asked first: its place, counted round and round.
    first: AtomicUsize,
}

struct Endpoint {
    url: String,
    /// Made when first needed: with a password that takes an answer of this very server.
    client: OnceCell<Client>,
}

/// A lease as etcd granted it.
pub(super) struct Granted {
    pub(super) id: i64,
    pub(super) lasting: Duration,
}

impl Server {
    pub(super) fn new(config: &EtcdConfig) -> Result<Self, CoordinationError> {
        let endpoint = |url: &str| Endpoint { url: url.to_owned(), client: OnceCell::new() };
        let endpoints = config.endpoints()?.into_iter().map(endpoint).collect();
        let shared = Shared { endpoints, options: config.options()?, first: AtomicUsize::new(0) };
        let (shared, runtime) = (Arc::new(shared), Handle::current());
        Ok(Self { shared, runtime, lease: config.lease(), patience: config.patience() })
    }

    /// Starts work in the background, on the runtime that this was made in.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Task {
        Task(self.runtime.spawn(work))
    }

    pub(super) async fn get(
        &self,
        operation: &'static str,
        key: &str,
        options: GetOptions,
    ) -> Result<GetResponse, CoordinationError> {
        self.ask(operation, self.patience, |client| {
            let mut kv = client.kv_client().max_decoding_message_size(ANSWER_BYTES);
            let options = options.clone();
            async move { kv.get(key, Some(options)).await }
        })
        .await
    }

    pub(super) async fn txn(
        &self,
        operation: &'static str,
        txn: &Txn,
    ) -> Result<TxnResponse, CoordinationError> {
        self.ask(operation, self.patience, |client| {
            let mut kv = client.kv_client();
            async move { kv.txn(txn.clone()).await }
        })
        .await
    }

    pub(super) async fn watch(
        &self,
        operation: &'static str,
        key: &str,
        options: WatchOptions,
    ) -> Result<WatchStream, CoordinationError> {
        self.ask(operation, self.patience, |client| {
            let mut watches = client.watch_client().max_decoding_message_size(ANSWER_BYTES);
            let options = options.clone();
            async move { watches.watch(key, Some(options)).await }
        })
        .await
    }

    pub(super) async fn grant(&self, operation: &'static str) -> Result<Granted, CoordinationError> {
        let seconds = i64::try_from(self.lease.as_secs()).unwrap_or(i64::MAX);
        let granted = self
            .ask(operation, self.patience, |client| {
                let mut leases = client.lease_client();
                async move { leases.grant(seconds, None).await }
            })
            .await?;
        Ok(Granted { id: granted.id(), lasting: Duration::from_secs(granted.ttl().unsigned_abs()) })
    }

    /// Renews a lease. Whether it is still there: one that is about to be taken away counts as there.
    pub(super) async fn renew(
        &self,
        operation: &'static str,
        lease: i64,
        patience: Duration,
    ) -> Result<bool, CoordinationError> {
        self.ask(operation, patience, |client| {
            let mut leases = client.lease_client();
            async move {
                match leases.keep_alive(lease).await {
                    Ok(_renewed) => Ok(true),
                    // Of a lease that has ended the client says no more than that renewing failed.
                    Err(Error::LeaseKeepAliveError(_)) => {
                        Ok(leases.time_to_live(lease, None).await?.ttl() >= 0)
                    }
                    Err(error) => Err(error),
                }
            }
        })
        .await
    }

    pub(super) async fn revoke(&self, operation: &'static str, lease: i64) -> Result<(), CoordinationError> {
        self.ask(operation, self.patience, |client| {
            let mut leases = client.lease_client();
            async move { leases.revoke(lease).await.map(drop) }
        })
        .await
    }

    /// Asks one server after another until one answers.
    async fn ask<T, A: Future<Output = Result<T, Error>>>(
        &self,
        operation: &'static str,
        patience: Duration,
        call: impl Fn(&Client) -> A,
    ) -> Result<T, CoordinationError> {
        let Shared { endpoints, options, first } = &*self.shared;
        let mut left = endpoints.len();
        loop {
            let turn = first.load(Ordering::Relaxed);
            let endpoint = &endpoints[turn % endpoints.len()];
            let answer = Box::pin(async { call(endpoint.client(options).await?).await });
            let error = match timeout(patience, answer).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => meaning(operation, &error),
                Err(_) => unavailable(operation, format!("no answer within {patience:?}")),
            };
            left -= 1;
            if !matches!(error, CoordinationError::Unavailable { .. }) {
                return Err(error);
            }
            // Unless another call has been here already.
            let _ = first.compare_exchange(turn, turn.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
            if left == 0 {
                return Err(error);
            }
        }
    }
}

impl Endpoint {
    async fn client(&self, options: &ConnectOptions) -> Result<&Client, Error> {
        self.client.get_or_try_init(|| Client::connect([&self.url], Some(options.clone()))).await
    }
}

/// At which revision of everything an answer was given. All answers say so.
pub(super) fn revision(
    operation: &'static str,
    header: Option<&ResponseHeader>,
) -> Result<i64, CoordinationError> {
    header.map(ResponseHeader::revision).ok_or_else(|| unavailable(operation, "the answer has no revision"))
}
