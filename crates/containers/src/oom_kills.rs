//! The kernel's count of processes that it killed for want of memory, as its files tell it: of a control group in either
//! version, or of the host.

/// The number, if the text has one.
pub(crate) fn count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// Of this host since it was started, whosever they were, if the kernel tells.
pub(crate) fn of_host() -> Option<u64> {
    count(&std::fs::read_to_string("/proc/vmstat").ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read() {
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), Some(3));
        assert_eq!(count("low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n"), Some(1));
        assert_eq!(count("low 0\n"), None);
    }

    #[test]
    fn the_count_is_found_among_the_others() {
        assert_eq!(count("pgfault 7\noom_kill 3\nnuma_hit 9\n"), Some(3));
        assert_eq!(count("oom_killer 3\n"), None);
    }
}
