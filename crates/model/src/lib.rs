//! Whirl's vocabulary: the nouns that controller, invoker, stores and clients share, and their JSON.
//!
//! No I/O, no async, no clock, no dice: whoever makes an id brings the random bits, whoever stamps a
//! record brings the time.

pub mod action;
pub mod activation;
pub mod cpu;
pub mod exec;
pub mod gpu;
pub mod health;
pub mod id;
pub mod identity;
pub mod image;
pub mod input;
pub mod json;
pub mod limits;
pub mod message;
pub mod name;
pub mod namespace_limits;
pub mod package;
pub mod parameters;
pub mod rule;
pub mod runtimes;
pub mod size;
pub mod stored_record;
pub mod time;
pub mod topic;
pub mod trigger;
pub mod version;
pub mod wire;

pub use action::Action;
pub use activation::{ActivationRecord, ActivationResponse, Outcome, Provenance};
pub use cpu::Cores;
pub use exec::{Code, Exec, Kind};
pub use gpu::{GpuAmount, GpuClass, GpuDevice, GpuId, GpuLimit, GpuReport};
pub use health::{ControllerReport, Epoch, InvokerReport, Willingness};
pub use id::{ActivationId, ControllerId, DocId, InvokerId, Revision, TransactionId};
pub use identity::{Caller, Credentials, KeyHash, SealedKey, Subject};
pub use image::ImageName;
pub use input::{Input, InputError};
pub use json::Json;
pub use limits::ActionLimits;
pub use message::{Acknowledgement, ActivationMessage, EntityChange, Keep};
pub use name::{ActionPath, EntityName, EntityPath, NameError, Namespace};
pub use namespace_limits::NamespaceLimits;
pub use package::Package;
pub use parameters::{Arguments, Parameter, Parameters};
pub use rule::Rule;
pub use runtimes::RuntimeManifest;
pub use size::ByteSize;
pub use stored_record::StoredRecord;
pub use time::Timestamp;
pub use topic::{Position, Topic};
pub use trigger::{RuleLink, RuleStatus, Trigger};
pub use version::Version;
