//! `deploy/compose.yaml`, by the schema of the Compose specification.

use crate::go::Module;
use anyhow::{Context as _, ensure};
use machine::workspace;
use serde_json::Value;

/// The specification's own implementation, which has the schema.
const COMPOSE: Module = Module { path: "github.com/compose-spec/compose-go/v2", version: "v2.9.1" };
const SCHEMA: &str = "schema/compose-spec.json";

/// Most errors that are shown.
const SHOWN_MAX: usize = 10;

/// Checks it.
pub(super) fn check() -> anyhow::Result<()> {
    let path = COMPOSE.sources()?.join(SCHEMA);
    let schema = std::fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    let schema: Value = serde_json::from_str(&schema)?;
    let compose: Value = serde_saphyr::from_str(&workspace::deploy_file("compose.yaml")?)?;
    let found = complaints(&schema, &compose)?;
    ensure!(found.is_empty(), "{}", found.join("\n"));
    let mut wrong = compose;
    wrong["services"]["consumer"]["depends_on"] = Value::from(7);
    ensure!(!complaints(&schema, &wrong)?.is_empty(), "the schema accepts what is wrong");
    Ok(())
}

fn complaints(schema: &Value, document: &Value) -> anyhow::Result<Vec<String>> {
    let mut schema = schema.clone();
    // It is written with https, and so is unknown to those who compare it to the letter.
    schema.as_object_mut().context("the schema is no object")?.remove("$schema");
    let validator = jsonschema::draft7::new(&schema).map_err(|error| anyhow::anyhow!("{error}"))?;
    let errors = validator.iter_errors(document).take(SHOWN_MAX);
    Ok(errors.map(|error| format!("{}: {error}", error.instance_path())).collect())
}
