//! How far the topic has been taken: which messages the pool knows, and which are still on their way to it.
//! Pure; the shell keeps one under its lock, so that reports tell of pool and topic at one moment.

use std::collections::BTreeSet;

use whirl_model::Position;

/// What was delivered up to now.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    next: Position,
    /// Delivered, and neither in the pool nor ended: their actions are being read.
    on_their_way: BTreeSet<Position>,
}

impl Intake {
    /// A message was delivered and is not yet in the pool.
    pub(crate) fn delivered(&mut self, position: Position) {
        self.advance(position);
        self.on_their_way.insert(position);
    }

    /// A message is in the pool, or ended without it.
    pub(crate) fn settled(&mut self, position: Position) {
        self.advance(position);
        self.on_their_way.remove(&position);
    }

    fn advance(&mut self, position: Position) {
        self.next = self.next.max(Position(position.0 + 1));
    }

    /// The first position that the pool's figures do not count.
    pub(crate) fn taken(&self) -> Position {
        self.on_their_way.first().copied().unwrap_or(self.next)
    }

    /// The position after the last message that was delivered.
    pub(crate) fn next(&self) -> Position {
        self.next
    }

    /// How many messages are neither in the pool nor ended.
    pub(crate) fn on_their_way(&self) -> usize {
        self.on_their_way.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_its_way_holds_the_position_back() {
        let mut intake = Intake::default();
        intake.settled(Position(4));
        assert_eq!(intake.taken(), Position(5));
        intake.delivered(Position(5));
        intake.settled(Position(6));
        assert_eq!((intake.taken(), intake.next(), intake.on_their_way()), (Position(5), Position(7), 1));
        intake.settled(Position(5));
        assert_eq!((intake.taken(), intake.on_their_way()), (Position(7), 0));
        intake.settled(Position(2));
        assert_eq!(intake.taken(), Position(7), "a second delivery takes nothing back");
    }
}
