//! What the pool says of itself.

use whirl_model::Cores;
use whirl_model::health::placement_hash;

use super::*;

#[test]
fn the_load_follows_what_runs_and_waits_and_what_is_idle_is_free() {
    let mut s = Script::with_memory(1024);
    s.warm(0, request(1, "a"));
    s.now = secs(1);
    s.warm(1, request(2, "b"));
    let hash = |action| placement_hash(&request(0, action).key.namespace, &DocId::from(action));
    let idle = s.pool.load();
    assert_eq!((idle.memory_total, idle.memory_free, idle.running), (1024, 1024, 0));
    assert_eq!(idle.warm, [hash("b"), hash("a")]);
    s.arrives(request(3, "a"));
    s.arrives(request_of(4, "c", &stem(512)));
    let busy = s.pool.load();
    assert_eq!((busy.memory_free, busy.running, busy.waiting), (256, 1, 1));
    assert_eq!(busy.warm, [hash("b")]);
    s.condemned(1);
    assert_eq!(s.pool.load().memory_free, 0, "what is being removed is not free yet");
    s.removed(1);
    assert_eq!(s.pool.load().memory_free, 256);
}

#[test]
fn cores_and_gpus_are_counted_like_the_memory() {
    let gpu = Some(GpuLimit { amount: GpuAmount::Share(2), class: None });
    let own = Arc::new(Stem { cpu: Some(Cores::from_thousandths(500)), gpu, ..(*stem(256)).clone() });
    let mut s = Script::with_gpus(&[device("0", "a10", 4), device("1", "h100", 1)]);
    let free = |s: &Script| {
        let load = s.pool.load();
        (load.cpu_free.thousandths(), load.gpus.iter().map(|gpu| gpu.free).collect::<Vec<_>>())
    };
    assert_eq!(free(&s), (2000, vec![4, 1]));
    s.cold(0, request_of(1, "a", &own));
    assert_eq!(free(&s), (1500, vec![2, 1]));
    s.ends(0);
    assert_eq!(free(&s), (2000, vec![4, 1]), "an idle container's are free");
    let status = s.pool.status();
    assert_eq!((status.cpu_used.thousandths(), status.gpus[0].free), (500, 2), "but they are in use");
    s.condemned(0);
    assert_eq!(free(&s), (1500, vec![2, 1]), "one that is being removed has them still");
}

#[test]
fn what_waits_for_gpus_needs_them() {
    let mut s = Script::with_gpus(&[device("0", "a10", 4), device("1", "h100", 1)]);
    s.cold(0, request_of(1, "a", &gpu_stem(GpuAmount::Share(4), Some("a10"))));
    s.arrives(request_of(2, "b", &gpu_stem(GpuAmount::Devices(1), Some("a10"))));
    let free: Vec<u32> = s.pool.load().gpus.iter().map(|gpu| gpu.free).collect();
    assert_eq!(free, [0, 1]);
}
