//! How a container is, of what the kernel counted and what the engine says. Asks neither of them itself.

use bollard::models::ContainerState as Told;

use super::cgroup::Kills;
use crate::factory::ContainerState;

/// The exit code of a container whose first process was killed by SIGKILL, by the kernel or by anybody else.
const EXIT_BY_SIGKILL: i64 = 137;

/// What the kernel alone decides, by its count of kills and whether the first process has ended. `None` where the engine
/// has to be asked.
pub(super) fn by_the_kernel(kills: Kills, has_ended: bool) -> Option<ContainerState> {
    match kills {
        Kills::New => Some(ContainerState::OutOfMemory),
        Kills::NoneNew if has_ended => Some(ContainerState::Ended),
        Kills::NoneNew | Kills::Untold { .. } => None,
    }
}

/// How the container is, if the kernel alone does not decide. Where it does not count, the engine's word for it is taken,
/// unless that may be of a kill that the container survived: the engine never forgets one. That it was killed is no
/// sign: anybody can do that.
pub(super) fn state(kills: Kills, told: &Told) -> ContainerState {
    let says_so = told.oom_killed == Some(true);
    match kills {
        Kills::Untold { old: false } if says_so => ContainerState::OutOfMemory,
        _ if told.running == Some(true) => ContainerState::Running,
        _ => ContainerState::Ended,
    }
}

/// Whether a container was killed and nobody knows by whom.
pub(super) fn is_riddle(kills: Kills, told: &Told) -> bool {
    matches!(kills, Kills::Untold { .. }) && told.exit_code == Some(EXIT_BY_SIGKILL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(running: bool, oom_killed: bool) -> Told {
        let exit_code = (!running).then_some(EXIT_BY_SIGKILL);
        Told { running: Some(running), oom_killed: Some(oom_killed), exit_code, ..Told::default() }
    }

    #[test]
    fn the_kernels_count_goes_before_the_engines_word() {
        for oom_killed in [false, true] {
            for (running, alive) in [(true, ContainerState::Running), (false, ContainerState::Ended)] {
                assert_eq!(state(Kills::NoneNew, &told(running, oom_killed)), alive);
                assert_eq!(state(Kills::Untold { old: true }, &told(running, oom_killed)), alive);
            }
        }
    }

    #[test]
    fn a_kill_that_the_kernel_counted_needs_no_engine() {
        for has_ended in [false, true] {
            assert_eq!(by_the_kernel(Kills::New, has_ended), Some(ContainerState::OutOfMemory));
        }
        assert_eq!(by_the_kernel(Kills::NoneNew, true), Some(ContainerState::Ended));
        assert_eq!(by_the_kernel(Kills::NoneNew, false), None);
        assert_eq!(by_the_kernel(Kills::Untold { old: false }, true), None);
    }

    #[test]
    fn where_nobody_counts_the_engine_is_believed_and_a_kill_alone_is_no_sign() {
        let untold = Kills::Untold { old: false };
        assert_eq!(state(untold, &told(false, true)), ContainerState::OutOfMemory);
        assert_eq!(state(untold, &told(false, false)), ContainerState::Ended);
        assert_eq!(state(untold, &told(true, false)), ContainerState::Running);
        assert!(is_riddle(untold, &told(false, false)) && !is_riddle(Kills::NoneNew, &told(false, false)));
    }
}
