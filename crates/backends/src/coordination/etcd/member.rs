//! A member's place in the cluster: its record and its claims, all on one lease.

use async_trait::async_trait;
use etcd_client::{Compare, CompareOp, GetResponse, PutOptions, Txn, TxnOp, TxnOpResponse, TxnResponse};
use tokio::sync::Mutex;
use whirl_model::{Epoch, InvokerReport};

use super::failure::unavailable;
use super::keys::Keys;
use super::lease::Lease;
use super::server::{Server, revision};
use crate::coordination::{CoordinationError, InvokerMembership, Membership};

pub(super) struct Member {
    server: Server,
    keys: Keys,
    lease: Lease,
    record: String,
    epoch: Epoch,
    /// The revision of the record's last writing. Each writing names the one before, so that one whose answer
    /// was given up on cannot come late and undo a newer one.
    written: Mutex<i64>,
}

/// A record to be written where there is none.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Vec<u8>,
}

/// What became of an attempt to enter.
pub(super) enum Entered {
    Member(Member),
    /// Another record is there. The lease is unused.
    Occupied(Lease),
}

impl Member {
    /// Writes the record, and is the member then.
    pub(super) async fn enter(
        (server, keys): (&Server, &Keys),
        lease: Lease,
        entry: Entry,
    ) -> Result<Entered, CoordinationError> {
        const OPERATION: &str = "join the cluster";
        let put = TxnOp::put(&*entry.key, entry.value, Some(PutOptions::new().with_lease(lease.id)));
        let read = TxnOp::get(&*entry.key, None);
        let txn = Txn::new().when([absent(&entry.key)]).and_then([put]).or_else([read]);
        let written = match server.txn(OPERATION, &txn).await {
            Ok(answer) if answer.succeeded() => revision(OPERATION, answer.header())?,
            Ok(answer) => match own_record(&answer, &lease) {
                Some(written) => written,
                None => return Ok(Entered::Occupied(lease)),
            },
            Err(CoordinationError::Lost) => {
                return Err(unavailable(OPERATION, "it took longer than the lease"));
            }
            Err(error) => return Err(error),
        };
        Ok(Entered::Member(Self {
            server: server.clone(),
            keys: keys.clone(),
            lease,
            record: entry.key,
            epoch: Epoch(written.unsigned_abs()),
            written: Mutex::new(written),
        }))
    }

    fn in_place(&self) -> Compare {
        Compare::create_revision(&*self.record, CompareOp::Equal, self.epoch.0.cast_signed())
    }

    /// Does something that needs the lease, and notes if that has ended.
    async fn txn(&self, operation: &'static str, txn: Txn) -> Result<TxnResponse, CoordinationError> {
        let answer = self.server.txn(operation, &txn).await;
        if let Err(CoordinationError::Lost) = answer {
            self.lease.has_run_out();
        }
        answer
    }

    /// The revision of the last writing of this member's record among what was read, or that it is not there.
    fn last_written(&self, read: Option<&GetResponse>) -> Result<i64, CoordinationError> {
        let record = read.and_then(|read| read.kvs().first());
        match record.filter(|record| record.create_revision().unsigned_abs() == self.epoch.0) {
            Some(record) => Ok(record.mod_revision()),
            None => {
                self.lease.has_run_out();
                Err(CoordinationError::Lost)
            }
        }
    }
}

#[async_trait]
impl Membership for Member {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    async fn lost(&self) {
        self.lease.lost().await;
    }

    fn trouble(&self) -> Option<String> {
        self.lease.trouble()
    }

    async fn claim(&self, name: &str) -> Result<bool, CoordinationError> {
        const OPERATION: &str = "claim";
        let claim = self.keys.claim(name);
        let put = PutOptions::new().with_lease(self.lease.id);
        let txn = Txn::new()
            .when([absent(&claim), self.in_place()])
            .and_then([TxnOp::put(&*claim, self.epoch.to_string(), Some(put))])
            .or_else([TxnOp::get(&*self.record, None), TxnOp::get(&*claim, None)]);
        let answer = self.txn(OPERATION, txn).await?;
        if answer.succeeded() {
            return Ok(true);
        }
        let [record, claim] = &*reads(&answer) else {
            return Err(unavailable(OPERATION, "the answer does not fit what was asked"));
        };
        self.last_written(Some(record))?;
        Ok(claim.kvs().first().is_some_and(|claim| claim.lease() == self.lease.id))
    }

    async fn release(&self, name: &str) -> Result<(), CoordinationError> {
        let claim = self.keys.claim(name);
        let txn = Txn::new()
            .when([Compare::lease(&*claim, CompareOp::Equal, self.lease.id)])
            .and_then([TxnOp::delete(&*claim, None)]);
        self.server.txn("release a claim", &txn).await.map(drop)
    }

    async fn leave(&self) -> Result<(), CoordinationError> {
        self.lease.give_back().await
    }
}

#[async_trait]
impl InvokerMembership for Member {
    async fn report(&self, report: &InvokerReport) -> Result<(), CoordinationError> {
        const OPERATION: &str = "report";
        let value = serde_json::to_vec(report).map_err(|error| unavailable(OPERATION, error))?;
        let mut written = self.written.lock().await;
        loop {
            let put = PutOptions::new().with_lease(self.lease.id);
            let txn = Txn::new()
                .when([Compare::mod_revision(&*self.record, CompareOp::Equal, *written)])
                .and_then([TxnOp::put(&*self.record, value.clone(), Some(put))])
                .or_else([TxnOp::get(&*self.record, None)]);
            let answer = self.txn(OPERATION, txn).await?;
            if answer.succeeded() {
                *written = revision(OPERATION, answer.header())?;
                return Ok(());
            }
            *written = self.last_written(reads(&answer).first())?;
        }
    }
}

fn absent(key: &str) -> Compare {
    Compare::create_revision(key, CompareOp::Equal, 0)
}

/// When the record that was read was written, if that was done with this lease: by an attempt to enter whose
/// answer was lost.
fn own_record(answer: &TxnResponse, lease: &Lease) -> Option<i64> {
    let read = reads(answer);
    let record = read.first()?.kvs().first()?;
    (record.lease() == lease.id).then(|| record.create_revision())
}

fn reads(answer: &TxnResponse) -> Vec<GetResponse> {
    let read = |response| match response {
        TxnOpResponse::Get(read) => Some(read),
        _ => None,
    };
    answer.op_responses().into_iter().filter_map(read).collect()
}
