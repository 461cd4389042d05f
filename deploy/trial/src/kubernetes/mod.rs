//! `cargo xtask kubernetes`: the chart `deploy/helm/business-metrics`, rendered and checked.
//!
//! ```text
//! tools       which versions of what
//! chart       rendered with each file of its ci/, and values that it must refuse
//! schemas     Kubernetes' own schemas, in the form that kubeconform reads
//! api_server  a kube-apiserver with etcd, which takes everything in a dry run
//! ```

mod api_server;
mod chart;
mod schemas;
mod tools;

use crate::command;
use crate::steps::Steps;
use anyhow::ensure;
use chart::{Chart, Rendered};
use machine::environment::Environment;
use machine::workspace;
use std::path::Path;
use std::process::{Command, ExitCode};
use tools::{FOREIGN, HELM, KUBECONFORM, KUBERNETES};

/// An object with a field that there is none of.
const WRONG: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: wrong\nspec:\n  replcas: 1\n  \
                     selector: { matchLabels: { a: b } }\n  template:\n    metadata: { labels: { a: b } }\n    \
                     spec: { containers: [{ name: c, image: i }] }\n";

/// Tries the chart, and ends with a table.
///
/// # Errors
/// When the trial itself can't go on.
pub async fn run() -> anyhow::Result<ExitCode> {
    let environment = Environment::read();
    let mut steps = Steps::default();
    if environment.find("go").is_none() {
        steps.skip("the chart", "go is not installed, which builds helm, kubeconform and the API server");
        return Ok(steps.end());
    }
    let helm = match HELM.program("cmd/helm") {
        Ok(helm) => helm,
        Err(error) => {
            steps.take("helm: built", Err(error));
            return Ok(steps.end());
        }
    };
    let run = workspace::new_run("kubernetes")?;
    let chart = Chart::new(helm, &run);
    steps.take("helm lint, with each file of ci/", chart.lint());
    steps.take("values that must be refused are", chart.refuses());
    let rendered = match chart.render() {
        Ok(rendered) => rendered,
        Err(error) => {
            steps.take("helm template, with each file of ci/", Err(error));
            return Ok(steps.end());
        }
    };
    steps.take("helm template, with each file of ci/", Ok(()));
    let wrong = run.join("wrong.yaml");
    std::fs::write(&wrong, WRONG)?;
    steps.take("kubeconform, by Kubernetes' schemas", conforms(&rendered, &wrong));
    api_server::try_all(&rendered, &wrong, &run, &environment, &mut steps).await?;
    Ok(steps.end())
}

/// All rendered files conform to the schemas, and a wrong one doesn't.
fn conforms(rendered: &[Rendered], wrong: &Path) -> anyhow::Result<()> {
    let kubeconform = KUBECONFORM.program("cmd/kubeconform")?;
    let schemas = schemas::make(KUBERNETES)?;
    let location = format!("{}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json", schemas.display());
    let command = |files: &[&Path]| {
        let mut command = Command::new(&kubeconform);
        command.args(["-strict", "-summary", "-skip", &FOREIGN.join(","), "-schema-location", &location]);
        command.args(files);
        command
    };
    let files: Vec<&Path> = rendered.iter().map(|rendered| rendered.path.as_path()).collect();
    let summary = command::output(&mut command(&files))?;
    ensure!(
        summary.contains("Valid: ") && !summary.contains("Valid: 0"),
        "it has looked at nothing: {summary}"
    );
    command::refused(&mut command(&[wrong]), "replcas")
}
