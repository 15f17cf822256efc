//! The coordination of a cluster, in etcd. What is kept where is in `etcd/keys.rs`.
//!
//! An epoch is the revision at which a member's record was created. It grows for as long as etcd keeps its
//! data; who replaces an etcd that has lost it restarts the whole cluster.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use etcd_client::{Compare, CompareOp, GetOptions, GetResponse, KeyValue, Txn, TxnOp};
use serde::Serialize;
use whirl_model::{ControllerId, ControllerReport, InvokerId, InvokerReport};

use super::{Coordination, CoordinationError, InvokerMembership, Membership, Watcher, Watching, lowest_free};

mod config;
mod failure;
mod keys;
mod lease;
mod member;
mod server;
mod sight;
mod task;
mod view;

pub use config::EtcdConfig;
use failure::unavailable;
use keys::{Keys, MemberKey};
use lease::Lease;
use member::{Entered, Entry, Member};
use server::{Server, revision};
use sight::Sight;

/// By how much a lease may outlast its time: etcd looks for ended ones twice a second.
const BEYOND_LEASE: Duration = Duration::from_secs(2);
/// How often a controller that comes back looks whether its earlier life has ended.
const LOOKS_EVERY: Duration = Duration::from_millis(100);

/// One cluster's part of etcd.
pub struct EtcdCoordination {
    server: Server,
    keys: Keys,
}

impl EtcdCoordination {
    /// Connects, and makes sure that etcd answers. `cluster` tells clusters on one etcd apart; it has no slash
    /// in it. Called within the tokio runtime that renews the leases and calls the watchers.
    ///
    /// # Errors
    /// `Unusable` for a setting that cannot be right, `Unavailable` when no server answers, `Refused` when one
    /// does not know the user or the password.
    pub async fn connect(config: &EtcdConfig, cluster: &str) -> Result<Arc<Self>, CoordinationError> {
        let keys = Keys::of(cluster)?;
        let coordination = Self { server: Server::new(config)?, keys };
        let names = coordination.keys.names();
        coordination.list("let this process in", &names, GetOptions::new().with_count_only()).await?;
        Ok(Arc::new(coordination))
    }

    async fn list(
        &self,
        operation: &'static str,
        prefix: &str,
        options: GetOptions,
    ) -> Result<GetResponse, CoordinationError> {
        self.server.get(operation, prefix, options.with_prefix()).await
    }

    async fn controllers(&self, options: GetOptions) -> Result<GetResponse, CoordinationError> {
        self.list("join the cluster", &self.keys.controllers(), options).await
    }

    /// A controller that was killed a moment ago keeps its number until its lease ends. Who comes back under its
    /// name waits for that, to have the number again, and with it what was accepted under it. Whoever shares
    /// the name without having been that one waits in vain, and not for long.
    async fn await_end_of_earlier_life(&self, report: &ControllerReport) -> Result<(), CoordinationError> {
        let deadline = Instant::now() + self.server.lease + BEYOND_LEASE;
        loop {
            let listing = self.controllers(GetOptions::new()).await?;
            let named_so = |kv: &KeyValue| {
                let other = serde_json::from_slice::<ControllerReport>(kv.value());
                other.is_ok_and(|other| other.name == report.name)
            };
            if !listing.kvs().iter().any(named_so) || Instant::now() >= deadline {
                return Ok(());
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    }

    async fn enter(
        &self,
        lease: Lease,
        member: MemberKey,
        report: &impl Serialize,
    ) -> Result<Entered, CoordinationError> {
        let value = serde_json::to_vec(report).map_err(|error| unavailable("join the cluster", error))?;
        let entry = Entry { key: self.keys.member(member), value };
        Member::enter((&self.server, &self.keys), lease, entry).await
    }
}

#[async_trait]
impl Coordination for EtcdCoordination {
    async fn invoker_number(&self, name: &str) -> Result<InvokerId, CoordinationError> {
        const OPERATION: &str = "number an invoker";
        let (key, names) = (self.keys.name(name), self.keys.names());
        loop {
            let listing = self.list(OPERATION, &names, GetOptions::new()).await?;
            let numbered = listing.kvs().iter().filter_map(|kv| Some((kv.key(), number(kv)?)));
            if let Some((_, id)) = numbered.clone().find(|(name, _)| *name == key.as_bytes()) {
                return Ok(InvokerId(id));
            }
            let id = lowest_free(numbered.map(|(_, id)| id));
            // Only if nobody was numbered since: two names never get one number.
            let seen = revision(OPERATION, listing.header())?;
            let unchanged = Compare::mod_revision(&*names, CompareOp::Less, seen + 1).with_prefix();
            let put = TxnOp::put(&*key, id.to_string(), None);
            let txn = Txn::new().when([unchanged]).and_then([put]);
            if self.server.txn(OPERATION, &txn).await?.succeeded() {
                return Ok(InvokerId(id));
            }
        }
    }

    async fn join_invoker(
        &self,
        id: InvokerId,
        report: &InvokerReport,
    ) -> Result<Arc<dyn InvokerMembership>, CoordinationError> {
        let lease = Lease::granted(&self.server).await?;
        match self.enter(lease, MemberKey::Invoker(id), report).await? {
            Entered::Member(member) => Ok(Arc::new(member)),
            Entered::Occupied(unused) => {
                unused.give_back().await?;
                Err(CoordinationError::Taken(id.to_string()))
            }
        }
    }

    async fn join_controller(
        &self,
        report: &ControllerReport,
    ) -> Result<(ControllerId, Arc<dyn Membership>), CoordinationError> {
        self.await_end_of_earlier_life(report).await?;
        let mut lease = Lease::granted(&self.server).await?;
        loop {
            let listing = self.controllers(GetOptions::new().with_keys_only()).await?;
            let taken = listing.kvs().iter().filter_map(|kv| match self.keys.whose(kv.key()) {
                Some(MemberKey::Controller(id)) => Some(id.0),
                _ => None,
            });
            let id = ControllerId(lowest_free(taken));
            match self.enter(lease, MemberKey::Controller(id), report).await? {
                Entered::Member(member) => return Ok((id, Arc::new(member))),
                // Someone else was faster.
                Entered::Occupied(unused) => lease = unused,
            }
        }
    }

    fn watch(&self, watcher: Arc<dyn Watcher>) -> Box<dyn Watching> {
        let sight = Sight::new(self.server.clone(), self.keys.clone(), watcher);
        Box::new(self.server.spawn(sight.run()))
    }
}

/// The number that a name has.
fn number(kv: &KeyValue) -> Option<u32> {
    let number = kv.value_str().ok().and_then(|text| text.parse().ok());
    if number.is_none() {
        tracing::warn!(key = %String::from_utf8_lossy(kv.key()), "an invoker's number cannot be understood");
    }
    number
}
