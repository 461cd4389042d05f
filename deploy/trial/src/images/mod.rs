//! `cargo xtask images`: the images of `deploy/Containerfile`, built and run.
//!
//! ```text
//! sandbox    where buildah and podman work
//! base       the base images, made here of Debian's packages and this machine's toolchains
//! built      an image: how it is built, how large it is, what it says of itself
//! container  an image that runs, and what may be said of its process
//! life       all of them on real servers, from the migration to SIGTERM
//! compose    deploy/compose.yaml, by the schema of the Compose specification
//! ```

mod base;
mod built;
mod compose;
mod container;
mod life;
mod sandbox;

use crate::command;
use crate::steps::Steps;
use built::Image;
use machine::environment::Environment;
use machine::workspace;
use sandbox::Sandbox;
use std::process::ExitCode;

/// What builds and runs images, as Debian's packages have it.
const PROGRAMS: [&str; 8] = ["buildah", "podman", "crun", "debootstrap", "unshare", "nsenter", "node", "npm"];

/// Options of `cargo xtask images`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// How images are stored: `vfs` where the file system takes no overlay
    #[arg(long, default_value = "overlay")]
    storage_driver: String,
    /// Make the base images anew
    #[arg(long)]
    new_base: bool,
}

/// Tries the images, and ends with a table.
///
/// # Errors
/// When the trial itself can't go on.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let environment = Environment::read();
    let mut steps = Steps::default();
    match lacking(&environment) {
        Some(why) => steps.skip("images", why),
        None => try_images(&options, &environment, &mut steps).await?,
    }
    match command::missing(&environment, &["go"])[..] {
        [] => _ = steps.take("compose.yaml by the specification's schema", compose::check()),
        _ => steps.skip("compose.yaml by the specification's schema", "go is not installed"),
    }
    Ok(steps.end())
}

/// Why images can't be tried here.
fn lacking(environment: &Environment) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root may make a base and a mount namespace".into());
    }
    match command::missing(environment, &PROGRAMS)[..] {
        [] => None,
        ref missing => Some(format!(
            "{} is not installed (Debian: apt-get install buildah podman crun debootstrap)",
            missing.join(", ")
        )),
    }
}

async fn try_images(options: &Options, environment: &Environment, steps: &mut Steps) -> anyhow::Result<()> {
    let run = workspace::new_run("images")?;
    let sandbox = Sandbox::open(&run, &options.storage_driver, environment)?;
    if !steps.take("base images", base::make(&sandbox, environment, options.new_base)) {
        return Ok(());
    }
    for image in Image::ALL {
        if !steps.take(format!("{image}: built"), image.build(&sandbox)) {
            return Ok(());
        }
        steps.take(format!("{image}: at most {} MB", built::BYTES_MAX / 1_000_000), image.size(&sandbox));
        steps.take(format!("{image}: says what it is"), image.says_what_it_is(&sandbox));
    }
    life::run(&sandbox, environment, steps).await
}
