//! Writes down what the contract promises, a line each, in `src/routes/contract/v1.txt`: the names and types that clients rely on.
//!
//! What is written there is published: it stays for as long as `v1` does. `tests/promises.rs` compares the contract with it.

use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

/// What to do when the contract promises more than is written down.
pub const HINT: &str =
    "the contract promises more than before: `cargo run --package query-api --example promises`";

/// How a description says that its list of values will grow.
pub const MORE: &str = "More may be added";

/// The contract.
pub const CONTRACT: &str = include_str!("../src/routes/contract/openapi.json");

/// The promises of a contract, in order.
pub fn promises(contract: &Value) -> BTreeSet<String> {
    let mut book = Book { contract, promises: BTreeSet::new(), sent: BTreeSet::new() };
    for (path, operations) in members(&contract["paths"]) {
        for (method, operation) in members(operations).filter(|(method, _)| *method != "parameters") {
            let name = format!("{} {path}", method.to_uppercase());
            book.operation(&name, operation, &operations["parameters"]);
        }
    }
    for (name, schema) in members(&contract["components"]["schemas"]) {
        book.shape(name, schema, book.sent.contains(name));
    }
    book.promises
}

/// The promises that are written down, and not kept by the contract.
pub fn broken<'a>(written: &'a str, present: &BTreeSet<String>) -> Vec<&'a str> {
    written.lines().filter(|line| !present.contains(*line)).collect()
}

struct Book<'a> {
    contract: &'a Value,
    promises: BTreeSet<String>,
    /// The shapes that clients send.
    sent: BTreeSet<&'a str>,
}

impl<'a> Book<'a> {
    fn promise(&mut self, line: String) {
        self.promises.insert(line);
    }

    fn operation(&mut self, name: &str, operation: &'a Value, shared: &'a Value) {
        self.promise(name.to_owned());
        let parameters = items(&operation["parameters"]).chain(items(shared));
        let mut needs: Vec<String> = Vec::new();
        for parameter in parameters {
            let parameter = self.followed(parameter);
            let [called, place] = ["name", "in"].map(|part| parameter[part].as_str().unwrap_or_default());
            if parameter["required"] == true {
                needs.push(called.to_owned());
            }
            self.accepted(&format!("{name} {place} {called}"), &parameter["schema"]);
        }
        let body = self.followed(&operation["requestBody"]);
        if body["required"] == true {
            needs.push("a body".to_owned());
        }
        for (media, content) in members(&body["content"]) {
            self.accepted(&format!("{name} body {media}"), &content["schema"]);
            self.send(&content["schema"]);
        }
        needs.sort();
        self.needs(name, &needs);
        for (status, response) in members(&operation["responses"]) {
            let response = self.followed(response);
            for (media, content) in members(&response["content"]) {
                self.promise(format!("{name} {status} {media}: {}", kind(&content["schema"])));
            }
            for (header, _) in members(&response["headers"]) {
                self.promise(format!("{name} {status} header {header}"));
            }
        }
    }

    fn needs<T: AsRef<str>>(&mut self, name: &str, needed: &[T]) {
        let needed = needed.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
        self.promise(format!("{name} needs {}", if needed.is_empty() { "nothing" } else { &needed }));
    }

    /// What the API accepts: each value of a list is a promise of its own, so that others may be added.
    fn accepted(&mut self, name: &str, schema: &Value) {
        let Some(values) = schema["enum"].as_array() else {
            return self.promise(format!("{name}: {}", kind(schema)));
        };
        for value in values {
            self.promise(format!("{name} may be {value}"));
        }
    }

    /// Notes the shapes that a body is made of.
    fn send(&mut self, schema: &'a Value) {
        let Some(object) = schema.as_object() else { return };
        let shape =
            object.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
        if let Some(shape) = shape.filter(|shape| self.sent.insert(*shape)) {
            self.send(&self.contract["components"]["schemas"][shape]);
        }
        for member in object.values() {
            items(member).for_each(|item| self.send(item));
            self.send(member);
        }
    }

    /// The members of a shape; clients send it, too, if `is_sent`.
    fn shape(&mut self, name: &str, schema: &Value, is_sent: bool) {
        let required: Vec<&str> = items(&schema["required"]).filter_map(Value::as_str).collect();
        if is_sent && schema["properties"].is_object() {
            self.needs(name, &required);
        }
        for (member, schema) in members(&schema["properties"]) {
            let path = format!("{name}.{member}");
            let grows = schema["description"].as_str().is_some_and(|text| text.contains(MORE));
            if is_sent || grows {
                self.accepted(&path, schema);
            }
            if !grows {
                self.promise(format!("{path}: {}", kind(schema)));
            }
            if required.contains(&member) {
                self.promise(format!("{path} is always there"));
            }
            self.shape(&path, schema, is_sent);
            self.shape(&format!("{path}[]"), &schema["items"], is_sent);
        }
    }

    /// The target of a reference into the contract, or the value itself.
    fn followed(&self, value: &'a Value) -> &'a Value {
        let path = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        path.and_then(|path| self.contract.pointer(path)).unwrap_or(value)
    }
}

/// The type of a schema, in one line.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    for (list, word) in [("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")] {
        if let Some(parts) = schema[list].as_array() {
            return parts.iter().map(kind).collect::<Vec<_>>().join(word);
        }
    }
    if let Some(values) =
        schema["enum"].as_array().cloned().or_else(|| schema.get("const").map(|one| vec![one.clone()]))
    {
        return values
            .iter()
            .map(Value::to_string)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
            .join(" or ");
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        one => one.as_str().unwrap_or("anything").to_owned(),
    };
    let format = schema["format"].as_str().map(|format| format!(" ({format})")).unwrap_or_default();
    let of = ["items", "additionalProperties"].into_iter().find_map(|part| schema[part].as_object());
    let of = of
        .map(|part: &Map<String, Value>| format!(" of {}", kind(&Value::Object(part.clone()))))
        .unwrap_or_default();
    format!("{types}{format}{of}")
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/routes/contract/v1.txt");
    let present = promises(&serde_json::from_str(CONTRACT)?);
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let broken = broken(&written, &present);
    if !broken.is_empty() {
        return Err(format!("v1 has promised this to its clients: {broken:#?}").into());
    }
    let lines: Vec<&str> = present.iter().map(String::as_str).collect();
    std::fs::write(path, lines.join("\n") + "\n")?;
    Ok(())
}
