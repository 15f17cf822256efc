//! Writes records of which the store may not take some, so that these keep no other from being stored. It tries once;
//! trying again while the store is away is its callers' business.

use std::error::Error;
use std::sync::Arc;

use whirl_model::{ActivationRecord, ActivationResponse, Outcome};

use super::{ActivationStore, StoreError};

/// Writes records as [`ActivationStore::put_all`] does. In the place of one that the store does not take as it is stands
/// one that says so; one of which it does not take even that is left out. How many were not taken as they are.
///
/// # Errors
/// Those of `put_all` that are not the records' fault. The same call may be repeated.
pub async fn put_all_that_fit(
    store: &dyn ActivationStore,
    records: &[Arc<ActivationRecord>],
) -> Result<u64, StoreError> {
    let mut unfit = 0;
    let mut parts = vec![records];
    while let Some(part) = parts.pop() {
        match (store.put_all(part).await, part) {
            (Ok(()), _) => {}
            (Err(error), _) if !error.is_of_content() => return Err(error),
            (Err(error), [record]) => {
                put_instead(store, record, &error).await?;
                unfit += 1;
            }
            (Err(_), part) => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
        }
    }
    Ok(unfit)
}

async fn put_instead(
    store: &dyn ActivationStore,
    record: &ActivationRecord,
    why: &StoreError,
) -> Result<(), StoreError> {
    let (activation, namespace) = (record.activation_id, &record.namespace);
    match store.put_all(&[Arc::new(instead_of(record))]).await {
        Err(error) if !error.is_of_content() => return Err(error),
        Err(_) => {
            let error = why as &dyn Error;
            tracing::error!(error, %activation, %namespace, "the store does not take a record: it is lost");
        }
        Ok(()) => {
            let error = why as &dyn Error;
            tracing::error!(error, %activation, %namespace, "the store does not take a record: one says so instead");
        }
    }
    Ok(())
}

fn instead_of(record: &ActivationRecord) -> ActivationRecord {
    let status = record.response.outcome.status();
    let error = format!(
        "The activation ended with the status '{status}', but its result and logs are not kept: the store did not take them."
    );
    let response = ActivationResponse::failure(Outcome::InternalError, &error);
    ActivationRecord { response, ..record.with_logs(Vec::new()) }
}

#[cfg(test)]
mod tests {
    use whirl_model::Json;

    use super::*;
    use crate::contract;
    use crate::contract::picky::PickyStore;

    fn unfit() -> StoreError {
        StoreError::Unfit { operation: "write records", source: "it is odd".into() }
    }

    /// Refuses records that hold what is forbidden.
    fn picky(forbidden: &str, error: fn() -> StoreError) -> PickyStore {
        let forbidden = forbidden.to_owned();
        PickyStore::new(move |record| match Json::of(record).as_str().contains(&forbidden) {
            true => Err(error()),
            false => Ok(()),
        })
    }

    /// Of these, the fifth and the last have an odd result.
    fn records() -> Vec<Arc<ActivationRecord>> {
        let namespace = contract::new_namespace();
        let record = |n| {
            let result = Some(Json::of(if n % 5 == 4 { "odd" } else { "plain" }));
            let response = ActivationResponse { outcome: Outcome::Success, result, size: Some(n) };
            let logs = vec!["a line".to_owned()];
            Arc::new(ActivationRecord { response, logs, ..contract::record(&namespace, "a", n) })
        };
        (0..10).map(record).collect()
    }

    #[tokio::test]
    async fn one_that_is_refused_keeps_no_other_waiting_and_its_place_says_so() {
        let (store, records) = (picky("\"odd\"", unfit), records());
        assert_eq!(put_all_that_fit(&store, &records).await.unwrap(), 2);
        let stored = store.stored();
        assert_eq!(stored.len(), 10);
        for (n, (stored, record)) in stored.iter().zip(&records).enumerate() {
            if n % 5 != 4 {
                assert_eq!(stored, record);
                continue;
            }
            assert_eq!((stored.response.outcome, stored.logs.len()), (Outcome::InternalError, 0));
            let told = stored.response.result.as_ref().unwrap().as_str();
            assert!(told.contains("'success'") && told.contains("did not take"), "{told}");
            let (response, logs) = (record.response.clone(), record.logs.clone());
            assert_eq!(
                ActivationRecord { response, logs, ..(**stored).clone() },
                **record,
                "all else is kept"
            );
        }
    }

    #[tokio::test]
    async fn one_that_is_refused_in_any_form_is_left_out() {
        let records = records();
        let store = picky(&records[7].activation_id.to_string(), unfit);
        assert_eq!(put_all_that_fit(&store, &records).await.unwrap(), 1);
        let mut others = records.clone();
        others.remove(7);
        assert_eq!(store.stored(), others);
    }

    #[tokio::test]
    async fn no_record_is_given_up_for_what_is_not_its_fault() {
        let refused = || StoreError::Refused { operation: "write records", source: "the password".into() };
        let away = || StoreError::Unavailable { operation: "write records", source: "away".into() };
        for error in [refused, away] {
            let store = picky("\"odd\"", error);
            assert!(put_all_that_fit(&store, &records()).await.is_err_and(|error| !error.is_of_content()));
            assert!(store.stored().is_empty());
        }
    }
}
