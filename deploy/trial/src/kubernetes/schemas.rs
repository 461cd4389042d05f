//! Kubernetes' own schemas, made of the OpenAPI document in its Go module, in the form that kubeconform reads: a file for each kind.

use crate::go::{self, Module};
use anyhow::{Context as _, ensure};
use machine::say;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Where the module has the document.
const DOCUMENT: &str = "api/openapi-spec/swagger.json";
/// All definitions, to which the files of kinds point.
const DEFINITIONS: &str = "_definitions.json";
/// What the document says of a definition's kinds.
const KINDS: &str = "x-kubernetes-group-version-kind";

/// What the document calls text though numbers are taken, too.
const ALSO_NUMBERS: [(&str, &str); 2] = [
    ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", "integer"),
    ("io.k8s.apimachinery.pkg.api.resource.Quantity", "number"),
];

/// The folder of schemas, which are made unless they were before.
pub(super) fn make(kubernetes: Module) -> anyhow::Result<PathBuf> {
    let folder = go::folder("schemas", kubernetes.version)?;
    if !folder.join(DEFINITIONS).is_file() {
        let path = kubernetes.sources()?.join(DOCUMENT);
        let document = std::fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
        let document: Value = serde_json::from_str(&document)?;
        let kinds = kinds(&document)?;
        for (file, definition) in &kinds {
            let schema = json!({"$ref": format!("{DEFINITIONS}#/definitions/{definition}")});
            write(&folder.join(file), &schema)?;
        }
        // Last, so that an interrupted run begins anew.
        write(&folder.join(DEFINITIONS), &json!({"definitions": definitions(&document)?}))?;
        say::line(format_args!("{} schemas are made", kinds.len()));
    }
    Ok(folder)
}

fn write(path: &Path, schema: &Value) -> anyhow::Result<()> {
    std::fs::write(path, schema.to_string()).with_context(|| format!("{} can't be written", path.display()))
}

fn all(document: &Value) -> anyhow::Result<&Map<String, Value>> {
    document["definitions"].as_object().context("the document has no definitions")
}

/// The definitions, which allow no field that they don't name.
fn definitions(document: &Value) -> anyhow::Result<Map<String, Value>> {
    let mut definitions: Map<String, Value> =
        all(document)?.iter().map(|(name, definition)| (name.clone(), led(definition))).collect();
    for (name, number) in ALSO_NUMBERS {
        definitions.insert(name.into(), json!({"oneOf": [{"type": "string"}, {"type": number}]}));
    }
    for definition in definitions.values_mut().filter_map(Value::as_object_mut) {
        if definition.contains_key("properties") {
            definition.entry("additionalProperties").or_insert(Value::Bool(false));
        }
    }
    Ok(definitions)
}

/// A definition whose references lead to the file of definitions.
fn led(value: &Value) -> Value {
    match value {
        Value::Object(object) => match object.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let name = reference.rsplit('/').next().unwrap_or(reference);
                json!({"$ref": format!("{DEFINITIONS}#/definitions/{name}")})
            }
            None => object.iter().map(|(name, value)| (name.clone(), led(value))).collect(),
        },
        Value::Array(values) => values.iter().map(led).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The file of each kind, as kubeconform calls it, and the kind's definition.
fn kinds(document: &Value) -> anyhow::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for (name, definition) in all(document)? {
        for kind in definition[KINDS].as_array().into_iter().flatten() {
            let text = |field: &str| kind[field].as_str().unwrap_or_default().to_lowercase();
            // `networking.k8s.io` is `networking`.
            let group = text("group").split('.').next().unwrap_or_default().to_owned();
            let group = if group.is_empty() { group } else { format!("-{group}") };
            found.push((format!("{}{group}-{}.json", text("kind"), text("version")), name.clone()));
        }
    }
    ensure!(!found.is_empty(), "the document has no kinds");
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        json!({"definitions": {
            "io.k8s.api.apps.v1.Deployment": {
                "properties": {"spec": {"$ref": "#/definitions/io.k8s.api.apps.v1.DeploymentSpec"}},
                "x-kubernetes-group-version-kind": [{"group": "apps", "kind": "Deployment", "version": "v1"}],
            },
            "io.k8s.api.apps.v1.DeploymentSpec": {"properties": {"replicas": {"type": "integer"}}},
            "io.k8s.api.core.v1.Pod": {
                "x-kubernetes-group-version-kind": [{"group": "", "kind": "Pod", "version": "v1"}],
            },
        }})
    }

    #[test]
    fn files_are_called_as_kubeconform_asks_for_them() {
        let files: Vec<String> = kinds(&document()).unwrap().into_iter().map(|(file, _)| file).collect();
        assert_eq!(files, ["deployment-apps-v1.json", "pod-v1.json"]);
        assert!(kinds(&json!({"definitions": {}})).is_err());
    }

    #[test]
    fn references_lead_to_one_file_and_unknown_fields_are_refused() {
        let definitions = definitions(&document()).unwrap();
        let deployment = &definitions["io.k8s.api.apps.v1.Deployment"];
        let to = "_definitions.json#/definitions/io.k8s.api.apps.v1.DeploymentSpec";
        assert_eq!(deployment["properties"]["spec"]["$ref"], to);
        assert_eq!(deployment["additionalProperties"], false);
        assert!(definitions.contains_key("io.k8s.apimachinery.pkg.api.resource.Quantity"));
    }
}
