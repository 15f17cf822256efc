//! Brings firewall rules into the kernel and out again, by the programs of iptables.

use std::io;
use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::firewall::{Firewall, PARENTS};

/// Why the rules could not be changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum IptablesError {
    /// The program cannot be started.
    #[error("cannot run '{command}'")]
    Run {
        command: String,
        #[source]
        source: io::Error,
    },
    /// It refused.
    #[error("'{command}' says: {message}")]
    Refused { command: String, message: String },
}

/// Sets the firewall up. Done again, it changes nothing.
pub(super) async fn apply(firewall: &Firewall) -> Result<(), IptablesError> {
    run("iptables-restore", &["--noflush", "--wait"], &firewall.script()).await?;
    for parent in PARENTS {
        let listing = iptables(&format!("-S {parent}")).await?;
        let jumps = firewall.jumps(parent, &listing);
        // The new one first, so that there is no moment without.
        if !jumps.contains(&firewall.jump.as_str()) {
            iptables(&format!("-I {parent} 1 {}", firewall.jump)).await?;
        }
        for stale in jumps.iter().filter(|jump| **jump != firewall.jump) {
            iptables(&format!("-D {parent} {stale}")).await?;
        }
    }
    Ok(())
}

/// Takes the firewall down, as far as it is there.
pub(super) async fn remove(firewall: &Firewall) -> Result<(), IptablesError> {
    for parent in PARENTS {
        let listing = iptables(&format!("-S {parent}")).await?;
        for jump in firewall.jumps(parent, &listing) {
            iptables(&format!("-D {parent} {jump}")).await?;
        }
    }
    let chain = &firewall.chain;
    if iptables(&format!("-S {chain}")).await.is_err() {
        return Ok(());
    }
    iptables(&format!("-F {chain}")).await?;
    iptables(&format!("-X {chain}")).await?;
    Ok(())
}

async fn iptables(arguments: &str) -> Result<String, IptablesError> {
    let arguments: Vec<&str> = ["--wait"].into_iter().chain(arguments.split(' ')).collect();
    run("iptables", &arguments, "").await
}

async fn run(program: &str, arguments: &[&str], input: &str) -> Result<String, IptablesError> {
    let command = || format!("{program} {}", arguments.join(" "));
    let Output { status, stdout, stderr } = start(program, arguments, input)
        .await
        .map_err(|source| IptablesError::Run { command: command(), source })?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&stderr).trim().to_owned();
    Err(IptablesError::Refused { command: command(), message })
}

async fn start(program: &str, arguments: &[&str], input: &str) -> io::Result<Output> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).await?;
    }
    child.wait_with_output().await
}
