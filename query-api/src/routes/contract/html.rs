//! The contract as pages for people. Pure. The pages need no script, no inline style and no other server.

use crate::answer::problem::Kind;
use serde_json::Value;
use std::fmt::Write as _;

/// Text, escaped for HTML, with what is between backticks as code.
fn text(plain: &str) -> String {
    let escaped =
        plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let parts = escaped.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

fn whole(title: &str, body: &str) -> String {
    let title = text(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <link rel=\"stylesheet\" href=\"/docs.css\"></head>\n<body><main>\n{body}</main></body></html>\n"
    )
}

/// The page of a kind of problem: its `type` is the address.
pub fn problem(kind: &Kind) -> String {
    let Kind { name, status, title, meaning } = kind;
    let body = format!(
        "<h1>{}</h1>\n<p>Status <code>{status}</code>, type <code>/problems/{name}</code></p>\n<p>{}</p>\n\
         <p><a href=\"/docs\">The whole API</a></p>\n",
        text(title),
        text(meaning)
    );
    whole(title, &body)
}

/// The page of the whole document.
pub fn contract(document: &Value) -> String {
    let schemas = members(&document["components"]["schemas"]);
    let mut body = format!(
        "<h1>{}</h1>\n{}",
        said(&document["info"]["title"]),
        paragraphs(&document["info"]["description"])
    );
    body += "<p><a href=\"/openapi.json\">The same for programs: OpenAPI 3.1</a></p>\n<nav>\n";
    for (path, _) in members(&document["paths"]) {
        let _ = writeln!(body, "<a href=\"#{}\">{}</a>", anchor(path), text(path));
    }
    body += "</nav>\n";
    let version = document["servers"][0]["url"].as_str().unwrap_or_default();
    for (path, methods) in members(&document["paths"]) {
        body += &operations((version, path), methods, &document["components"]);
    }
    if document["webhooks"].is_object() {
        body += "<h2 id=\"webhooks\">Messages to webhooks</h2>\n";
    }
    for (name, methods) in members(&document["webhooks"]) {
        body += &operations(("", name), methods, &document["components"]);
    }
    body += "<h2 id=\"schemas\">Shapes</h2>\n";
    schemas.for_each(|(name, schema)| body += &shape(name, schema));
    whole(document["info"]["title"].as_str().unwrap_or_default(), &body)
}

/// What the methods of a path are, reading first. The first one is what the path's anchor leads to.
fn operations((version, path): (&str, &str), methods: &Value, components: &Value) -> String {
    let there =
        ["get", "put", "post", "patch", "delete"].into_iter().filter(|method| methods[*method].is_object());
    let whole = format!("{version}{path}");
    let each = there.enumerate().map(|(n, method)| {
        let anchor = if n == 0 { anchor(path) } else { format!("{method}-{}", anchor(path)) };
        operation((method, &whole, &anchor), &methods[method], components)
    });
    each.collect()
}

fn operation((method, path, anchor): (&str, &str, &str), operation: &Value, components: &Value) -> String {
    let method = method.to_uppercase();
    let mut html = format!("<h2 id=\"{anchor}\"><code>{method} {}</code></h2>\n", text(path));
    html += &paragraphs(&operation["summary"]);
    html += &paragraphs(&operation["description"]);
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        let rows = parameters.iter().map(|parameter| {
            let parameter = followed(parameter, components);
            [
                code(&parameter["name"]),
                said(&parameter["in"]),
                kind(&parameter["schema"]),
                said(&parameter["description"]),
            ]
        });
        html += &format!("<h3>Parameters</h3>\n{}", table(["name", "where", "type", "what it is"], rows));
    }
    let contents = members(&operation["requestBody"]["content"]);
    let contents: Vec<_> = contents
        .map(|(media, content)| format!("<code>{media}</code> {}", kind(&content["schema"])))
        .collect();
    if !contents.is_empty() {
        let said = paragraphs(&operation["requestBody"]["description"]);
        html += &format!("<h3>Document</h3>\n<p>{}</p>\n{said}", contents.join("<br>"));
    }
    let rows = members(&operation["responses"]).map(|(status, response)| {
        let response = followed(response, components);
        let contents = members(&response["content"]);
        let contents =
            contents.map(|(media, content)| format!("<code>{media}</code> {}", kind(&content["schema"])));
        let headers: Vec<_> =
            members(&response["headers"]).map(|(name, _)| format!("<code>{name}</code>")).collect();
        [
            format!("<code>{status}</code>"),
            contents.collect::<Vec<_>>().join("<br>"),
            headers.join(" "),
            said(&response["description"]),
        ]
    });
    html + &format!("<h3>Answers</h3>\n{}", table(["status", "content", "headers", "when"], rows))
}

fn shape(name: &str, schema: &Value) -> String {
    let required: Vec<_> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let rows = members(&schema["properties"]).map(|(name, property)| {
        let always = if required.contains(&name) { "always" } else { "" };
        [format!("<code>{name}</code>"), kind(property), always.to_owned(), said(&property["description"])]
    });
    let mut html = format!("<h3 id=\"{name}\">{name}</h3>\n{}", paragraphs(&schema["description"]));
    if schema["properties"].is_object() {
        html += &table(["member", "type", "there", "what it is"], rows);
    }
    if let Some(example) = schema["examples"].get(0) {
        let example = serde_json::to_string_pretty(example).unwrap_or_default();
        let _ = writeln!(html, "<pre><code>{}</code></pre>", text(&example.replace('`', "'")));
    }
    html
}

/// The type of a schema, in a word or two.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    if let Some(either) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        return either.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(values) = schema["enum"].as_array() {
        return values
            .iter()
            .map(|value| format!("<code>{}</code>", text(&plain(value))))
            .collect::<Vec<_>>()
            .join(", ");
    }
    if let Some(value) = schema.get("const") {
        return format!("<code>{}</code>", text(&plain(value)));
    }
    let name = match schema["type"].as_array() {
        Some(types) => types.iter().map(plain).collect::<Vec<_>>().join(" or "),
        None => plain(&schema["type"]),
    };
    let items =
        if name.contains("array") { format!(" of {}", kind(&schema["items"])) } else { String::new() };
    let format = schema["format"].as_str().map(|format| format!(" ({format})")).unwrap_or_default();
    format!("{name}{format}{items}")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The target of a reference into `components`, or the value itself.
fn followed<'a>(value: &'a Value, components: &'a Value) -> &'a Value {
    let path = value["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/components"));
    path.and_then(|path| components.pointer(path)).unwrap_or(value)
}

fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let head: String = head.iter().map(|cell| format!("<th>{cell}</th>")).collect();
    let row = |cells: [String; N]| -> String {
        let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.map(row).collect();
    format!(
        "<div class=\"table\"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}

fn said(value: &Value) -> String {
    text(value.as_str().unwrap_or_default())
}

fn code(value: &Value) -> String {
    format!("<code>{}</code>", said(value))
}

fn paragraphs(value: &Value) -> String {
    let paragraphs = value.as_str().into_iter().flat_map(|text| text.split("\n\n"));
    paragraphs.map(|paragraph| format!("<p>{}</p>\n", text(paragraph))).collect()
}

fn anchor(path: &str) -> String {
    path.trim_matches('/').replace('/', "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::problem::KINDS;

    #[test]
    fn text_is_never_markup() {
        assert_eq!(text("a < b & `<i>`"), "a &lt; b &amp; <code>&lt;i&gt;</code>");
    }

    #[test]
    fn every_problem_says_what_to_do() {
        for kind in KINDS {
            let page = problem(kind);
            assert!(page.contains(&format!("/problems/{}", kind.name)) && page.contains(&text(kind.meaning)));
            assert!(kind.meaning.len() > 60, "{}", kind.name);
        }
    }
}
