//! The decision itself: a function of what is seen, what is asked, and a roll of the dice.

use std::borrow::Cow;

use super::bitmap::{Bitmap, Common};
use super::places::Places;
use super::request::{Reason, Refusal, Request};
use super::view::View;

/// Draws for home. Where half of all numbers take work, one action in 16 million misses with all of them; fewer
/// would move more when numbers double.
const DRAWS_FOR_HOME: u32 = 24;

/// Draws for another place. In a full cluster all of them miss.
const DRAWS_FOR_OTHERS: u32 = 4;

/// How many holders of a warm container are looked at, beside the two that the dice name.
const HOLDERS: usize = 8;

/// Home before warm before spill before queue.
///
/// Equal views give equal homes to an action, whatever the roll, in every process.
pub(super) fn choose(view: &View, request: &Request, roll: u64) -> Result<(u32, Reason), Refusal> {
    let mut suitable = Vec::new();
    if !view.suitable(request, &mut suitable) {
        return Err(refusal(view, request));
    }
    let fits = |number| view.fits(number, request);
    let mut places = Places::new(request.place, view.levels());
    let large = Common { base: view.large(request.memory), also: &suitable };
    let home = places.next(DRAWS_FOR_HOME, large, fits).ok_or_else(|| refusal(view, request))?;
    if view.has_room(home, request) {
        return Ok((home, Reason::Home));
    }
    if let Some(number) = warm(view, request, large, roll) {
        return Ok((number, Reason::Warm));
    }
    if let Some(number) = spill(view, request, &suitable, &mut places) {
        return Ok((number, Reason::Spill));
    }
    let also: Vec<_> = suitable.iter().copied().chain([large.base]).collect();
    let open = Common { base: view.open(), also: &also };
    let near = if open.contains(home) { Some(home) } else { places.next(DRAWS_FOR_OTHERS, open, fits) };
    let near = near.ok_or(Refusal::Overloaded)?;
    let far = open.find(roll as u32 & ((1 << view.levels()) - 1), fits).unwrap_or(near);
    let shorter = view.standing(far).depth < view.standing(near).depth;
    Ok((if shorter { far } else { near }, Reason::Queued))
}

/// What is missing where nobody could ever run the activation.
fn refusal(view: &View, request: &Request) -> Refusal {
    if !view.is_anyone_up() {
        return Refusal::NoInvoker;
    }
    let tagged = view.tagged(&request.tags).filter(|_| request.gpu.is_some());
    let would_do = tagged.is_some_and(|tagged| {
        let large = Common { base: view.large(request.memory), also: &tagged };
        large.find(0, |number| view.is_large(number, request)).is_some()
    });
    if would_do { Refusal::NoGpu } else { Refusal::NoneFits }
}

/// The next of the action's places that has room. Hosts with GPUs come last for who needs none.
fn spill(view: &View, request: &Request, suitable: &[&Bitmap], places: &mut Places) -> Option<u32> {
    let base = view.roomy(request.memory)?;
    let mut also = Cow::Borrowed(suitable);
    if !request.is_plain() {
        also.to_mut().extend(view.equipped(request)?);
    }
    let accept = |number| request.is_plain() || view.has_room(number, request);
    let mut next = |also: &[&Bitmap]| places.next(DRAWS_FOR_OTHERS, Common { base, also }, accept);
    let without_gpus = view.spared(request).and_then(|spared| next(&[&*also, &[spared]].concat()));
    without_gpus.or_else(|| next(&also))
}

/// Of two holders of a warm container, that which has more memory left; of the next ones, the first with room.
fn warm(view: &View, request: &Request, large: Common<'_>, roll: u64) -> Option<u32> {
    let holders = view.warm(request.place);
    let count = u64::try_from(holders.len()).ok().filter(|count| *count > 0)?;
    let nth = |n: u64| holders[(n % count) as usize];
    let usable = |number: &u32| large.contains(*number) && view.has_room(*number, request);
    let pair = [nth(roll), nth(roll >> 32)].into_iter().filter(usable);
    let emptier = pair.max_by_key(|number| (view.standing(*number).available, std::cmp::Reverse(*number)));
    emptier
        .or_else(|| holders.iter().copied().cycle().skip((roll % count) as usize).take(HOLDERS).find(usable))
}
