//! What the mere passing of time asks for: idle containers are paused, then removed; stem cells are checked and
//! replaced; failed removals are tried again; who waited too long is rejected.

use std::time::Duration;

use super::container::{Container, State};
use super::turn::Turn;
use super::{ColdReason, ContainerId, Effect, Phase, Pool, Rejection};
use crate::Moment;

enum Due {
    Pause,
    Expire,
    RemoveAgain,
}

impl Pool {
    /// The time that was asked for has come.
    pub(super) fn tick(&mut self, turn: &mut Turn) {
        self.wake = None;
        let due = |(id, container)| Some((id, self.due(turn.now, container)?));
        let all: Vec<(ContainerId, Due)> = self.fleet.iter().filter_map(due).collect();
        for (id, due) in all {
            match due {
                Due::Pause => self.pause(id, turn),
                Due::Expire => self.remove(id, ColdReason::Expired, turn),
                Due::RemoveAgain => {
                    self.fleet.change(id, State::removing);
                    turn.push(Effect::Destroy(id));
                }
            }
        }
        if self.phase == Phase::Serving && self.stem_cells.is_check_due(turn.now) {
            self.check_stem_cells(turn);
        }
        if let Some(at) = self.next_deadline() {
            self.wake_by(at, turn);
        }
        turn.stir();
    }

    fn due(&self, now: Moment, container: &Container) -> Option<Due> {
        let has_idled_for =
            |span: Duration| container.evictable_since().is_some_and(|since| now >= since + span);
        match container.state {
            State::Idle { .. } | State::Paused { .. } if has_idled_for(self.kept_for(container)) => {
                Some(Due::Expire)
            }
            State::Idle { since, pause_at, .. } if now >= self.pause_at(since, pause_at) => Some(Due::Pause),
            State::Stem { .. }
                if !self.stem_cells.keeps(&container.stem) && has_idled_for(self.kept_for(container)) =>
            {
                Some(Due::Expire)
            }
            State::Removing { retry_at: Some(at), .. } if now >= at => Some(Due::RemoveAgain),
            _ => None,
        }
    }

    /// When time will ask for something of the container.
    pub(super) fn due_at(&self, container: &Container) -> Option<Moment> {
        match container.state {
            State::Idle { since, pause_at, .. } => {
                Some(self.pause_at(since, pause_at).min(since + self.kept_for(container)))
            }
            State::Paused { since, .. } => Some(since + self.kept_for(container)),
            State::Stem { since } if !self.stem_cells.keeps(&container.stem) => {
                Some(since + self.kept_for(container))
            }
            State::Removing { retry_at, .. } => retry_at,
            _ => None,
        }
    }

    fn pause_at(&self, since: Moment, put_off: Option<Moment>) -> Moment {
        put_off.unwrap_or(since + self.config.pause_grace)
    }

    /// How long the container is kept although nobody uses it.
    fn kept_for(&self, container: &Container) -> Duration {
        if container.holding.has_gpu() { self.config.gpu_idle_timeout } else { self.config.idle_timeout }
    }

    fn pause(&mut self, id: ContainerId, turn: &mut Turn) {
        self.fleet.change(id, |state| match state {
            State::Idle { tenancy, since, .. } => State::Pausing { tenancy, since },
            other => other,
        });
        turn.push(Effect::Pause(id));
    }

    fn check_stem_cells(&mut self, turn: &mut Turn) {
        let cells = self.fleet.bare().filter_map(|(id, container)| match container.state {
            State::Stem { since } => Some((id, &*container.stem, since)),
            _ => None,
        });
        for id in self.stem_cells.expired(turn.now, cells) {
            self.remove(id, ColdReason::Expired, turn);
        }
        self.stem_cells.reconsider(turn.now);
    }

    /// Starts the stem cells that are missing, where that takes nothing from anybody who waits.
    pub(super) fn refill(&mut self, turn: &mut Turn) {
        if self.standing.awaiting_starts().next().is_none() {
            let mut room = self.fleet.resources().clone();
            let in_need = self.standing.in_need().filter_map(|ticket| self.queue.get(ticket));
            in_need.for_each(|waiting| room.earmark(&waiting.request.stem));
            let present = self.fleet.bare().map(|(_, container)| &*container.stem);
            for stem in self.stem_cells.missing(turn.now, present) {
                let may_start = self.fleet.starting() < self.config.parallel_starts;
                if let Ok(holding) = room.find(&stem)
                    && may_start
                {
                    room.hold(&holding);
                    self.start(stem, holding, turn);
                }
            }
        }
        if let Some(at) = self.stem_cells.next_deadline(turn.now) {
            self.wake_by(at, turn);
        }
    }

    /// Rejects those for whom it is too late.
    pub(super) fn expire(&mut self, turn: &mut Turn) {
        while let Some(request) = self.queue.expired(turn.now).and_then(|ticket| self.queue.remove(ticket)) {
            self.reject(&request, Rejection::Expired, turn);
            turn.stir();
        }
    }

    /// When time will ask for something next, stem cells aside.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        let containers = self.fleet.values().filter_map(|container| self.due_at(container));
        containers.chain(self.queue.next_deadline()).min()
    }

    pub(super) fn wake_by(&mut self, at: Moment, turn: &mut Turn) {
        if self.wake.is_none_or(|wake| at < wake) {
            self.wake = Some(at);
            turn.push(Effect::WakeAt(at));
        }
    }
}
