//! How many requests a namespace may make in a minute, and how many activations it may have in flight. It is
//! told the minute and the numbers; whose requests count, and where limits come from, is decided elsewhere.

use std::collections::HashMap;

/// A minute of the wall clock: minutes since 1970.
pub type Minute = u64;

/// A request that is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// How many there are, with this one where requests are counted.
    pub count: u32,
    /// How many there may be.
    pub allowed: u32,
}

/// The requests of each namespace in the current minute of the wall clock. It keeps those of one minute alone,
/// so it never holds more than the namespaces that were active in it.
#[derive(Debug, Default)]
pub struct RateThrottle {
    minute: Minute,
    counts: HashMap<String, u32>,
}

impl RateThrottle {
    /// Counts a request, also one that is refused.
    ///
    /// # Errors
    /// When the namespace has made more than `allowed` in this minute.
    pub fn admit(&mut self, minute: Minute, namespace: &str, allowed: u32) -> Result<(), Exceeded> {
        self.turn_to(minute);
        let count = match self.counts.get_mut(namespace) {
            Some(count) => {
                *count = count.saturating_add(1);
                *count
            }
            None => *self.counts.entry(namespace.to_owned()).or_insert(1),
        };
        if count <= allowed { Ok(()) } else { Err(Exceeded { count, allowed }) }
    }

    /// Begins a new minute. Who read the clock just before it turned counts in the new one; a clock that was set
    /// back further begins a minute too.
    fn turn_to(&mut self, minute: Minute) {
        let late = minute.checked_add(1) == Some(self.minute);
        if minute != self.minute && !late {
            self.minute = minute;
            self.counts = HashMap::new();
        }
    }
}

/// Whether one more activation may begin while `in_flight` have not ended.
///
/// # Errors
/// When there are `allowed` already.
pub fn admit_concurrent(in_flight: u32, allowed: u32) -> Result<(), Exceeded> {
    if in_flight < allowed { Ok(()) } else { Err(Exceeded { count: in_flight, allowed }) }
}

/// What one of several controllers allows of a limit. Requests do not spread evenly, so that the shares together
/// are a fifth more than the limit; each is at least 1, but 0 stays 0.
#[must_use]
pub fn share(limit: u32, controllers: u32) -> u32 {
    if limit == 0 || controllers <= 1 {
        return limit;
    }
    let together = (u64::from(limit) * 12).div_ceil(10);
    let share = (together / u64::from(controllers)).max(1);
    u32::try_from(share).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refused_requests_count_too_and_a_new_minute_forgives() {
        let mut throttle = RateThrottle::default();
        let mut admit = |minute, who| throttle.admit(minute, who, 2);
        assert_eq!((admit(7, "a"), admit(7, "a"), admit(7, "b")), (Ok(()), Ok(()), Ok(())));
        assert_eq!(admit(7, "a"), Err(Exceeded { count: 3, allowed: 2 }));
        assert_eq!(admit(7, "a"), Err(Exceeded { count: 4, allowed: 2 }));
        assert_eq!(admit(7, "b"), Ok(()));
        assert_eq!(admit(8, "a"), Ok(()));
    }

    #[test]
    fn a_limit_of_zero_allows_nothing() {
        let refused = Err(Exceeded { count: 1, allowed: 0 });
        assert_eq!(RateThrottle::default().admit(1, "a", 0), refused);
        assert_eq!(admit_concurrent(0, 0), Err(Exceeded { count: 0, allowed: 0 }));
        assert_eq!(share(0, 5), 0);
    }

    #[test]
    fn a_clock_that_lags_a_moment_does_not_begin_a_minute_and_one_set_back_does() {
        let mut throttle = RateThrottle::default();
        throttle.admit(100, "a", 1).unwrap();
        assert!(throttle.admit(99, "a", 1).is_err(), "another thread read the clock before it turned");
        assert!(throttle.admit(100, "a", 1).is_err());
        throttle.admit(40, "a", 1).unwrap();
        assert!(throttle.admit(40, "a", 1).is_err());
    }

    #[test]
    fn activations_in_flight_stay_below_the_limit() {
        assert_eq!(admit_concurrent(29, 30), Ok(()));
        assert_eq!(admit_concurrent(30, 30), Err(Exceeded { count: 30, allowed: 30 }));
    }

    #[test]
    fn controllers_share_a_limit() {
        for (limit, controllers, each) in
            [(60, 1, 60), (60, 2, 36), (30, 2, 18), (1, 2, 1), (1, 9, 1), (5, 0, 5), (u32::MAX, 1, u32::MAX)]
        {
            assert_eq!(share(limit, controllers), each, "{limit} among {controllers}");
        }
    }

    proptest! {
        #[test]
        fn of_the_requests_of_a_minute_exactly_as_many_as_allowed_pass(
            requests in prop::collection::vec((0_u64..4, 0_usize..3), 0..200),
            allowed in 0_u32..8,
        ) {
            let names = ["a", "b", "c"];
            let mut requests = requests;
            requests.sort_by_key(|(minute, _)| *minute);
            let mut throttle = RateThrottle::default();
            let mut passed: HashMap<_, u32> = HashMap::new();
            for (minute, who) in &requests {
                if throttle.admit(minute * 5, names[*who], allowed).is_ok() {
                    *passed.entry((minute, who)).or_default() += 1;
                }
                let active = requests.iter().filter(|(m, _)| m == minute).count();
                prop_assert!(throttle.counts.len() <= active.min(names.len()));
            }
            for (minute, who) in &requests {
                let made = requests.iter().filter(|request| **request == (*minute, *who)).count();
                let expected = u32::try_from(made).unwrap().min(allowed);
                prop_assert_eq!(passed.get(&(minute, who)).copied().unwrap_or_default(), expected);
            }
        }

        #[test]
        fn shares_together_allow_the_limit_and_hardly_more(limit in 1_u32..100_000, n in 1_u32..50) {
            let together = u64::from(share(limit, n)) * u64::from(n);
            prop_assert!(together + u64::from(n) > u64::from(limit) || n == 1);
            prop_assert!(together <= u64::from(limit) * 12 / 10 + u64::from(n));
        }
    }
}
