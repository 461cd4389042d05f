//! The units of systemd: their settings are known, all give up the same rights, and systemd itself accepts them.

use super::{Known, Whose, assignments, deployed};
use crate::none;
use machine::environment::Environment;
use machine::{say, workspace};
use std::process::Command;

/// The units, whose binary each runs, and the example of its settings.
const UNITS: [(&str, Whose, &str); 3] = [
    ("business-metrics-consumer@.service", Whose::Consumer, "consumer.env"),
    ("business-metrics-query-api.service", Whose::QueryApi, "query-api.env"),
    ("business-metrics-migrate.service", Whose::Consumer, "migrate.env"),
];

/// What systemd calls well protected is below 2.0 of 10.
const EXPOSURE_MAX: &str = "--threshold=20";

#[test]
fn variables_of_units_are_settings() {
    let known = Known::read();
    for (unit, whose, example) in UNITS {
        let text = deployed(&format!("systemd/{unit}"));
        let names = text.lines().filter_map(|line| line.strip_prefix("Environment=")?.split('=').next());
        none(known.complaints(whose, unit, names.map(str::to_owned)));
        let names = assignments(&deployed(&format!("systemd/{example}"))).into_iter().map(|(name, _)| name);
        none(known.complaints(whose, example, names));
        assert!(text.contains(&format!("EnvironmentFile=/etc/business-metrics/{example}")), "{unit}");
    }
    // Of a command that operators run, without a unit.
    let names = assignments(&deployed("systemd/eraser.env")).into_iter().map(|(name, _)| name);
    none(known.complaints(Whose::Consumer, "eraser.env", names));
}

#[test]
fn all_units_give_up_the_same_rights() {
    let rights = |unit: &str| {
        let text = deployed(&format!("systemd/{unit}"));
        let (_, rest) = text.split_once("\nDynamicUser=yes\n").unwrap_or_else(|| panic!("{unit}: no user"));
        rest.split("\n\n").next().unwrap_or_default().trim().to_owned()
    };
    let [first, others @ ..] = UNITS.map(|(unit, _, _)| rights(unit));
    assert!(first.contains("ProtectSystem=strict") && first.contains("NoNewPrivileges=yes"), "{first}");
    assert!(others.iter().all(|other| *other == first), "{first}\n---\n{}", others.join("\n---\n"));
}

#[test]
fn systemd_accepts_the_units() {
    if Environment::read().find("systemd-analyze").is_none() {
        return say::line("skipped: units by systemd, for there is no systemd-analyze here");
    }
    let folder = workspace::new_run("units").expect("a folder");
    let mut paths = Vec::new();
    for (unit, _, _) in UNITS {
        // The binaries are not installed here, and systemd looks whether they are.
        let text = deployed(&format!("systemd/{unit}")).replace("=/usr/local/bin/consumer", "=/bin/true");
        let text = text.replace("=/usr/local/bin/query-api", "=/bin/true");
        let path = folder.join(unit);
        std::fs::write(&path, text).expect("a file");
        paths.push(path);
    }
    let analyze = |args: &[&str], path: &std::path::Path| {
        let said = Command::new("systemd-analyze").args(args).arg(path).output().expect("systemd-analyze");
        let errors = String::from_utf8_lossy(&said.stderr).into_owned();
        (said.status.success() && errors.is_empty(), errors)
    };
    for path in &paths {
        for args in [&["verify"][..], &["security", "--offline=true", EXPOSURE_MAX]] {
            let (accepted, errors) = analyze(args, path);
            assert!(accepted, "systemd-analyze {args:?} {}: {errors}", path.display());
        }
    }
    let wrong = folder.join("wrong.service");
    std::fs::write(&wrong, "[Service]\nExecStart=/bin/true\nProtectSystems=strict\n").expect("a file");
    assert!(!analyze(&["verify"], &wrong).0, "it accepts what is wrong");
}
