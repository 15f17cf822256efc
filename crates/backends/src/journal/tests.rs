//! The journal: what it gives back, when it refuses, and what it makes of damaged files.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use whirl_model::{ActivationId, ControllerId, InvokerId};

use super::*;
use crate::contract;
use crate::contract::bus::activation;

const INVOKER: Topic = Topic::Activations(InvokerId(3));
const SEQUENCES: Topic = Topic::Sequences(ControllerId(1));

fn small() -> JournalOptions {
    JournalOptions { segment_bytes: 2000, max_bytes: 100_000 }
}

fn id(number: u64) -> ActivationId {
    ActivationId::from_bits(number.into())
}

fn accept(journal: &Journal, number: u64) -> Result<Place, JournalError> {
    journal.accepted(INVOKER, &activation(id(number)))
}

fn end(journal: &Journal, number: u64) {
    let namespace = "guest".parse().unwrap();
    let record = contract::record(&namespace, "hello", number);
    journal.ended(&ActivationRecord { activation_id: id(number), ..record }).unwrap();
}

fn files(dir: &Path) -> Vec<PathBuf> {
    segment::numbers(dir).unwrap().into_iter().map(|number| segment::path(dir, number)).collect()
}

#[test]
fn what_is_unfinished_comes_back_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, nothing) = Journal::open(dir.path(), small()).unwrap();
    assert!(nothing.unfinished.is_empty() && nothing.ended.is_empty());
    let message = activation(id(9));
    journal.accepted(SEQUENCES, &message).unwrap();
    for number in 0..4 {
        accept(&journal, number).unwrap();
    }
    journal.started(id(1)).unwrap();
    end(&journal, 2);
    journal.recorded(id(3));

    let in_use = Journal::open(dir.path(), small()).map(drop).unwrap_err();
    assert!(matches!(in_use, JournalError::InUse { .. }), "{in_use}");
    drop(journal);
    // Opening without finishing anything loses nothing.
    drop(Journal::open(dir.path(), small()).unwrap());

    let (journal, recovered) = Journal::open(dir.path(), small()).unwrap();
    let found: Vec<_> = recovered.unfinished.iter().map(|u| (u.message.activation_id, u.progress)).collect();
    let (fresh, begun) = (Progress::NotStarted, Progress::MayHaveStarted);
    assert_eq!(found, [(id(9), fresh), (id(0), fresh), (id(1), begun)]);
    assert_eq!((recovered.unfinished[0].topic, &*recovered.unfinished[0].message), (SEQUENCES, &*message));
    assert_eq!(recovered.unfinished[1].topic, INVOKER);
    assert_eq!(recovered.ended.iter().map(|r| r.activation_id).collect::<Vec<_>>(), [id(2)]);

    for number in [9, 0, 1, 2] {
        journal.recorded(id(number));
    }
    assert_eq!(files(dir.path()).len(), 1, "only the current segment is left");
}

#[test]
fn a_full_journal_still_notes_what_becomes_of_accepted_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), small()).unwrap();
    let accepted = (0..10_000).take_while(|number| accept(&journal, *number).is_ok()).count() as u64;
    assert!(accepted > 10 && matches!(accept(&journal, 10_000), Err(JournalError::Full)));
    let size: u64 = files(dir.path()).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(size <= small().max_bytes);
    for number in 0..accepted {
        journal.started(id(number)).unwrap();
        end(&journal, number);
        journal.recorded(id(number));
    }
    accept(&journal, 10_000).unwrap();
    assert!(files(dir.path()).len() <= 2);
}

#[tokio::test]
async fn after_a_failed_sync_only_a_new_segment_is_vouched_for() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), small()).unwrap();
    let safe = accept(&journal, 1).unwrap();
    journal.make_durable(safe).await.unwrap();

    journal.log.write_to(Path::new("/dev/null"));
    let doubtful = accept(&journal, 2).unwrap();
    assert!(journal.make_durable(doubtful).await.is_err());
    assert!(journal.make_durable(doubtful).await.is_err(), "syncing again does not help");
    let fresh = accept(&journal, 3).unwrap();
    journal.make_durable(fresh).await.unwrap();
    assert!(journal.make_all_durable().await.is_err());
    journal.recorded(id(1));
    journal.recorded(id(2));
    journal.make_all_durable().await.unwrap();
}

#[test]
fn what_the_disk_refuses_is_not_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), small()).unwrap();
    accept(&journal, 1).unwrap();
    journal.log.write_to(Path::new("/dev/full"));
    assert!(matches!(accept(&journal, 2), Err(JournalError::Io { .. })));
    accept(&journal, 3).unwrap();
    drop(journal);
    let (_journal, recovered) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!(
        recovered.unfinished.iter().map(|u| u.message.activation_id).collect::<Vec<_>>(),
        [id(1), id(3)]
    );
}

#[test]
fn hostile_files_are_refused_or_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = segment::path(dir.path(), 5);
    for (content, kept) in [
        (&b""[..], Some(0)),
        (b"WHI", Some(0)),
        (&[0; 100], Some(0)),
        (b"WHIRLJ1\n\xff\xff\xff\xff____", Some(8)),
        (b"WHIRLJ1\n\xff\xff\xff\x03____and little more", Some(8)),
        (b"WHIRLJ1\n\0\0\0\0\0\0\0\0", Some(8)),
        (b"something else", None),
    ] {
        fs::write(&path, content).unwrap();
        let (ledger, length) = match recovery::read(dir.path()) {
            Ok((ledger, _)) => (Some(ledger.bytes()), fs::metadata(&path).unwrap().len()),
            Err(JournalError::Format { .. }) => (None, content.len() as u64),
            Err(error) => panic!("{error}"),
        };
        assert_eq!((ledger, length), (kept, kept.unwrap_or(content.len() as u64)), "{content:?}");
    }
}

/// What happens to activation number `.0`.
#[derive(Clone, Debug)]
enum Step {
    Accept(u64),
    Start(u64),
    End(u64),
    Record(u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Waiting,
    Started,
    Ended,
}

type Expected = BTreeMap<u64, Known>;

fn apply(step: &Step, journal: &Journal, expected: &mut Expected) {
    match *step {
        Step::Accept(n) => {
            accept(journal, n).unwrap();
            expected.entry(n).or_insert(Known::Waiting);
        }
        Step::Start(n) => {
            journal.started(id(n)).unwrap();
            if let Some(known @ Known::Waiting) = expected.get_mut(&n) {
                *known = Known::Started;
            }
        }
        Step::End(n) => {
            end(journal, n);
            if let Some(known) = expected.get_mut(&n) {
                *known = Known::Ended;
            }
        }
        Step::Record(n) => {
            journal.recorded(id(n));
            expected.remove(&n);
        }
    }
}

fn found(recovered: &Recovered) -> Expected {
    let known = |unfinished: &Unfinished| match unfinished.progress {
        Progress::NotStarted => Known::Waiting,
        Progress::MayHaveStarted => Known::Started,
    };
    let number = |id: ActivationId| u64::try_from(id.bits()).unwrap();
    let unfinished = recovered.unfinished.iter().map(|u| (number(u.message.activation_id), known(u)));
    unfinished.chain(recovered.ended.iter().map(|r| (number(r.activation_id), Known::Ended))).collect()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0u64..20).prop_map(Step::Accept),
        (0u64..20).prop_map(Step::Start),
        (0u64..20).prop_map(Step::End),
        (0u64..20).prop_map(Step::Record),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Wherever the newest file is torn, what was noted before the tear is known, and nothing else. Only what
    /// was recorded behind the tear may be gone together with the segment that it finished.
    #[test]
    fn a_torn_end_loses_nothing_before_it(steps in steps(), tear in 0.0..=1.0f64) {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(dir.path(), small()).unwrap();
        let mut expected = Expected::new();
        let mut history = vec![(journal.log.end_position(), expected.clone())];
        for step in &steps {
            apply(step, &journal, &mut expected);
            history.push((journal.log.end_position(), expected.clone()));
        }
        let (newest, length) = journal.log.end_position();
        drop(journal);
        let cut = (length as f64 * tear) as u64;
        let file = fs::OpenOptions::new().write(true).open(segment::path(dir.path(), newest)).unwrap();
        file.set_len(cut).unwrap();

        let before = history.iter().rposition(|(position, _)| *position <= (newest, cut));
        let at_the_tear = before.map(|step| history[step].1.clone()).unwrap_or_default();
        let behind = &steps[before.unwrap_or(0)..];
        let (_journal, recovered) = Journal::open(dir.path(), small()).unwrap();
        let found = found(&recovered);
        for (number, known) in &at_the_tear {
            let gone = !found.contains_key(number)
                && behind.iter().any(|step| matches!(step, Step::Record(n) if n == number));
            prop_assert!(gone || found.get(number) == Some(known), "{number}: {known:?} in {found:?}");
        }
        prop_assert!(found.keys().all(|number| at_the_tear.contains_key(number)), "{found:?}");
    }

    /// Whatever is changed in a file, opening gives an answer.
    #[test]
    fn damage_never_panics(steps in steps(), place in 0.0..1.0f64, damage in prop::collection::vec(any::<u8>(), 1..20)) {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(dir.path(), small()).unwrap();
        steps.iter().for_each(|step| apply(step, &journal, &mut Expected::new()));
        drop(journal);
        let files = files(dir.path());
        let path = &files[(files.len() as f64 * place) as usize];
        let mut content = fs::read(path).unwrap();
        let at = (content.len() as f64 * place) as usize;
        content.splice(at..(at + damage.len()).min(content.len()), damage);
        fs::write(path, content).unwrap();
        let understood = match Journal::open(dir.path(), small()) {
            Ok(_) | Err(JournalError::Format { .. }) => true,
            Err(_) => false,
        };
        prop_assert!(understood);
    }
}
