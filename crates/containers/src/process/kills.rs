//! How many processes of this host the kernel has killed for want of memory. Whose they were it does not count.

/// The number since the host was started, if the kernel tells.
pub(super) fn of_host() -> Option<u64> {
    kills(&std::fs::read_to_string("/proc/vmstat").ok()?)
}

fn kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_among_the_others() {
        assert_eq!(kills("pgfault 7\noom_kill 3\nnuma_hit 9\n"), Some(3));
        assert_eq!(kills("oom_killer 3\n"), None);
    }
}
