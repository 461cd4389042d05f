//! The table of figures in the README. Pure.

use super::finding::Finding;
use super::machine::Machine;
use super::record::Settings;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const BEGIN: &str = "<!-- figures -->\n";
const END: &str = "<!-- /figures -->";

/// The table, and below it the machine and the settings.
#[must_use]
pub fn table(findings: &[Finding], machine: &Machine, date: &str, settings: &Settings) -> String {
    let mut text = "\n| what | target | figure | met |\n|---|---|---|---|\n".to_owned();
    for Finding { what, target, figure, met } in findings {
        let met = if *met { "yes" } else { "**no**" };
        // Writing to a string can't fail.
        let _ = writeln!(text, "| {} | {} | {} | {met} |", cell(what), cell(target), cell(figure));
    }
    let Machine { cpu, cores, memory_mb, kernel } = machine;
    let Settings { postgresql, kafka } = settings;
    let _ = writeln!(
        text,
        "\n{date}, {cores} processors ({cpu}) for everything, {} GB of memory, Linux {kernel}.\n\
         PostgreSQL: {}.\nKafka: {}.\n",
        memory_mb / 1_000,
        listed(postgresql),
        listed(kafka),
    );
    text
}

/// The README with new text between its marks.
///
/// # Errors
/// When it has no marks.
pub fn replaced(readme: &str, table: &str) -> anyhow::Result<String> {
    let marks = || format!("README.md has no `{}` and `{END}` around its figures", BEGIN.trim_end());
    let (head, rest) = readme.split_once(BEGIN).with_context(marks)?;
    let (_, tail) = rest.split_once(END).with_context(marks)?;
    Ok(format!("{head}{BEGIN}{table}{END}{tail}"))
}

fn listed(settings: &BTreeMap<String, String>) -> String {
    let each: Vec<String> = settings.iter().map(|(name, value)| format!("`{name}` {value}")).collect();
    each.join(", ")
}

/// One line, without characters that would end the cell.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let readme = "a\n<!-- figures -->\nold\n<!-- /figures -->\nb\n";
        let new = replaced(readme, "new\n").unwrap();
        assert_eq!(new, "a\n<!-- figures -->\nnew\n<!-- /figures -->\nb\n");
        assert_eq!(replaced(&new, "new\n").unwrap(), new);
        assert!(replaced("a\n", "new\n").is_err());
    }

    #[test]
    fn a_row_is_one_line() {
        let finding = Finding::missing("a|b", "one\n  two");
        let machine = Machine { cpu: "C".into(), cores: 2, memory_mb: 8_400, kernel: "6".into() };
        let settings = |name: &str| BTreeMap::from([(name.to_owned(), "on".to_owned())]);
        let settings = Settings { postgresql: settings("fsync"), kafka: settings("k") };
        let text = table(&[finding], &machine, "2026-02-25", &settings);
        assert!(text.contains("\n| a\\|b | a figure | one two | **no** |\n"), "{text}");
        assert!(
            text.contains("2 processors (C) for everything, 8 GB") && text.contains("`fsync` on"),
            "{text}"
        );
    }
}
