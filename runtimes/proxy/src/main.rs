//! The program `whirl-action-proxy`: reads its settings and serves until told to stop. All work is in the library.

use whirl_action_proxy::{Settings, serve};

fn main() -> anyhow::Result<()> {
    let settings = Settings::read(std::env::args_os().skip(1), |name| std::env::var_os(name))?;
    serve(&settings)?;
    Ok(())
}
