//! `nvidia-smi`, for hosts where the program can be run and the library cannot be loaded.

use std::ffi::OsStr;
use std::process::Stdio;

use tokio::process::Command;
use tokio::time::timeout;
use whirl_model::GpuDevice;

use super::{Error, PATIENCE, device};

const ARGUMENTS: [&str; 2] = ["--query-gpu=uuid,name,memory.total", "--format=csv,noheader,nounits"];

/// All devices that the program lists.
pub(super) async fn list(program: &OsStr) -> Result<Vec<GpuDevice>, Error> {
    let asked = Command::new(program).args(ARGUMENTS).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(PATIENCE, asked).await??;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(Error::Refused(String::from_utf8_lossy(&said).trim().to_owned()));
    }
    Ok(devices(&String::from_utf8_lossy(&output.stdout)))
}

/// What the lines `UUID, NAME, MEBIBYTES` list. The last is no number where the driver cannot tell.
fn devices(text: &str) -> Vec<GpuDevice> {
    let line = |line: &str| {
        let (uuid, rest) = line.split_once(',')?;
        let (model, mebibytes) = rest.rsplit_once(',')?;
        let uuid = uuid.trim();
        let told = uuid.starts_with("GPU-");
        told.then(|| device(uuid, model.trim(), mebibytes.trim().parse().unwrap_or(0)))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Runs a script in the program's place.
    async fn with_script(body: &str) -> Result<Vec<GpuDevice>, Error> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("nvidia-smi");
        fs::write(&program, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        loop {
            match list(program.as_os_str()).await {
                // A process that another test started meanwhile holds the file open until it runs its own program.
                Err(Error::NvidiaSmi(why)) if why.kind() == ErrorKind::ExecutableFileBusy => {}
                told => return told,
            }
        }
    }

    #[tokio::test]
    async fn the_programs_list_is_read_and_its_failures_told() {
        let script = r#"
[ "$1 $2" = "--query-gpu=uuid,name,memory.total --format=csv,noheader,nounits" ] || exit 2
cat <<END
GPU-6a8d1c7e-0000-0000-0000-000000000001, NVIDIA H100 80GB HBM3, 81559
GPU-6a8d1c7e-0000-0000-0000-000000000002, Tesla T4, 15360
GPU-6a8d1c7e-0000-0000-0000-000000000003, NVIDIA GB10, [N/A]
[Unknown Error], [Unknown Error], [Unknown Error]
END"#;
        let found = with_script(script).await.unwrap();
        let found: Vec<_> =
            found.iter().map(|gpu| (gpu.model.as_str(), gpu.class.as_str(), gpu.memory, gpu.ways)).collect();
        assert_eq!(
            found,
            [
                ("NVIDIA H100 80GB HBM3", "h100", 81_559, 1),
                ("Tesla T4", "t4", 15_360, 1),
                ("NVIDIA GB10", "gb10", 0, 1)
            ]
        );

        let refused = with_script("echo 'NVIDIA-SMI has failed'; exit 9").await.unwrap_err();
        assert_eq!(refused.to_string(), "nvidia-smi failed: NVIDIA-SMI has failed");
        let missing = list("/nonexistent/nvidia-smi".as_ref()).await.unwrap_err();
        assert!(matches!(missing, Error::NvidiaSmi(_)), "{missing}");
        assert_eq!(with_script("exit 0").await.unwrap(), []);
    }
}
