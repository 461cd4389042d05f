//! The base images that `deploy/Containerfile` begins with, made here: Debian by debootstrap, with this machine's Rust and Node.js.
//! No registry of images is asked. A compiler runs inside them, as it would in the real ones.

use super::sandbox::Sandbox;
use crate::command;
use anyhow::{Context as _, ensure};
use machine::environment::Environment;
use machine::{say, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release of Debian that the images' names say.
const RELEASE: &str = "bookworm";

/// What a build needs of it, and what the images take from it.
const PACKAGES: &str = "ca-certificates,gcc,g++,make,libc6-dev,pkg-config,libssl-dev,zlib1g-dev";

/// The names in `deploy/images.env`.
const VARIABLES: [&str; 2] = ["RUST_IMAGE", "NODE_IMAGE"];

/// The authorities that Debian's programs trust.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

/// Variables of the images.
const ENVIRONMENT: [&str; 3] = [
    "PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "CARGO_HOME=/usr/local/cargo",
    "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt",
];

/// Makes them, unless they were made before.
pub(super) fn make(sandbox: &Sandbox, environment: &Environment, anew: bool) -> anyhow::Result<()> {
    let names = names()?;
    let is_there = |name: &String| {
        command::said(sandbox.podman().args(["image", "exists", name])).is_ok_and(|said| said.succeeded)
    };
    if !anew && names.iter().all(is_there) {
        return Ok(());
    }
    let folder = workspace::target().join("images").join("base");
    remove(&folder)?;
    command::shown(
        Command::new("debootstrap")
            .args(["--variant=minbase", &format!("--include={PACKAGES}"), RELEASE])
            .arg(&folder),
    )?;
    add_rust(&folder)?;
    add_node(&folder, environment)?;
    trust(&folder, environment)?;
    import(sandbox, &folder, &names)?;
    remove(&folder)
}

/// Removes the base's folder, and nothing that an interrupted debootstrap has left mounted in it.
fn remove(folder: &Path) -> anyhow::Result<()> {
    command::output(Command::new("rm").args(["-rf", "--one-file-system"]).arg(folder)).map(drop)
}

/// What the Containerfile calls its base images.
fn names() -> anyhow::Result<Vec<String>> {
    let text = workspace::deploy_file("images.env")?;
    let name = |variable: &str| {
        let named = text.lines().find_map(|line| line.strip_prefix(variable)?.strip_prefix('='));
        named.map(str::to_owned).with_context(|| format!("images.env has no {variable}"))
    };
    VARIABLES.into_iter().map(name).collect()
}

/// The toolchain that has built this program.
fn add_rust(base: &Path) -> anyhow::Result<()> {
    let sysroot = command::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let rust = base.join("usr/local/rust");
    std::fs::create_dir_all(&rust)?;
    for part in ["bin", "lib"] {
        copy(&Path::new(sysroot.trim()).join(part), &rust.join(part))?;
    }
    Ok(())
}

fn add_node(base: &Path, environment: &Environment) -> anyhow::Result<()> {
    let node = real(environment, "node")?;
    say::line(format_args!("Node.js is this machine's, {}", node.display()));
    copy(&node, &base.join("usr/local/bin/node"))?;
    // It is `<npm's folder>/bin/npm-cli.js`.
    let npm = real(environment, "npm")?;
    let folder = npm.ancestors().nth(2).context("npm is in no folder of its own")?;
    let modules = base.join("usr/local/lib/node_modules");
    std::fs::create_dir_all(&modules)?;
    copy(folder, &modules.join("npm"))?;
    std::os::unix::fs::symlink("../lib/node_modules/npm/bin/npm-cli.js", base.join("usr/local/bin/npm"))?;
    Ok(())
}

fn real(environment: &Environment, program: &str) -> anyhow::Result<PathBuf> {
    let path = environment.find(program).with_context(|| format!("there is no {program}"))?;
    path.canonicalize().with_context(|| format!("{} leads nowhere", path.display()))
}

/// The authorities that this machine trusts: its way to the registries of packages may have one of its own.
fn trust(base: &Path, environment: &Environment) -> anyhow::Result<()> {
    let named = environment.passed_on.iter().find(|(name, _)| name == "SSL_CERT_FILE");
    let authorities = named.map_or_else(|| Path::new("/").join(AUTHORITIES), |(_, path)| path.into());
    std::fs::copy(&authorities, base.join(AUTHORITIES))
        .with_context(|| format!("{} can't be copied", authorities.display()))?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    command::output(Command::new("cp").arg("-a").arg(from).arg(to)).map(drop)
}

fn import(sandbox: &Sandbox, folder: &Path, names: &[String]) -> anyhow::Result<()> {
    let archive = folder.with_extension("tar");
    let mut tar = Command::new("tar");
    tar.arg("-cf").arg(&archive).arg("-C").arg(folder);
    // Devices are the runtime's.
    command::shown(tar.args([
        "--exclude=./dev/*",
        "--exclude=./proc/*",
        "--exclude=./var/cache/apt/*",
        ".",
    ]))?;
    let changes = ENVIRONMENT.iter().flat_map(|variable| ["--change".into(), format!("ENV {variable}")]);
    let (first, others) = names.split_first().context("there are no names")?;
    command::output(sandbox.podman().arg("import").args(changes).arg(&archive).arg(first))?;
    for other in others {
        command::output(sandbox.podman().args(["tag", first, other]))?;
    }
    std::fs::remove_file(&archive)?;
    let listed = command::output(sandbox.podman().args(["image", "exists", first]));
    ensure!(listed.is_ok(), "podman has imported no {first}");
    Ok(())
}
