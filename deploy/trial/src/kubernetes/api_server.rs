//! A real kube-apiserver with etcd. It takes all rendered files in a dry run: defaults, validation and admission are its own.

use super::chart::{NAMESPACE, Rendered};
use super::tools::{DEFINED, FOREIGN, KUBERNETES};
use crate::command;
use crate::go::{self, Module};
use crate::steps::Steps;
use anyhow::{Context as _, ensure};
use machine::environment::Environment;
use machine::say;
use stack::port;
use stack::run::process::Process;
use stack::run::program::Program;
use stack::wait::{self, Seen};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long the server may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(90);

/// What the strictest of Kubernetes' own policies for pods says of one that breaks it.
const PODS: &str = "violates PodSecurity";

/// A pod that gives up no right.
const FORBIDDEN: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: forbidden\nspec:\n  \
                         containers: [{ name: c, image: i }]\n";

/// A running server, and how it is asked. It ends with us.
struct ApiServer {
    // In the order in which they end.
    server: Process,
    _etcd: Process,
    config: PathBuf,
}

/// Takes all steps that need a server.
pub(super) async fn try_all(
    rendered: &[Rendered],
    wrong: &Path,
    run: &Path,
    environment: &Environment,
    steps: &mut Steps,
) -> anyhow::Result<()> {
    let what = "server-side dry run";
    let missing = command::missing(environment, &["etcd", "kubectl", "openssl"]);
    if !missing.is_empty() {
        let why = format!(
            "{} is not installed (Debian: apt-get install etcd-server kubernetes-client openssl)",
            missing.join(", ")
        );
        steps.skip(what, why);
        return Ok(());
    }
    let server = match ApiServer::start(run, environment).await {
        Ok(server) => server,
        Err(error) => {
            steps.take(what, Err(error));
            return Ok(());
        }
    };
    let unknown = server.define(steps).await?;
    for rendered in rendered {
        let known = run.join(format!("{}-known.yaml", rendered.values));
        std::fs::write(&known, without(&std::fs::read_to_string(&rendered.path)?, &unknown))?;
        steps.take(format!("{what} of {}", rendered.values), server.takes(&known));
    }
    steps.take(format!("{what} of a wrong field: refused"), server.refuses(wrong, "replcas"));
    let forbidden = run.join("forbidden.yaml");
    std::fs::write(&forbidden, FORBIDDEN)?;
    steps.take(format!("{what} of a forbidden pod: refused"), server.refuses(&forbidden, PODS));
    Ok(())
}

impl ApiServer {
    async fn start(run: &Path, environment: &Environment) -> anyhow::Result<Self> {
        let program = program()?;
        let (etcd, kept_at) = etcd(run, environment)?;
        let key = run.join("service-accounts.key");
        command::output(Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048"))?;
        let token = format!("trial-{}", std::process::id());
        let tokens = run.join("tokens.csv");
        std::fs::write(&tokens, format!("{token},trial,trial,system:masters\n"))?;
        let port = port::free()?;
        let arguments = [
            format!("--etcd-servers={kept_at}"),
            format!("--secure-port={port}"),
            format!("--cert-dir={}", run.join("certificates").display()),
            format!("--token-auth-file={}", tokens.display()),
            format!("--service-account-key-file={}", key.display()),
            format!("--service-account-signing-key-file={}", key.display()),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            "--service-cluster-ip-range=10.0.0.0/24".into(),
            "--bind-address=127.0.0.1".into(),
            "--endpoint-reconciler-type=none".into(),
            "--authorization-mode=AlwaysAllow".into(),
            // Nobody makes the accounts of namespaces here.
            "--disable-admission-plugins=ServiceAccount".into(),
        ];
        let program = Program::new("kube-apiserver", program, run.join("kube-apiserver.log"))
            .inherit(environment)
            .folder(run)
            .args(arguments);
        let server = Process::start(program)?;
        let config = run.join("kubeconfig");
        std::fs::write(&config, kubeconfig(port, &token))?;
        let mut started = Self { server, _etcd: etcd, config };
        started.until_ready().await?;
        started.make_namespace()?;
        Ok(started)
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        wait::until("the API server to be ready", READY_LIMIT, async || {
            if let Some(status) = self.server.ended() {
                anyhow::bail!("it ended ({status}):\n{}", self.server.log_tail());
            }
            let said = command::said(&mut self.kubectl(&["get", "--raw", "/readyz"]))?;
            Ok(Seen::when(said.succeeded, said.tail()))
        })
        .await
    }

    /// The namespace, in which the strictest policy for pods is in force.
    fn make_namespace(&self) -> anyhow::Result<()> {
        command::output(&mut self.kubectl(&["create", "namespace", NAMESPACE]))?;
        let [enforce, warn] =
            ["enforce", "warn"].map(|mode| format!("pod-security.kubernetes.io/{mode}=restricted"));
        command::output(&mut self.kubectl(&["label", "namespace", NAMESPACE, &enforce, &warn])).map(drop)
    }

    /// Tells the server of the objects that others define. Returns the kinds that stay unknown to it.
    async fn define(&self, steps: &mut Steps) -> anyhow::Result<Vec<&'static str>> {
        for (module, files) in DEFINED {
            let name = format!("definitions of {}", module.at_version());
            let sources = match module.sources() {
                Ok(sources) => sources,
                Err(error) => {
                    steps.skip(name, format!("go can't fetch them: {error:#}"));
                    continue;
                }
            };
            let create = |file: &&str| {
                let mut create = self.kubectl(&["create", "-f"]);
                command::output(create.arg(sources.join(file))).map(drop)
            };
            steps.take(name, files.iter().try_for_each(create));
        }
        let mut unknown = FOREIGN.to_vec();
        for kind in FOREIGN {
            let served = wait::until(kind, Duration::from_secs(10), async || {
                let said = command::said(&mut self.kubectl(&["explain", kind]))?;
                Ok(Seen::when(said.succeeded, said.tail()))
            });
            if served.await.is_ok() {
                unknown.retain(|other| *other != kind);
            }
        }
        unknown.iter().for_each(|kind| say::line(format_args!("left out of the dry run: {kind}")));
        Ok(unknown)
    }

    /// It takes the file, without a word against a pod.
    fn takes(&self, file: &Path) -> anyhow::Result<()> {
        let said = command::said(&mut self.apply(file))?;
        ensure!(said.succeeded, "refused:\n{}", said.tail());
        ensure!(!said.errors.contains("Warning"), "taken with a warning:\n{}", said.errors);
        ensure!(said.output.contains("(server dry run)"), "nothing was looked at:\n{}", said.tail());
        Ok(())
    }

    fn refuses(&self, file: &Path, word: &str) -> anyhow::Result<()> {
        command::refused(&mut self.apply(file), word)
    }

    fn apply(&self, file: &Path) -> Command {
        let mut command = self.kubectl(&["apply", "--dry-run=server", "--validate=strict", "-f"]);
        command.arg(file).args(["--namespace", NAMESPACE]);
        command
    }

    fn kubectl(&self, args: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(&self.config);
        command.arg("--cache-dir").arg(self.config.with_file_name("kubectl")).args(args);
        command
    }
}

/// The server's program. Its module names other modules by folders of its own, so it can't be installed by name: a module of ours
/// stands before it, which names their published versions.
fn program() -> anyhow::Result<PathBuf> {
    let folder = go::folder("kube-apiserver", KUBERNETES.version)?;
    let program = folder.join("kube-apiserver");
    if program.is_file() {
        return Ok(program);
    }
    let manifest = std::fs::read_to_string(KUBERNETES.sources()?.join("go.mod"))?;
    std::fs::write(folder.join("go.mod"), wrapper(&manifest, KUBERNETES)?)?;
    say::line("building kube-apiserver, once; it takes 5 to 10 minutes");
    let package = format!("{}/cmd/kube-apiserver", KUBERNETES.path);
    let mut build = go::go();
    build.args(["build", "-mod=mod", "-o"]).arg(&program).arg(package).current_dir(&folder);
    command::shown(&mut build)?;
    Ok(program)
}

/// The manifest of a module that requires Kubernetes. Of its parts, which it requires as v0.0.0, v0.34.3 belongs to v1.34.3.
fn wrapper(manifest: &str, kubernetes: Module) -> anyhow::Result<String> {
    let Module { path, version } = kubernetes;
    let parts_version = version.strip_prefix("v1.").context("not a version of Kubernetes")?;
    let parts = manifest.lines().filter_map(|line| line.trim().strip_suffix(" v0.0.0"));
    let parts: Vec<&str> = parts.filter(|part| part.starts_with("k8s.io/") && !part.contains(' ')).collect();
    ensure!(!parts.is_empty(), "Kubernetes' go.mod names no part of it");
    let go = manifest.lines().find(|line| line.starts_with("go ")).context("go.mod says no version of go")?;
    let replaced: String =
        parts.iter().map(|part| format!("replace {part} => {part} v0.{parts_version}\n")).collect();
    Ok(format!("module trial\n\n{go}\n\nrequire {path} {version}\n\n{replaced}"))
}

/// etcd, and its address.
fn etcd(run: &Path, environment: &Environment) -> anyhow::Result<(Process, String)> {
    let path = environment.find("etcd").context("there is no etcd")?;
    let [clients, peers] = [port::free()?, port::free()?].map(|port| format!("http://127.0.0.1:{port}"));
    let program = Program::new("etcd", path, run.join("etcd.log"))
        .inherit(environment)
        .folder(run)
        .arg("--data-dir")
        .arg(run.join("etcd"))
        .args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients])
        .args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers])
        .arg("--initial-cluster")
        .arg(format!("default={peers}"));
    Ok((Process::start(program)?, clients))
}

fn kubeconfig(port: u16, token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: trial\n\
         clusters: [{{ name: trial, cluster: {{ server: \"https://127.0.0.1:{port}\", insecure-skip-tls-verify: true }} }}]\n\
         users: [{{ name: trial, user: {{ token: {token} }} }}]\n\
         contexts: [{{ name: trial, context: {{ cluster: trial, user: trial }} }}]\n"
    )
}

/// The documents of a file but those of these kinds.
fn without(text: &str, kinds: &[&str]) -> String {
    let is_known = |document: &&str| {
        let kind = document.lines().find_map(|line| line.strip_prefix("kind: "));
        kind.is_none_or(|kind| !kinds.contains(&kind.trim()))
    };
    text.split("\n---\n").filter(is_known).collect::<Vec<_>>().join("\n---\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_kubernetes_are_named_by_their_published_versions() {
        let manifest = "module k8s.io/kubernetes\n\ngo 1.24.0\n\nrequire (\n\tgithub.com/a/b v1.0.0\n\tk8s.io/api v0.0.0\n\
                        \tk8s.io/klog/v2 v2.130.1\n\tk8s.io/kms v0.0.0\n)\n";
        let written = wrapper(manifest, Module { path: "k8s.io/kubernetes", version: "v1.34.3" }).unwrap();
        let expected = "module trial\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes v1.34.3\n\n\
                        replace k8s.io/api => k8s.io/api v0.34.3\nreplace k8s.io/kms => k8s.io/kms v0.34.3\n";
        assert_eq!(written, expected);
        assert!(wrapper("module x\n\ngo 1.24\n", KUBERNETES).is_err());
    }

    #[test]
    fn documents_of_unknown_kinds_are_left_out() {
        let text = "---\nkind: A\n---\n# comment\nkind: B\nx: 1\n---\nkind: C\n";
        assert_eq!(without(text, &["B"]), "---\nkind: A\n---\nkind: C\n");
        assert_eq!(without(text, &[]), text);
    }
}
