//! Paths: the checkout, and the state under its `target/`.

use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long logs of earlier runs are kept.
const RUNS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The root of the checkout this program was built from.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("stack/machine/ lies in the checkout")
}

/// The folder of everything that is made here.
#[must_use]
pub fn target() -> PathBuf {
    root().join("target")
}

/// The file in which stories write how long each took: `name<tab>seconds`, a line each.
#[must_use]
pub fn story_times() -> PathBuf {
    target().join("story-times.tsv")
}

/// A file of `deploy/`, as text.
///
/// # Errors
/// When it can't be read.
pub fn deploy_file(name: &str) -> anyhow::Result<String> {
    let path = root().join("deploy").join(name);
    std::fs::read_to_string(&path).with_context(|| format!("{} can't be read", path.display()))
}

/// A fresh folder for one run's state and logs, `target/runs/<purpose>-<process id>-<number>`. Folders of runs older
/// than a day are removed.
///
/// # Errors
/// When it can't be made.
pub fn new_run(purpose: &str) -> anyhow::Result<PathBuf> {
    let runs = target().join("runs");
    remove_old(&runs);
    let unique = format!("{purpose}-{}-{}", std::process::id(), next_number());
    let run = runs.join(unique);
    std::fs::create_dir_all(&run).with_context(|| format!("{} can't be created", run.display()))?;
    Ok(run)
}

/// A number that no other caller in this process gets.
#[must_use]
pub fn next_number() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// Best effort: an old log that remains does no harm.
fn remove_old(runs: &Path) {
    let Ok(entries) = std::fs::read_dir(runs) else { return };
    for entry in entries.flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        if age.is_some_and(|age| age > RUNS_KEPT) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
