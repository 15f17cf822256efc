//! A member's place in the cluster of one process.

use std::sync::Arc;

use async_trait::async_trait;
use whirl_model::{Epoch, InvokerReport};

use super::Shared;
use super::cluster::Joined;
use crate::coordination::fate::{Fate, FateOfLease};
use crate::coordination::{CoordinationError, InvokerMembership, Membership};

pub(super) struct Lease {
    shared: Arc<Shared>,
    epoch: Epoch,
    fate: FateOfLease,
}

impl Lease {
    pub(super) fn new(shared: &Arc<Shared>, (epoch, fate): Joined) -> Arc<Self> {
        Arc::new(Self { shared: Arc::clone(shared), epoch, fate })
    }
}

#[async_trait]
impl Membership for Lease {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    async fn lost(&self) {
        self.fate.lost().await;
    }

    async fn claim(&self, name: &str) -> Result<bool, CoordinationError> {
        self.shared.change(|cluster| cluster.claim(self.epoch, name))
    }

    async fn release(&self, name: &str) -> Result<(), CoordinationError> {
        self.shared.change(|cluster| cluster.release(self.epoch, name))
    }

    async fn leave(&self) -> Result<(), CoordinationError> {
        self.shared.change(|cluster| {
            cluster.within_reach("leave the cluster")?;
            cluster.end(self.epoch, Fate::GivenBack);
            Ok(())
        })
    }
}

#[async_trait]
impl InvokerMembership for Lease {
    async fn report(&self, report: &InvokerReport) -> Result<(), CoordinationError> {
        self.shared.change(|cluster| cluster.report(self.epoch, report))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.change(|cluster| cluster.end(self.epoch, Fate::RanOut));
    }
}
