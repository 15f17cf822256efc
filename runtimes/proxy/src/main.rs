//! The program `whirl-action-proxy`: reads its settings and serves until told to stop. All work is in the library.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use whirl_action_proxy::{Settings, serve};

fn main() -> anyhow::Result<()> {
    // The action runs as the same user. It is to reach neither this process's memory nor its files.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let settings = Settings::read(std::env::args_os().skip(1), |name| std::env::var_os(name))?;
    serve(&settings)?;
    Ok(())
}
