//! What can never run is told at once.

use whirl_model::Cores;

use super::*;

fn refused(s: &mut Script, stem: &Arc<Stem>) -> Rejection {
    match s.raw(Event::Arrived(request_of(1, "a", stem))).as_slice() {
        [Effect::Reject(_, rejection), Effect::GrantCredit(1)] => rejection.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn more_memory_than_there_is() {
    let mut s = Script::with_memory(256);
    assert_eq!(refused(&mut s, &stem(512)), Rejection::TooLarge { needs: 512, has: 256 });
}

#[test]
fn more_cores_than_there_are() {
    let mut s = Script::with_memory(256);
    let [needs, has] = [2001, 2000].map(Cores::from_thousandths);
    let stem = Arc::new(Stem { cpu: Some(needs), ..(*stem(256)).clone() });
    assert_eq!(refused(&mut s, &stem), Rejection::TooManyCores { needs, has });
}

#[test]
fn gpus_that_the_host_does_not_have() {
    let gpus = [device("0", "h100", 1), device("1", "a10", 4)];
    for (gpus, amount, class) in [
        (&[][..], GpuAmount::Devices(1), None),
        (&[], GpuAmount::Share(4), None),
        (&gpus, GpuAmount::Devices(3), None),
        (&gpus, GpuAmount::Devices(2), Some("a10")),
        (&gpus, GpuAmount::Share(2), Some("l4")),
    ] {
        let stem = gpu_stem(amount, class);
        let rejection = refused(&mut Script::with_gpus(gpus), &stem);
        assert_eq!(rejection, Rejection::NoGpu(stem.gpu.clone().unwrap()));
    }
}
