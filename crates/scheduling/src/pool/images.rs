//! Images that users name are brought to the host for a request before it wants anything else there. Meanwhile it
//! takes a container that falls free all the same. How they are brought is the shell's business.

use whirl_model::ActivationId;

use super::queue::{Image, Ticket};
use super::turn::Turn;
use super::{Effect, Pool, Rejection, StartFailure};

impl Pool {
    /// A container may have to be started for a request: its image is asked for, once.
    pub(super) fn ask_for_image(&mut self, ticket: Ticket, turn: &mut Turn) {
        let Some(waiting) = self.queue.get(ticket) else { return };
        if waiting.image == Image::Unasked {
            turn.push(Effect::Provide(waiting.request.activation));
            self.queue.set_image(ticket, Image::Coming);
        }
    }

    /// From now on the request wants something of the host: after those who have waited for that up to now.
    pub(super) fn provided(&mut self, activation: ActivationId, turn: &mut Turn) {
        let ticket = self.queue.whose_image_comes(activation);
        if let Some(request) = ticket.and_then(|ticket| self.queue.remove(ticket)) {
            let ticket = self.queue.push_back(request);
            self.queue.set_image(ticket, Image::There);
            turn.stir();
        }
    }

    /// Who counts on a container that is there, or is coming, need not end with the failure.
    pub(super) fn not_provided(&mut self, activation: ActivationId, failure: StartFailure, turn: &mut Turn) {
        let Some(ticket) = self.queue.whose_image_comes(activation) else { return };
        if self.has_prospects(ticket) {
            self.queue.set_image(ticket, Image::Unasked);
        } else if let Some(request) = self.queue.remove(ticket) {
            self.reject(&request, Rejection::StartFailed(failure), turn);
        }
        turn.stir();
    }
}
