//! Who gets which GPU.

use super::*;

const WHOLE: GpuAmount = GpuAmount::Devices(1);

#[test]
fn a_container_gets_the_devices_that_it_asked_for_and_others_none() {
    let mut s = Script::with_gpus(&[device("0", "a10", 1), device("1", "h100", 1), device("2", "h100", 1)]);
    let two = gpu_stem(GpuAmount::Devices(2), Some("h100"));
    assert_eq!(s.arrives(request(1, "none")), [start(0, &stem(256))]);
    assert_eq!(s.arrives(request_of(2, "a", &two)), [start_with(1, &two, &["1", "2"])]);
    let any = gpu_stem(WHOLE, None);
    assert_eq!(s.arrives(request_of(3, "b", &any)), [start_with(2, &any, &["0"])]);
}

#[test]
fn a_whole_device_is_nobody_elses() {
    let mut s = Script::with_gpus(&[device("0", "a10", 4)]);
    let (whole, share) = (gpu_stem(WHOLE, None), gpu_stem(GpuAmount::Share(4), None));
    s.cold(0, request_of(1, "a", &whole));
    assert_eq!(s.arrives(request_of(2, "b", &share)), []);
    assert_eq!(s.arrives(request(3, "c")), [start(1, &stem(256))], "who needs no GPU does not wait for one");
    assert_eq!(s.ends(0), [destroy(0)]);
    assert_eq!(s.removed(0), [start_with(2, &share, &["0"])]);
}

#[test]
fn shares_go_where_shares_are_so_that_whole_devices_stay_free() {
    let mut s = Script::with_gpus(&[device("0", "a10", 1), device("1", "a10", 4), device("2", "a10", 2)]);
    let (half, quarter) = (gpu_stem(GpuAmount::Share(2), None), gpu_stem(GpuAmount::Share(4), None));
    assert_eq!(s.arrives(request_of(1, "a", &quarter)), [start_with(0, &quarter, &["2"])]);
    assert_eq!(s.arrives(request_of(2, "b", &quarter)), [start_with(1, &quarter, &["2"])]);
    assert_eq!(s.arrives(request_of(3, "c", &half)), [start_with(2, &half, &["1"])]);
    let whole = gpu_stem(WHOLE, None);
    assert_eq!(s.arrives(request_of(4, "d", &whole)), [start_with(3, &whole, &["0"])]);
}

#[test]
fn a_share_of_a_device_that_is_not_shared_is_all_of_it() {
    let mut s = Script::with_gpus(&[device("0", "a10", 1)]);
    let quarter = gpu_stem(GpuAmount::Share(4), None);
    assert_eq!(s.arrives(request_of(1, "a", &quarter)), [start_with(0, &quarter, &["0"])]);
    assert_eq!(s.arrives(request_of(2, "b", &quarter)), []);
}

#[test]
fn a_share_is_rounded_up_to_slots() {
    let mut s = Script::with_gpus(&[device("0", "a10", 3)]);
    let half = gpu_stem(GpuAmount::Share(2), None);
    assert_eq!(s.arrives(request_of(1, "a", &half)), [start_with(0, &half, &["0"])]);
    assert_eq!(s.pool.status().gpus[0].free, 1);
    assert_eq!(s.arrives(request_of(2, "b", &half)), []);
}

#[test]
fn for_a_gpu_those_go_who_have_one_however_lately_they_were_used() {
    let mut s = Script::with_gpus(&[device("0", "a10", 1)]);
    let whole = gpu_stem(WHOLE, None);
    s.warm(0, request(1, "old"));
    s.now = secs(1);
    s.warm(1, request_of(2, "a", &whole));
    assert_eq!(s.arrives(request_of(3, "b", &whole)), [destroy(1)]);
    assert_eq!(s.arrives(request_of(4, "c", &whole)), [], "one after the other");
}

#[test]
fn for_a_gpu_and_memory_the_one_with_the_gpu_goes_first() {
    let config = PoolConfig { memory: 512, gpus: vec![device("0", "a10", 1)], ..PoolConfig::default() };
    let mut s = Script::new(config);
    let whole = gpu_stem(WHOLE, None);
    s.warm(0, request(1, "old"));
    s.now = secs(1);
    s.warm(1, request_of(2, "a", &whole));
    assert_eq!(s.arrives(request_of(3, "b", &whole)), [destroy(1)], "its memory is enough as well");
}

#[test]
fn nobody_goes_for_a_gpu_whose_removal_would_free_none_of_the_class() {
    let mut s = Script::with_gpus(&[device("0", "a10", 1), device("1", "h100", 1)]);
    s.warm(0, request_of(1, "a", &gpu_stem(WHOLE, Some("a10"))));
    s.cold(1, request_of(2, "b", &gpu_stem(WHOLE, Some("h100"))));
    assert_eq!(s.arrives(request_of(3, "c", &gpu_stem(WHOLE, Some("h100")))), []);
    assert_eq!(s.count("idle"), 1);
}

#[test]
fn only_those_shares_go_that_free_a_whole_device() {
    let mut s = Script::with_gpus(&[device("0", "a10", 2), device("1", "a10", 2)]);
    let (half, whole) = (gpu_stem(GpuAmount::Share(2), None), gpu_stem(WHOLE, None));
    for id in 0..3 {
        s.now = secs(id);
        s.cold(id, request_of(id.into(), "a", &half));
    }
    for id in 0..3 {
        s.now = secs(10 + id);
        s.ends(id);
    }
    // The first two share a device, the third has its own: one is enough.
    assert_eq!(s.arrives(request_of(9, "b", &whole)), [destroy(0), destroy(1)]);
}

#[test]
fn a_gpu_counts_until_the_removal_is_confirmed() {
    let mut s = Script::with_gpus(&[device("0", "a10", 1)]);
    let whole = gpu_stem(WHOLE, None);
    s.cold(0, request_of(1, "a", &whole));
    s.breaks(0);
    assert_eq!(s.arrives(request_of(2, "b", &whole)), []);
    assert_eq!(s.pool.status().gpus[0].free, 0);
    assert_eq!(s.removed(0), [start_with(1, &whole, &["0"])]);
}

#[test]
fn a_start_that_fails_gives_its_gpu_back() {
    let mut s = Script::with_gpus(&[device("0", "a10", 1)]);
    let whole = gpu_stem(WHOLE, None);
    s.arrives(request_of(1, "a", &whole));
    s.start_fails(0);
    assert_eq!(s.arrives(request_of(2, "b", &whole)), [start_with(1, &whole, &["0"])]);
}

#[test]
fn idle_containers_with_gpus_are_kept_for_a_shorter_time() {
    let mut s = Script::with_gpus(&[device("0", "a10", 1)]);
    s.warm(0, request(1, "a"));
    s.warm(1, request_of(2, "b", &gpu_stem(WHOLE, None)));
    assert_eq!(s.at(secs(10)), [pause(0), pause(1)]);
    s.paused(0);
    assert_eq!(s.raw(Event::Paused(ContainerId(1))), [Effect::WakeAt(secs(60))]);
    assert_eq!(s.at(secs(60)), [destroy(1)]);
}

#[test]
fn who_waits_for_a_gpu_is_not_overtaken_by_who_wants_the_same() {
    let mut s = Script::with_gpus(&[device("0", "a10", 2), device("1", "h100", 1)]);
    s.cold(0, request_of(1, "a", &gpu_stem(GpuAmount::Share(2), Some("a10"))));
    assert_eq!(s.arrives(request_of(2, "b", &gpu_stem(WHOLE, Some("a10")))), []);
    assert_eq!(s.arrives(request_of(3, "c", &gpu_stem(GpuAmount::Share(2), Some("a10")))), []);
    let other = gpu_stem(WHOLE, Some("h100"));
    assert_eq!(s.arrives(request_of(4, "d", &other)), [start_with(1, &other, &["1"])]);
}

#[test]
fn warm_calls_elsewhere_do_not_count_as_passing_by_who_waits_for_a_gpu() {
    let config = PoolConfig { max_bypass: 1, gpus: vec![device("0", "a10", 1)], ..PoolConfig::default() };
    let mut s = Script::new(config);
    s.warm(0, request(1, "a"));
    s.cold(1, request_of(2, "b", &gpu_stem(WHOLE, None)));
    s.arrives(request_of(3, "c", &gpu_stem(WHOLE, None)));
    for n in 4..9 {
        assert_eq!(s.arrives(request(n, "a")), [run(0, n)]);
        s.ends(0);
    }
}
