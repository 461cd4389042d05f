//! Which file imports which: no files import in a circle, and no room imports a room that uses it.
//!
//! A module's file may re-export what it declares (`pub use child::X`); that doesn't count as an import.

use crate::source::File;
use std::collections::{BTreeMap, BTreeSet};

/// A module by its path from the crate's root, as `["store", "pages"]`; the root itself is empty.
type Module = Vec<String>;

/// The imports of each module.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// The circles among the files of a crate whose sources are in `folder`, and those among its rooms.
pub fn circles(folder: &str, files: &[File]) -> Vec<String> {
    let modules: BTreeMap<Module, &File> = files
        .iter()
        .filter(|file| file.path.starts_with(folder) && !is_test(&file.path))
        .map(|file| (module(&file.path[folder.len()..]), file))
        .collect();
    let names: BTreeSet<Module> = modules.keys().cloned().collect();
    let imports: Imports =
        modules.iter().map(|(module, file)| (module.clone(), imported(module, &file.code, &names))).collect();
    let said = |what: &str, circle: Vec<Module>| {
        let names: Vec<String> = circle.iter().map(|module| module.join("::")).collect();
        format!("{folder}: {what} import each other in a circle: {}", names.join(", "))
    };
    let of_files = found(&imports).into_iter().map(|circle| said("files", circle));
    let of_rooms = found(&rooms(&imports)).into_iter().map(|circle| said("rooms", circle));
    of_files.chain(of_rooms).collect()
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/")
}

/// `store/pages.rs` and `store/pages/mod.rs` are `store::pages`; `lib.rs` is the root. A program's `main.rs` stands for itself.
fn module(path: &str) -> Module {
    let parts: Vec<String> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    match parts.last().map(String::as_str) {
        Some("mod" | "lib") => parts[..parts.len() - 1].to_vec(),
        Some(_) | None => parts,
    }
}

/// A room is a folder directly in the sources, with all of its files, or a file directly in the sources.
fn rooms(imports: &Imports) -> Imports {
    let room = |module: &Module| module.first().map(|first| vec![first.clone()]);
    let mut rooms = Imports::new();
    for (from, to) in imports {
        let Some(from) = room(from) else { continue };
        let others = to.iter().filter_map(room).filter(|to| *to != from);
        rooms.entry(from.clone()).or_default().extend(others);
    }
    rooms
}

/// The modules that the code of `module` imports.
fn imported(module: &Module, code: &str, names: &BTreeSet<Module>) -> BTreeSet<Module> {
    let code = without_re_exports(before_tests(code));
    let mut imports = BTreeSet::new();
    for path in paths(&code) {
        let absolute = absolute(module, &path, names);
        let longest = (0..=absolute.len()).rev().map(|length| absolute[..length].to_vec());
        let target = longest.into_iter().find(|prefix| names.contains(prefix));
        // Only a path with an explicit start, or that begins with a module declared here, belongs to this crate.
        if let Some(target) = target.filter(|target| target != module && !absolute.is_empty()) {
            imports.insert(target);
        }
    }
    imports
}

/// The path from the crate's root; empty for a path outside the crate.
fn absolute(module: &Module, path: &[String], names: &BTreeSet<Module>) -> Module {
    let joined = |base: &[String], rest: &[String]| [base, rest].concat();
    // A name alone is a declaration, a variable of the same name, or the `super` of `pub(super)`.
    if path.len() < 2 {
        return Vec::new();
    }
    match path.first().map(String::as_str) {
        Some("crate") => joined(&[], &path[1..]),
        Some("self") => joined(module, &path[1..]),
        Some("super") => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            joined(&module[..module.len().saturating_sub(ups)], &path[ups..])
        }
        Some(first) if names.contains(&joined(module, &[first.to_owned()])) => joined(module, path),
        Some(_) | None => Vec::new(),
    }
}

fn before_tests(code: &str) -> &str {
    code.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
}

/// The code without `pub use` of its own modules. `pub use crate::...` is an import like any other.
fn without_re_exports(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("pub") {
        let (before, after) = rest.split_at(at);
        kept.push_str(before);
        let statement = after.split_once(';').map_or(after, |(statement, _)| statement);
        let words = statement.trim_start_matches("pub").trim_start_matches(|c| c != 'u' && c != '\n');
        let local = words.strip_prefix("use ").is_some_and(|path| {
            !["crate::", "super::"].iter().any(|start| path.trim_start().starts_with(start))
        });
        let skipped = if local { statement.len() } else { "pub".len() };
        kept.push_str(if local { "" } else { "pub" });
        rest = &after[skipped..];
    }
    kept + rest
}

/// Every path of the code, with trees of imports expanded: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut rest = code;
    while let Some((path, after)) = next_path(rest) {
        let tree = after.strip_prefix("::").map(str::trim_start).filter(|tree| tree.starts_with('{'));
        match tree {
            Some(tree) => {
                let inner = braced(tree);
                let below = self::paths(inner).into_iter().map(|below| [path.clone(), below].concat());
                paths.extend(below);
                rest = &tree[inner.len()..];
            }
            None => {
                let everything = after.starts_with("::*").then(|| "*".to_owned());
                paths.push(path.into_iter().chain(everything).collect());
                rest = after;
            }
        }
    }
    paths
}

/// The next path of identifiers, and the text after it.
fn next_path(code: &str) -> Option<(Vec<String>, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let start = code.find(is_word)?;
    let mut rest = &code[start..];
    let mut path = Vec::new();
    loop {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        path.push(rest[..end].to_owned());
        rest = &rest[end..];
        match rest.strip_prefix("::") {
            Some(next) if next.starts_with(is_word) => rest = next,
            Some(_) | None => return Some((path, rest)),
        }
    }
}

/// The text between the first brace and the matching one.
fn braced(tree: &str) -> &str {
    let mut depth = 0;
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &tree[1..at];
        }
    }
    ""
}

/// Sets of modules in which each module reaches all others.
fn found(imports: &Imports) -> Vec<Vec<Module>> {
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        imports.keys().map(|module| (module, reach(module, imports))).collect();
    let mutual = |one: &Module, other: &Module| {
        reached[one].contains(other) && reached.get(other).is_some_and(|of| of.contains(one))
    };
    let mut circles: Vec<Vec<Module>> = Vec::new();
    for module in imports.keys().filter(|module| mutual(module, module)) {
        match circles.iter_mut().find(|circle| mutual(&circle[0], module)) {
            Some(circle) => circle.push(module.clone()),
            None => circles.push(vec![module.clone()]),
        }
    }
    circles
}

/// All modules that a module imports, directly or indirectly.
fn reach<'a>(module: &'a Module, imports: &'a Imports) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Module> = imports.get(module).into_iter().flatten().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(imports.get(module).into_iter().flatten());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let files: Vec<File> = files.iter().map(|(path, code)| File::new(path, code)).collect();
        let complaints = circles("c/src/", &files);
        assert_eq!(complaints.len(), expected.len(), "{complaints:?}");
        assert!(complaints.iter().zip(expected).all(|(said, part)| said.contains(part)), "{complaints:?}");
    }

    #[test]
    fn files_that_import_each_other_are_found() {
        check(
            &[
                ("c/src/a/x.rs", "use crate::a::{y::Y, z};"),
                ("c/src/a/y.rs", "fn f() { super::x::g(); }"),
                ("c/src/a/z.rs", ""),
            ],
            &["files import each other in a circle: a::x, a::y"],
        );
        check(
            &[
                ("c/src/a.rs", "use crate::b::B;"),
                ("c/src/b.rs", "use crate::c::C;"),
                ("c/src/c.rs", "use crate::a::A;"),
            ],
            &["files import each other in a circle: a, b, c", "rooms"],
        );
        check(
            &[("c/src/a.rs", "use crate::b::B;"), ("c/src/b.rs", "// use crate::a::A;\nuse other::a::A;")],
            &[],
        );
    }

    #[test]
    fn a_front_door_is_no_import_and_a_call_is() {
        check(
            &[("c/src/a/mod.rs", "mod x;\npub use x::X;\npub struct A;"), ("c/src/a/x.rs", "use super::A;")],
            &[],
        );
        check(
            &[
                ("c/src/a/mod.rs", "mod x;\npub fn f() { x::g() }\npub struct A;"),
                ("c/src/a/x.rs", "use super::A;"),
            ],
            &["a, a::x"],
        );
    }

    #[test]
    fn rooms_that_import_each_other_are_found() {
        check(
            &[
                ("c/src/a/x.rs", "use crate::b::y::Y;"),
                ("c/src/a/z.rs", ""),
                ("c/src/b/y.rs", ""),
                ("c/src/b/w.rs", "use crate::a::z::Z;"),
            ],
            &["rooms import each other in a circle: a, b"],
        );
    }

    #[test]
    fn tests_may_import_what_they_like() {
        check(
            &[
                ("c/src/a.rs", "use crate::b::B;"),
                ("c/src/b.rs", "#[cfg(test)]\nmod tests { use crate::a::A; }"),
            ],
            &[],
        );
    }
}
