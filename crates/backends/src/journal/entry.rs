//! One entry of the journal as bytes: length and checksum (CRC-32 of what follows, both little-endian and of
//! 32 bits), then a byte for the kind, then the content.

use std::io::{self, Read};

use serde::de::DeserializeOwned;
use whirl_model::{ActivationId, ActivationMessage, ActivationRecord, ControllerId, InvokerId, Topic};

use super::JournalError;

/// Larger entries are neither written nor read, so that no file makes a reader allocate without bound.
pub(super) const MAX_BYTES: usize = 64 << 20;

const PREFIX_BYTES: usize = 8;
/// As long as most entries are that hold an activation or a record.
const USUAL_BYTES: usize = 768;
/// An entry that only names an activation.
const NAMING_BYTES: usize = PREFIX_BYTES + 1 + 16;

/// An activation for an invoker, as it was written before other topics had accepted ones: only read.
const ACCEPTED_BY_INVOKER: u8 = 1;
const STARTED: u8 = 2;
const ENDED: u8 = 3;
const RECORDED: u8 = 4;
const ACCEPTED: u8 = 5;

/// The sorts of topics in an accept.
const ACTIVATIONS: u8 = 0;
const ACKNOWLEDGEMENTS: u8 = 1;
const SEQUENCES: u8 = 2;

/// What can be noted about an activation: borrowed to be written, owned when it was read.
#[derive(Debug)]
pub(super) enum Entry<M, R> {
    Accepted { topic: Topic, message: M },
    Started(ActivationId),
    Ended(R),
    Recorded(ActivationId),
}

impl Entry<&ActivationMessage, &ActivationRecord> {
    /// The entry's bytes, prefix included.
    pub(super) fn encode(&self) -> Result<Vec<u8>, JournalError> {
        let mut bytes = Vec::with_capacity(match self {
            Self::Accepted { .. } | Self::Ended(_) => USUAL_BYTES,
            Self::Started(_) | Self::Recorded(_) => NAMING_BYTES,
        });
        bytes.extend([0; PREFIX_BYTES]);
        match self {
            Self::Accepted { topic, message } => {
                let (sort, number) = match topic {
                    Topic::Activations(invoker) => (ACTIVATIONS, invoker.0),
                    Topic::Acknowledgements(controller) => (ACKNOWLEDGEMENTS, controller.0),
                    Topic::Sequences(controller) => (SEQUENCES, controller.0),
                };
                bytes.extend([ACCEPTED, sort]);
                bytes.extend(number.to_le_bytes());
                serde_json::to_writer(&mut bytes, message).expect("messages are plain data");
            }
            Self::Started(id) => {
                bytes.push(STARTED);
                bytes.extend(id.bits().to_le_bytes());
            }
            Self::Ended(record) => {
                bytes.push(ENDED);
                serde_json::to_writer(&mut bytes, record).expect("records are plain data");
            }
            Self::Recorded(id) => {
                bytes.push(RECORDED);
                bytes.extend(id.bits().to_le_bytes());
            }
        }
        let length = bytes.len() - PREFIX_BYTES;
        if length > MAX_BYTES {
            return Err(JournalError::TooLarge(length));
        }
        let checksum = crc32fast::hash(&bytes[PREFIX_BYTES..]);
        bytes[..4].copy_from_slice(&(length as u32).to_le_bytes());
        bytes[4..PREFIX_BYTES].copy_from_slice(&checksum.to_le_bytes());
        Ok(bytes)
    }
}

impl<M, R> Entry<M, R>
where
    M: DeserializeOwned,
    R: DeserializeOwned,
{
    /// Reads an entry's kind and content.
    pub(super) fn decode(payload: &[u8]) -> Result<Self, Unreadable> {
        let (kind, content) = payload.split_first().ok_or(Unreadable::Kind(0))?;
        match *kind {
            ACCEPTED_BY_INVOKER => Self::accepted(ACTIVATIONS, content),
            ACCEPTED => {
                let (sort, content) = content.split_first().ok_or(Unreadable::Short)?;
                Self::accepted(*sort, content)
            }
            STARTED => Ok(Self::Started(read_id(content)?)),
            ENDED => Ok(Self::Ended(serde_json::from_slice(content)?)),
            RECORDED => Ok(Self::Recorded(read_id(content)?)),
            unknown => Err(Unreadable::Kind(unknown)),
        }
    }

    /// An accept of a sort of topic: the topic's number, then the message.
    fn accepted(sort: u8, content: &[u8]) -> Result<Self, Unreadable> {
        let (number, message) = content.split_first_chunk().ok_or(Unreadable::Short)?;
        let number = u32::from_le_bytes(*number);
        let topic = match sort {
            ACTIVATIONS => Topic::Activations(InvokerId(number)),
            ACKNOWLEDGEMENTS => Topic::Acknowledgements(ControllerId(number)),
            SEQUENCES => Topic::Sequences(ControllerId(number)),
            unknown => return Err(Unreadable::Topic(unknown)),
        };
        Ok(Self::Accepted { topic, message: serde_json::from_slice(message)? })
    }
}

fn read_id(content: &[u8]) -> Result<ActivationId, Unreadable> {
    let bits = content.try_into().map_err(|_| Unreadable::Short)?;
    Ok(ActivationId::from_bits(u128::from_le_bytes(bits)))
}

/// An entry came back as it was written, but means nothing here.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("an entry of unknown kind {0}")]
    Kind(u8),
    #[error("an accept for a topic of unknown sort {0}")]
    Topic(u8),
    #[error("an entry that is too short")]
    Short,
    #[error("an entry whose JSON is not what it should be")]
    Json(#[from] serde_json::Error),
}

/// Reads the next entry's kind and content; `None` where the rest is no whole, sound entry. Returns at the
/// end of the file what it finds there: nothing.
pub(super) fn read_payload(reader: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut prefix = [0; PREFIX_BYTES];
    if !fill(reader, &mut prefix)? {
        return Ok(None);
    }
    let [l0, l1, l2, l3, c0, c1, c2, c3] = prefix;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let checksum = u32::from_le_bytes([c0, c1, c2, c3]);
    if length == 0 || length > MAX_BYTES {
        return Ok(None);
    }
    let mut payload = Vec::new();
    reader.take(length as u64).read_to_end(&mut payload)?;
    Ok((payload.len() == length && crc32fast::hash(&payload) == checksum).then_some(payload))
}

/// Bytes that an entry of this payload takes in a segment.
pub(super) fn size_of(payload: &[u8]) -> u64 {
    (PREFIX_BYTES + payload.len()) as u64
}

/// Fills the buffer; `false` when the file ends before.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::bus::activation;

    type Read = Entry<ActivationMessage, ActivationRecord>;

    #[test]
    fn accepts_come_back_with_their_topic_also_those_of_earlier_versions() {
        let message = activation(ActivationId::from_bits(7));
        for topic in [Topic::Activations(InvokerId(3)), Topic::Sequences(ControllerId(2))] {
            let bytes = Entry::Accepted { topic, message: &*message }.encode().unwrap();
            let Ok(Read::Accepted { topic: read, message: found }) = Read::decode(&bytes[PREFIX_BYTES..])
            else {
                panic!("no accept")
            };
            assert_eq!((read, &found), (topic, &*message));
        }
        let earlier = [vec![1, 3, 0, 0, 0], serde_json::to_vec(&*message).unwrap()].concat();
        let Ok(Read::Accepted { topic, .. }) = Read::decode(&earlier) else { panic!("no accept") };
        assert_eq!(topic, Topic::Activations(InvokerId(3)));
        assert!(matches!(Read::decode(&[5, 9, 0, 0, 0, 0]), Err(Unreadable::Topic(9))));
    }
}
