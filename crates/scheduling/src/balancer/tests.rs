//! What the balancer does, told as scripts.

use whirl_model::{Cores, GpuLimit, GpuReport, Willingness};

use super::gpus::tests::{devices, limit, limit_of};
use super::*;

const LIFE: Epoch = Epoch(1);

/// The report of an invoker of 1 GiB.
pub(super) fn report(serial: u64, taken: u64, free: u32) -> InvokerReport {
    InvokerReport {
        name: "an invoker".to_owned(),
        version: "1".to_owned(),
        status: Willingness::Up,
        reason: None,
        serial,
        taken: Position(taken),
        memory_total: 1024,
        memory_free: free,
        waiting: 0,
        cpu_total: Cores::default(),
        cpu_free: Cores::default(),
        gpus: Vec::new(),
        tags: vec![],
        warm: vec![],
        endpoint: None,
    }
}

const fn secs(n: u64) -> Moment {
    Moment::from_secs(n)
}

/// An action whose home is invoker 2 of four, and after it come 0, 3 and 1.
const ACTION: u64 = 8;

/// A balancer with verbs. Every request wants 256 MiB, so that four fill an invoker.
struct Script {
    balancer: Balancer,
    now: Moment,
    next: u128,
}

impl Script {
    /// So many invokers, with nothing on them.
    fn new(invokers: u32) -> Self {
        let mut script = Self::empty();
        (0..invokers).for_each(|id| script.report(id, &report(1, 0, 1024)));
        script
    }

    fn empty() -> Self {
        let config = BalancerConfig { queue: 2, ..BalancerConfig::default() };
        Self { balancer: Balancer::new(config), now: secs(1), next: 0 }
    }

    fn report(&mut self, id: u32, report: &InvokerReport) {
        self.balancer.invoker(self.now, InvokerId(id), LIFE, report);
    }

    fn request(&mut self, place: u64) -> Request {
        self.next += 1;
        Request {
            activation: ActivationId::from_bits(self.next),
            place,
            memory: 256,
            cpu: None,
            gpu: None,
            tags: vec![],
            deadline: self.now + secs(60),
        }
    }

    fn try_place(&mut self, request: &Request) -> Result<(u32, Reason), Refusal> {
        let choice = self.balancer.place(self.now, request, 0)?;
        assert_eq!(choice.epoch, LIFE);
        Ok((choice.invoker.0, choice.reason))
    }

    /// Places one activation of the action.
    fn place(&mut self, place: u64) -> Result<(u32, Reason), Refusal> {
        let request = self.request(place);
        self.try_place(&request)
    }

    /// Places one activation of the action that needs GPUs.
    fn place_on_gpu(&mut self, place: u64, gpu: GpuLimit) -> Result<(u32, Reason), Refusal> {
        let request = Request { gpu: Some(gpu), ..self.request(place) };
        self.try_place(&request)
    }

    /// Places one activation of the action that wants cores of its own.
    fn place_on_cores(&mut self, place: u64, thousandths: u32) -> Result<(u32, Reason), Refusal> {
        let request = Request { cpu: Some(Cores::from_thousandths(thousandths)), ..self.request(place) };
        self.try_place(&request)
    }

    /// Places so many activations and says where they went.
    fn fill(&mut self, place: u64, count: usize) -> Vec<(u32, Reason)> {
        (0..count).map(|_| self.place(place).expect("there is a place")).collect()
    }

    /// Ends the activation that was placed last.
    fn end(&mut self, invoker: u32, internal_error: bool) {
        let activation = ActivationId::from_bits(self.next);
        let ended = Ended { activation, invoker: InvokerId(invoker), epoch: LIFE, report: 1, internal_error };
        self.balancer.ended(self.now, &ended);
    }

    fn health(&self, id: usize) -> Health {
        self.balancer.states(self.now)[id].state
    }
}

#[test]
fn an_action_goes_home_until_home_is_full_and_then_to_its_next_places_in_order() {
    let mut script = Script::new(4);
    let went = script.fill(ACTION, 12);
    let expected = [(2, Reason::Home), (0, Reason::Spill), (3, Reason::Spill)];
    assert_eq!(went, expected.into_iter().flat_map(|place| [place; 4]).collect::<Vec<_>>());
    let next = script.request(ACTION);
    let last = script.balancer.choose(&next, 0);
    script.balancer.withdraw(ActivationId::from_bits(4));
    assert_eq!(last, Ok((InvokerId(1), Reason::Spill)));
    assert_eq!(script.place(ACTION), Ok((2, Reason::Home)), "home has room again");
}

#[test]
fn a_warm_container_elsewhere_is_better_than_a_cold_one_but_home_is_home() {
    let mut script = Script::new(4);
    script.report(3, &InvokerReport { warm: vec![7, ACTION], ..report(2, 0, 1024) });
    assert_eq!(script.fill(ACTION, 4), [(2, Reason::Home); 4]);
    assert_eq!(script.place(ACTION), Ok((3, Reason::Warm)));
    script.report(3, &InvokerReport { warm: vec![7], ..report(3, 0, 1024) });
    assert_eq!(script.place(ACTION), Ok((0, Reason::Spill)), "it has cooled");
}

#[test]
fn tags_are_all_asked_for_at_once() {
    let mut script = Script::new(3);
    let tagged = |tags: &[&str]| tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>();
    script.report(0, &InvokerReport { tags: tagged(&["gpu"]), ..report(2, 0, 1024) });
    script.report(1, &InvokerReport { tags: tagged(&["arm", "gpu"]), ..report(2, 0, 1024) });
    for action in 0..20 {
        let request = Request { tags: tagged(&["gpu", "arm"]), ..script.request(action) };
        assert_eq!(script.try_place(&request).map(|(invoker, _)| invoker), Ok(1));
        script.balancer.withdraw(request.activation);
    }
    let request = Request { tags: tagged(&["fpga"]), ..script.request(1) };
    assert_eq!(script.try_place(&request), Err(Refusal::NoneFits));
}

#[test]
fn what_nobody_has_memory_for_waits_and_what_no_queue_takes_is_refused() {
    let mut script = Script::new(2);
    script.fill(ACTION, 8);
    let mut waiting = script.fill(ACTION, 4);
    waiting.sort_by_key(|(invoker, _)| *invoker);
    assert_eq!(waiting, [(0, Reason::Queued), (0, Reason::Queued), (1, Reason::Queued), (1, Reason::Queued)]);
    assert_eq!(script.place(ACTION), Err(Refusal::Overloaded));
    script.balancer.withdraw(ActivationId::from_bits(1));
    assert_eq!(script.place(ACTION), Err(Refusal::Overloaded), "those that wait come first");
    let request = Request { memory: 2048, ..script.request(ACTION) };
    assert_eq!(script.try_place(&request), Err(Refusal::NoneFits));
    assert_eq!(Script::empty().place(ACTION), Err(Refusal::NoInvoker));
}

#[test]
fn a_queue_that_others_filled_is_full() {
    let mut script = Script::new(1);
    script.report(0, &InvokerReport { waiting: 2, ..report(2, 9, 0) });
    assert_eq!(script.place(ACTION), Err(Refusal::Overloaded));
    script.report(0, &InvokerReport { waiting: 1, ..report(3, 9, 0) });
    assert_eq!(script.place(ACTION), Ok((0, Reason::Queued)));
    assert_eq!(script.place(ACTION), Err(Refusal::Overloaded));
}

#[test]
fn an_invoker_with_three_internal_errors_rests_and_is_then_tried_again() {
    let mut script = Script::new(4);
    for _ in 0..3 {
        assert_eq!(script.place(ACTION), Ok((2, Reason::Home)));
        script.end(2, true);
    }
    assert_eq!(script.health(2), Health::Unhealthy);
    let states = script.balancer.states(script.now);
    assert_eq!(states[2].reason.as_deref(), Some("3 of its last 3 activations failed inside the platform"));
    assert_eq!(script.place(ACTION), Ok((0, Reason::Home)), "home moves as long as it is sick");
    script.now += secs(10);
    assert_eq!(script.place(ACTION), Ok((2, Reason::Home)));
    assert_eq!(script.health(2), Health::Up);
    script.end(2, true);
    assert_eq!(script.health(2), Health::Unhealthy, "one more is enough");
    assert_eq!(script.place(ACTION), Ok((0, Reason::Home)));
}

#[test]
fn deadlines_that_pass_free_the_memory_and_make_unresponsive() {
    let mut script = Script::new(1);
    script.fill(ACTION, 4);
    script.now += secs(61);
    script.report(0, &report(2, 0, 1024));
    assert_eq!(script.health(0), Health::Unresponsive);
    assert_eq!(script.place(ACTION), Err(Refusal::NoInvoker));
    script.now += secs(10);
    assert_eq!(script.fill(ACTION, 4), [(0, Reason::Home); 4]);
}

#[test]
fn an_unknown_outcome_of_a_publish_keeps_the_memory_until_the_deadline() {
    let mut script = Script::new(1);
    script.fill(ACTION, 3);
    for serial in 2..10 {
        script.report(0, &report(serial, 0, 1024));
    }
    assert_eq!(script.fill(ACTION, 2), [(0, Reason::Home), (0, Reason::Queued)]);
}

#[test]
fn what_an_invoker_says_of_itself_counts() {
    let mut script = Script::new(1);
    let broken = InvokerReport {
        status: Willingness::Unhealthy,
        reason: Some("the engine is away".to_owned()),
        ..report(2, 0, 1024)
    };
    script.report(0, &broken);
    let state = &script.balancer.states(script.now)[0];
    assert_eq!((state.state, state.reason.as_deref()), (Health::Unhealthy, Some("the engine is away")));
    assert_eq!(script.place(ACTION), Err(Refusal::NoInvoker));
    script.report(0, &InvokerReport { status: Willingness::Draining, ..report(3, 0, 1024) });
    assert_eq!(script.health(0), Health::Down);
    script.report(0, &broken);
    assert_eq!(script.health(0), Health::Down, "an older report is nothing new");
}

#[test]
fn the_end_of_a_life_drops_what_was_placed_in_it() {
    let mut script = Script::new(1);
    script.fill(ACTION, 4);
    script.balancer.gone(InvokerId(0), LIFE);
    assert_eq!((script.health(0), script.place(ACTION)), (Health::Down, Err(Refusal::NoInvoker)));
    script.report(0, &report(2, 0, 1024));
    assert_eq!(script.health(0), Health::Down, "a life that has ended does not go on");
    let next = Epoch(2);
    script.balancer.invoker(script.now, InvokerId(0), next, &report(1, 0, 1024));
    script.balancer.gone(InvokerId(0), LIFE);
    script.report(0, &report(3, 0, 0));
    script.end(0, true);
    let states = script.balancer.states(script.now);
    assert_eq!((states[0].epoch, states[0].state), (next, Health::Up), "the past is past");
    let request = script.request(ACTION);
    let choice = script.balancer.place(script.now, &request, 0);
    assert_eq!(choice, Ok(Choice { invoker: InvokerId(0), epoch: next, reason: Reason::Home }));
}

#[test]
fn two_controllers_do_not_count_one_activation_twice() {
    let (mut one, mut other) = (Script::new(1), Script::new(1));
    one.fill(ACTION, 2);
    other.fill(ACTION, 1);
    one.balancer.published(ActivationId::from_bits(1), Position(0));
    other.balancer.published(ActivationId::from_bits(1), Position(1));
    one.balancer.published(ActivationId::from_bits(2), Position(2));
    // The invoker has taken the first of each, and not yet the second of one.
    one.report(0, &report(2, 2, 512));
    other.report(0, &report(2, 2, 512));
    assert_eq!(one.fill(ACTION, 2), [(0, Reason::Home), (0, Reason::Queued)]);
    assert_eq!(other.fill(ACTION, 3), [(0, Reason::Home), (0, Reason::Home), (0, Reason::Queued)]);
}

#[test]
fn what_is_equal_is_shared_equally() {
    let mut script = Script::empty();
    for id in 0..10 {
        let large = InvokerReport { memory_total: 1 << 20, ..report(1, 0, 1 << 20) };
        script.report(id, &large);
    }
    let mut shares = [0; 10];
    for action in 0..5_000_u64 {
        let (invoker, _) = script.place(action.wrapping_mul(0x0000_0100_0000_01b3)).unwrap();
        shares[invoker as usize] += 1;
    }
    let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
    assert!(most * 4 <= least * 5, "{least} to {most}");
}

/// The report of an invoker that has these as well.
fn report_with(serial: u64, taken: u64, thousandths: u32, gpus: Vec<GpuReport>) -> InvokerReport {
    let cores = Cores::from_thousandths(thousandths);
    InvokerReport { cpu_total: cores, cpu_free: cores, gpus, ..report(serial, taken, 1024) }
}

#[test]
fn a_gpu_is_looked_for_where_there_is_one_and_a_free_one_is_better() {
    let mut script = Script::new(4);
    script.report(0, &report_with(2, 0, 0, devices(&[("t4", 1), ("t4", 1)])));
    script.report(1, &report_with(2, 0, 0, devices(&[("a100", 1)])));
    let any = || limit(1.0);
    assert_eq!(script.place_on_gpu(ACTION, any()), Ok((0, Reason::Home)));
    assert_eq!(script.place_on_gpu(ACTION, any()), Ok((0, Reason::Home)));
    assert_eq!(script.place_on_gpu(ACTION, any()), Ok((1, Reason::Spill)));
    assert_eq!(script.place_on_gpu(ACTION, limit_of("a100", 1.0)), Ok((1, Reason::Queued)));
    script.balancer.withdraw(ActivationId::from_bits(1));
    assert_eq!(script.place_on_gpu(ACTION, limit(2.0)), Ok((0, Reason::Queued)), "one of two is free");
    assert_eq!(script.place_on_gpu(ACTION, any()), Ok((0, Reason::Queued)), "that one waits for both");
}

#[test]
fn what_has_no_fitting_gpu_anywhere_is_refused_as_such() {
    let mut script = Script::new(2);
    script.report(0, &report_with(2, 0, 0, devices(&[("t4", 1), ("a100", 1)])));
    assert_eq!(script.place_on_gpu(ACTION, limit_of("h100", 1.0)), Err(Refusal::NoGpu));
    assert_eq!(script.place_on_gpu(ACTION, limit_of("t4", 2.0)), Err(Refusal::NoGpu));
    assert_eq!(script.place_on_gpu(ACTION, limit(3.0)), Err(Refusal::NoGpu));
    let large = Request { memory: 2048, gpu: Some(limit(1.0)), ..script.request(ACTION) };
    assert_eq!(script.try_place(&large), Err(Refusal::NoneFits));
    let tagged = Request { tags: vec!["arm".to_owned()], gpu: Some(limit(1.0)), ..script.request(ACTION) };
    assert_eq!(script.try_place(&tagged), Err(Refusal::NoneFits));
    assert_eq!(script.place_on_gpu(ACTION, limit(2.0)), Ok((0, Reason::Home)));
    let sick =
        InvokerReport { status: Willingness::Unhealthy, ..report_with(3, 0, 0, devices(&[("t4", 1)])) };
    script.report(0, &sick);
    assert_eq!(script.place_on_gpu(ACTION, limit(1.0)), Err(Refusal::NoGpu), "who has one takes no work");
    script.report(0, &report(4, 0, 1024));
    assert_eq!(script.place_on_gpu(ACTION, limit(1.0)), Err(Refusal::NoGpu), "it has none any more");
    script.balancer.gone(InvokerId(0), LIFE);
    script.balancer.gone(InvokerId(1), LIFE);
    assert_eq!(script.place_on_gpu(ACTION, limit(1.0)), Err(Refusal::NoInvoker));
}

#[test]
fn a_gpu_is_reserved_until_a_report_counts_it_and_free_again_when_the_activation_has_ended() {
    let mut script = Script::empty();
    let free = || devices(&[("t4", 1)]);
    let busy = || vec![GpuReport { free: 0, ..free().remove(0) }];
    script.report(0, &report_with(1, 0, 0, free()));
    assert_eq!(script.place_on_gpu(ACTION, limit(1.0)), Ok((0, Reason::Home)));
    script.report(0, &report_with(2, 0, 0, free()));
    assert_eq!(script.place_on_gpu(ACTION, limit(1.0)), Ok((0, Reason::Queued)), "it is still to come");
    script.balancer.withdraw(ActivationId::from_bits(2));
    script.balancer.published(ActivationId::from_bits(1), Position(0));
    script.report(0, &report_with(3, 1, 0, busy()));
    assert_eq!(script.place_on_gpu(ACTION, limit(1.0)), Ok((0, Reason::Queued)), "it is there");
    script.balancer.withdraw(ActivationId::from_bits(3));
    let activation = ActivationId::from_bits(1);
    let ended = Ended { activation, invoker: InvokerId(0), epoch: LIFE, report: 3, internal_error: false };
    script.balancer.ended(script.now, &ended);
    assert_eq!(script.place_on_gpu(ACTION, limit(0.5)), Ok((0, Reason::Home)), "no report says so yet");
    assert_eq!(script.place_on_gpu(ACTION, limit(0.5)), Ok((0, Reason::Queued)), "it is not shared");
}

#[test]
fn shares_of_one_device_are_as_many_as_its_ways() {
    let mut script = Script::empty();
    script.report(0, &report_with(1, 0, 0, devices(&[("t4", 4), ("t4", 4)])));
    let mut place = |gpu| script.place_on_gpu(ACTION, limit(gpu)).map(|(_, reason)| reason);
    assert_eq!([place(0.25), place(0.5), place(1.0)], [Ok(Reason::Home); 3]);
    assert_eq!(place(0.5), Ok(Reason::Queued));
}

#[test]
fn cores_are_counted_like_memory() {
    let mut script = Script::new(3);
    script.report(0, &report_with(2, 0, 2000, vec![]));
    script.report(1, &report_with(2, 0, 1500, vec![]));
    assert_eq!(script.place_on_cores(ACTION, 1500), Ok((0, Reason::Home)));
    assert_eq!(script.place_on_cores(ACTION, 1100), Ok((1, Reason::Spill)));
    assert_eq!(script.place_on_cores(ACTION, 500), Ok((0, Reason::Home)));
    assert_eq!(script.place_on_cores(ACTION, 1), Ok((1, Reason::Spill)));
    assert_eq!(script.place_on_cores(ACTION, 500).map(|(_, reason)| reason), Ok(Reason::Queued));
    assert_eq!(script.place_on_cores(ACTION, 2100), Err(Refusal::NoneFits));
    assert_eq!(script.place(ACTION), Ok((2, Reason::Home)), "who asks for none shares what there is");
    script.balancer.withdraw(ActivationId::from_bits(1));
    script.balancer.withdraw(ActivationId::from_bits(5));
    assert_eq!(script.place_on_cores(ACTION, 1500), Ok((0, Reason::Home)));
}

#[test]
fn what_has_to_leave_home_and_needs_no_gpu_goes_to_hosts_without_first() {
    let mut script = Script::new(4);
    script.report(0, &report_with(2, 0, 0, devices(&[("t4", 1)])));
    let went = script.fill(ACTION, 16);
    let expected = [(2, Reason::Home), (3, Reason::Spill), (1, Reason::Spill), (0, Reason::Spill)];
    assert_eq!(went, expected.into_iter().flat_map(|place| [place; 4]).collect::<Vec<_>>());
}
