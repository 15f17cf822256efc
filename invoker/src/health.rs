//! Whether containers can be started: judged by how the last starts of the platform's images went, which no user has
//! a hand in. Pure; failures that an action's developer has to mend are not told to it.

use std::collections::VecDeque;
use std::sync::Arc;

use whirl_scheduling::pool::Stem;

/// So many of the last starts are remembered,
const REMEMBERED: usize = 10;
/// and so many failures among them are one too many.
const FAILURES: usize = 3;

/// The last starts of containers.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Whether each failed, the last one at the end.
    failed: VecDeque<bool>,
    /// Why the last one that failed did.
    reason: String,
    /// What started last, else what failed last.
    probe: Option<Arc<Stem>>,
    any_started: bool,
    /// A user's image did not start, be it for its own sake or the host's, and none of the platform's has since.
    suspected: bool,
}

impl Health {
    /// A container started. That ends the time of failures, if it was one.
    pub(crate) fn started(&mut self, stem: &Arc<Stem>) {
        if stem.is_users_image() {
            return;
        }
        self.suspected = false;
        if self.complaint().is_some() {
            self.failed.clear();
        }
        self.remember(false);
        self.any_started = true;
        self.probe = Some(Arc::clone(stem));
    }

    /// A container did not start, and the platform is to blame, or may be if it is one of a user's image.
    pub(crate) fn failed(&mut self, stem: &Arc<Stem>, reason: String) {
        if stem.is_users_image() {
            self.suspected = true;
            return;
        }
        self.remember(true);
        self.reason = reason;
        if !self.any_started {
            self.probe = Some(Arc::clone(stem));
        }
    }

    fn remember(&mut self, failed: bool) {
        self.failed.push_back(failed);
        if self.failed.len() > REMEMBERED {
            self.failed.pop_front();
        }
    }

    /// Why containers cannot be started, if they cannot.
    pub(crate) fn complaint(&self) -> Option<String> {
        let failures = self.failed.iter().filter(|failed| **failed).count();
        (failures >= FAILURES).then(|| {
            format!("{failures} of the last {} containers did not start: {}", self.failed.len(), self.reason)
        })
    }

    /// What to start to find out whether that works, or works again. What never started tells nothing of a suspicion.
    pub(crate) fn probe(&self) -> Option<Arc<Stem>> {
        let is_in_doubt = self.complaint().is_some() || self.suspected && self.any_started;
        self.probe.clone().filter(|_| is_in_doubt)
    }
}

#[cfg(test)]
mod tests {
    use whirl_model::Kind;

    use super::*;

    fn stem(kind: &str) -> Arc<Stem> {
        Arc::new(Stem {
            kind: Kind::new(kind),
            image: "a/b".parse().unwrap(),
            memory: 256,
            cpu: None,
            gpu: None,
        })
    }

    #[test]
    fn the_third_failure_of_ten_is_one_too_many_and_a_start_mends_all() {
        let mut health = Health::default();
        let (good, bad) = (stem("nodejs:20"), stem("python:3.11"));
        health.started(&good);
        for _ in 0..2 {
            health.failed(&bad, "no such image".into());
        }
        assert_eq!((health.complaint(), health.probe()), (None, None));
        health.failed(&bad, "no such image".into());
        assert_eq!(health.complaint().unwrap(), "3 of the last 4 containers did not start: no such image");
        assert_eq!(health.probe(), Some(Arc::clone(&good)), "one bad image is no bad host");
        health.started(&good);
        assert_eq!(health.complaint(), None);
        health.failed(&bad, "again".into());
        assert_eq!(health.complaint(), None);
    }

    #[test]
    fn failures_that_are_long_past_do_not_count() {
        let mut health = Health::default();
        let stem = stem("nodejs:20");
        for _ in 0..5 {
            health.failed(&stem, String::new());
            (0..5).for_each(|_| health.started(&stem));
        }
        assert_eq!(health.complaint(), None);
    }

    #[test]
    fn users_images_are_no_complaint_and_no_probe_and_raise_a_suspicion() {
        let mut health = Health::default();
        let (platforms, users) = (stem("nodejs:20"), stem("blackbox"));
        (0..10).for_each(|_| health.failed(&users, "unable to find user".into()));
        assert_eq!((health.complaint(), health.probe()), (None, None), "nothing to try it with");
        health.started(&platforms);
        health.started(&users);
        assert_eq!(health.probe(), None);
        health.failed(&users, String::new());
        assert_eq!((health.complaint(), health.probe()), (None, Some(Arc::clone(&platforms))));
        health.failed(&platforms, "no space left".into());
        assert!(health.probe().is_some(), "once is not enough to tell");
        health.started(&platforms);
        assert_eq!(health.probe(), None);
        (0..3).for_each(|_| health.failed(&platforms, "no space left".into()));
        (0..10).for_each(|_| health.started(&users));
        assert!(health.complaint().is_some());
    }

    #[test]
    fn where_nothing_ever_started_the_last_failure_is_tried() {
        let mut health = Health::default();
        (0..3).for_each(|_| health.failed(&stem("a:1"), String::new()));
        assert_eq!(health.probe(), Some(stem("a:1")));
    }
}
