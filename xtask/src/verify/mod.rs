//! `cargo verify`: every check, one after the other. All of them run, even if some fail.

mod advisories;
mod failures;
mod slowest;
mod tail;

use advisories::Verdict;
use clap::Args;
use failures::Failures;
use machine::environment::Environment;
use machine::plan::Plan;
use machine::{examples, page, pooler, prometheus, say, workspace};
use slowest::Slowest;
use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use tail::Tail;

/// How many lines of a failed check are repeated at the end: its last ones, which say why.
const WORDS_MAX: usize = 15;

/// Options of `cargo verify`.
#[derive(Clone, Copy, Debug, Args)]
pub struct Options {
    /// Fail if a check was skipped because this machine lacks something
    #[arg(long)]
    complete: bool,
}

/// A check, which passes if all of its commands succeed.
struct Check {
    name: &'static str,
    work: Work,
}

/// The commands of a check.
enum Work {
    /// A cargo command.
    Cargo(Cargo),
    Npm(Npm),
    /// What is known against npm's packages.
    Advisories,
}

/// npm commands in a folder, one after the other, after fetching its packages.
struct Npm {
    folder: fn() -> PathBuf,
    commands: &'static [&'static [&'static str]],
    /// Whether they need a browser, which is given to them.
    browser: bool,
}

struct Cargo {
    args: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
    /// What cargo needs in addition: a command that shows whether it is installed, and how to install it.
    needs: Option<(&'static [&'static str], &'static str)>,
}

/// Commands that take too long, or need too much, to be part of this.
const NOT_RUN: [(&str, &str); 10] = [
    ("cargo xtask chaos", "faults in combination, for minutes or hours (a minute of it is one of the tests)"),
    ("cargo xtask simulate", "10,000 simulated worlds (some hundred are among the tests)"),
    (
        "cargo xtask images",
        "the images built and run; as root, with buildah, podman and debootstrap, 10 to 20 minutes the first time",
    ),
    (
        "cargo xtask kubernetes",
        "the chart by helm, kubeconform and a real API server; go builds these, 10 to 30 minutes the first time",
    ),
    ("cargo xtask bench all", "the figures of the README; an hour on a quiet machine"),
    (
        "cargo xtask bench upgrade --former FILE",
        "an upgrade beside an older build, with 100,000,000 rows and 45 GB of disk",
    ),
    (
        "npm run lighthouse",
        "in dashboard/: Lighthouse's scores of the page on a throttled phone; npm fetches it",
    ),
    ("npm run idle", "in dashboard/: what the page costs in 20 minutes of live mode"),
    (
        "cargo deny check",
        "advisories, licences and sources of the crates, by deny.toml (cargo install cargo-deny takes minutes)",
    ),
    ("cargo cyclonedx --format json", "a bill of materials for each crate (cargo install cargo-cyclonedx)"),
];

/// Tests that need what no machine has by itself.
const NODES: (&str, &str) = (
    "CITUS_URL=... cargo test -p tests citus",
    "the stories about many nodes: CITUS_URL is not set (docs/scaling.md says what they need)",
);

/// The story about the contract that needs a program of its own.
const SCHEMATHESIS: &str = "requests made of the contract: schemathesis is not installed (pip install schemathesis, in a virtual environment on PATH)";

/// All checks: the quick ones first, and the page before its pictures and the tests, which visit it.
const CHECKS: [Check; 10] = [
    Check {
        name: "format",
        work: Work::Cargo(Cargo {
            args: &["fmt", "--all", "--check"],
            env: &[],
            needs: Some((&["fmt", "--version"], "rustfmt is not installed (rustup component add rustfmt)")),
        }),
    },
    Check {
        name: "contract",
        work: Work::Npm(Npm { folder: contract, commands: &[&["test"]], browser: false }),
    },
    Check {
        name: "client",
        work: Work::Npm(Npm { folder: page::client, commands: &[&["test"]], browser: false }),
    },
    Check {
        name: "dashboard",
        work: Work::Npm(Npm {
            folder: page::folder,
            commands: &[&["test"], &["run", "build"], &["run", "budget"]],
            browser: false,
        }),
    },
    Check {
        name: "pictures",
        work: Work::Npm(Npm { folder: page::folder, commands: &[&["run", "pictures"]], browser: true }),
    },
    Check { name: "advisories", work: Work::Advisories },
    Check {
        name: "clippy",
        work: Work::Cargo(Cargo {
            args: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
            env: &[],
            needs: Some((&["clippy", "--version"], "clippy is not installed (rustup component add clippy)")),
        }),
    },
    Check {
        name: "examples",
        work: Work::Cargo(Cargo { args: &["test", "--workspace", "--doc"], env: &[], needs: None }),
    },
    Check {
        name: "tests",
        work: Work::Cargo(Cargo {
            args: &["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"],
            env: &[],
            needs: None,
        }),
    },
    Check {
        name: "documentation",
        work: Work::Cargo(Cargo {
            args: &["doc", "--workspace", "--no-deps"],
            env: &[("RUSTDOCFLAGS", "-D warnings")],
            needs: None,
        }),
    },
];

/// What is told of the tests at the end.
struct Tests {
    slowest: Slowest,
    failures: Failures,
}

impl Tests {
    fn begin() -> Self {
        Self { slowest: Slowest::begin(), failures: Failures::default() }
    }

    fn take(&mut self, line: &str) {
        self.slowest.take(line);
        self.failures.take(line);
    }
}

/// What has come of a check, how long it took, and its last words.
struct Ran {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
    words: Words,
}

type Words = Tail<WORDS_MAX>;

enum Outcome {
    Passed,
    Failed,
    Skipped(String),
    /// Somebody else, who isn't needed for anything, gives no answer.
    Unanswered,
}

/// Prints what can't be checked here, runs all checks, and ends with a table of them, what failed tests said, the slowest tests,
/// what was skipped, the last words of each check that failed, and a line that says whether all is well.
///
/// # Errors
/// When cargo or npm can't be run.
pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let environment = Environment::read();
    let began = Instant::now();
    let (lacking, not_run) = (lacking(&environment), not_run(&environment));
    preview(&lacking, &not_run);
    let (mut rows, mut tests) = (Vec::new(), Tests::begin());
    for check in &CHECKS {
        let (since, mut words) = (Instant::now(), Words::default());
        let outcome = check.run(&environment, &mut tests, &mut words)?;
        rows.push(Ran { name: check.name, outcome, took: since.elapsed(), words });
    }
    let skipped = skipped(&rows, lacking);
    report(&rows, began.elapsed(), &tests, &skipped, &not_run);
    let end = End::of(&rows, &skipped, options.complete);
    rows.iter().for_each(Ran::repeat);
    say::line(&end);
    Ok(if matches!(end, End::Passed { .. }) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the tests can't show on this machine.
fn lacking(environment: &Environment) -> Vec<String> {
    let browser = page::browser_shortcoming(environment).map(|why| format!("the page in a browser: {why}"));
    let contract = environment.find("schemathesis").is_none().then(|| SCHEMATHESIS.to_owned());
    let others = contract.into_iter().chain(Plan::find(environment).shortcomings());
    let stories = others.chain(pooler::shortcoming(environment)).chain(prometheus::shortcoming(environment));
    let stories = stories.chain(examples::shortcomings(environment));
    browser.into_iter().chain(stories).collect()
}

/// What is not part of this, as commands and what they do.
fn not_run(environment: &Environment) -> Vec<(&'static str, &'static str)> {
    let nodes = environment.citus_url.is_none().then_some(NODES);
    NOT_RUN.into_iter().chain(nodes).collect()
}

/// Prints which checks will run and which will not, before the first minute is spent.
fn preview(lacking: &[String], not_run: &[(&str, &str)]) {
    let names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
    say::line(format_args!(
        "checks: {}; three quarters of an hour or more if nothing is built yet",
        names.join(", ")
    ));
    lacking.iter().for_each(|what| say::line(format_args!("will skip {what}")));
    not_run
        .iter()
        .for_each(|(command, what)| say::line(format_args!("not part of this: `{command}`, {what}")));
}

impl Check {
    fn run(
        &self,
        environment: &Environment,
        tests: &mut Tests,
        words: &mut Words,
    ) -> anyhow::Result<Outcome> {
        let begin = |what: &str| say::line(format_args!("\n=== {}: {what}", self.name));
        match &self.work {
            Work::Cargo(cargo) => {
                begin(&format!("cargo {}", cargo.args.join(" ")));
                cargo.run(tests, words)
            }
            Work::Npm(npm) => {
                begin(&format!("npm in {}", (npm.folder)().display()));
                npm.run(environment, words)
            }
            Work::Advisories => {
                begin("npm audit");
                if let Some(missing) = page::build_shortcoming(environment) {
                    return Ok(skip(missing));
                }
                let tell = |line: &str| {
                    words.take(line);
                    say::line(line);
                };
                Ok(match advisories::ask(tell)? {
                    Verdict::Good => Outcome::Passed,
                    Verdict::Bad => Outcome::Failed,
                    Verdict::Unanswered => Outcome::Unanswered,
                })
            }
        }
    }
}

/// Stories wait more than they work: one more than there are processors keeps these busy.
fn tests_at_once() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from) + 1
}

impl Cargo {
    /// Passes its output on line by line, and takes from it what is told of the tests at the end.
    fn run(&self, tests: &mut Tests, words: &mut Words) -> anyhow::Result<Outcome> {
        if let Some((probe, missing)) = self.needs {
            let there = cargo(probe).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
            if !there.success() {
                return Ok(skip(missing.to_owned()));
            }
        }
        let mut command = cargo(self.args);
        command.env("RUST_TEST_THREADS", tests_at_once().to_string()).envs(self.env.iter().copied());
        let succeeded = listen(command, |line| {
            tests.take(line);
            words.take(line);
            say::line(line);
        })?;
        Ok(if succeeded { Outcome::Passed } else { Outcome::Failed })
    }
}

/// Runs a command, and passes on each line that it says, its errors among them. Returns whether it succeeded.
fn listen(mut command: Command, mut take: impl FnMut(&str)) -> anyhow::Result<bool> {
    let (output, input) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input);
    let mut child = command.spawn()?;
    drop(command); // and its ends of the pipe: the output ends when the command does
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line)? > 0 {
        // Tests print what they like, be it text or not.
        take(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(child.wait()?.success())
}

impl Npm {
    /// Prints a line for each command, what it notes, and all output of one that fails. Stops there.
    fn run(&self, environment: &Environment, words: &mut Words) -> anyhow::Result<Outcome> {
        let browser = if self.browser { page::browser_shortcoming(environment) } else { None };
        if let Some(missing) = page::build_shortcoming(environment).or(browser) {
            return Ok(skip(missing));
        }
        let folder = (self.folder)();
        let fetch = (!page::is_fetched(&folder)).then_some(&["ci"][..]);
        for args in fetch.into_iter().chain(self.commands.iter().copied()) {
            say::line(format_args!("npm {}", args.join(" ")));
            let mut command = page::npm(&folder, args);
            if self.browser {
                command.envs(page::browser(environment).map(|browser| ("CHROMIUM", browser)));
            }
            let mut lines = Vec::new();
            let succeeded = listen(command, |line| {
                words.take(line);
                lines.push(line.to_owned());
            })?;
            if !succeeded {
                lines.iter().for_each(say::line);
                return Ok(Outcome::Failed);
            }
            notes(&lines).for_each(say::line);
        }
        Ok(Outcome::Passed)
    }
}

/// The lines of a command's output that are to be seen even if it succeeds.
fn notes(output: &[String]) -> impl Iterator<Item = &str> {
    output.iter().map(|line| line.trim()).filter(|line| line.starts_with("note: "))
}

/// The folder of the records' contract for tools, and its checks.
fn contract() -> PathBuf {
    workspace::root().join("contract")
}

fn skip(why: String) -> Outcome {
    say::line(&why);
    Outcome::Skipped(why)
}

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    // Its output is read here, and colours would be in the way.
    command.args(args).current_dir(workspace::root()).env("CARGO_TERM_COLOR", "never").stdin(Stdio::null());
    command
}

/// Checks that did not run, and what the tests could not show.
fn skipped(rows: &[Ran], lacking: Vec<String>) -> Vec<String> {
    let checks = rows.iter().filter_map(|Ran { name, outcome, .. }| match outcome {
        Outcome::Skipped(why) => Some(format!("{name}: {why}")),
        Outcome::Passed | Outcome::Failed | Outcome::Unanswered => None,
    });
    checks.chain(lacking).collect()
}

fn report(rows: &[Ran], took: Duration, tests: &Tests, skipped: &[String], not_run: &[(&str, &str)]) {
    say::line("\ncheck            time      result");
    for Ran { name, outcome, took, .. } in rows {
        say::line(format_args!("{name:<15}{:>6.1} s  {outcome}", took.as_secs_f64()));
    }
    say::line(format_args!("{:<15}{:>6.1} s\n", "in all", took.as_secs_f64()));
    tests.failures.lines().for_each(say::line);
    tests.slowest.lines().iter().for_each(say::line);
    match skipped {
        [] => say::line("skipped: nothing"),
        _ => skipped.iter().for_each(|what| say::line(format_args!("skipped: {what}"))),
    }
    not_run.iter().for_each(|(command, what)| say::line(format_args!("not run: `{command}`, {what}")));
}

impl Ran {
    fn has_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed)
    }

    /// Prints its last words once more, if it has failed.
    fn repeat(&self) {
        if self.has_failed() {
            say::line(format_args!("FAILED: {}", self.name));
            self.words.lines().for_each(say::line);
        }
    }
}

/// What has come of all checks: the last line, which says the same as the exit code.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Whatever ran has passed, and so much was skipped.
    Passed { skipped: usize },
    /// These checks have failed.
    Failed(Vec<&'static str>),
    /// Nothing failed, but this was skipped, and nothing was to be.
    Incomplete(Vec<String>),
}

impl End {
    fn of(rows: &[Ran], skipped: &[String], is_complete_wanted: bool) -> Self {
        let failed: Vec<_> = rows.iter().filter(|row| row.has_failed()).map(|row| row.name).collect();
        // What comes before the colon is the matter, and what comes after it the reason.
        let matter = |what: &String| what.split(':').next().unwrap_or_default().to_owned();
        match (failed.is_empty(), is_complete_wanted && !skipped.is_empty()) {
            (false, _) => Self::Failed(failed),
            (true, true) => Self::Incomplete(skipped.iter().map(matter).collect()),
            (true, false) => Self::Passed { skipped: skipped.len() },
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed { skipped: 0 } => f.write_str("verify: passed"),
            Self::Passed { skipped } => write!(f, "verify: passed ({skipped} skipped)"),
            Self::Failed(checks) => write!(f, "verify: FAILED: {}", checks.join(", ")),
            Self::Incomplete(skipped) => write!(f, "verify: incomplete: {}", skipped.join(", ")),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Skipped(_) => "skipped",
            Self::Unanswered => "no answer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_notes_is_told() {
        let output =
            ["> playwright test", "", " note: the browser is another one", "ok 1 week", "no note: of this"];
        let output = output.map(str::to_owned);
        assert_eq!(notes(&output).collect::<Vec<_>>(), ["note: the browser is another one"]);
    }

    #[test]
    fn the_last_line_says_what_failed_or_what_was_missing() {
        let ran = |name, outcome| Ran { name, outcome, took: Duration::ZERO, words: Words::default() };
        let check = |outcomes: [Outcome; 3], skipped: &[&str], is_complete_wanted, expected: &str| {
            let [one, two, three] = outcomes;
            let rows = [ran("format", one), ran("pictures", two), ran("clippy", three)];
            let skipped: Vec<_> = skipped.iter().map(ToString::to_string).collect();
            assert_eq!(End::of(&rows, &skipped, is_complete_wanted).to_string(), expected);
        };
        use Outcome::{Failed, Passed, Unanswered};
        check([Passed, Passed, Unanswered], &[], true, "verify: passed");
        check([Passed, Passed, Passed], &["Redis: it is missing"], false, "verify: passed (1 skipped)");
        let missing = ["Redis: it is missing", "clients: npm: 9"];
        check([Passed, Passed, Passed], &missing, true, "verify: incomplete: Redis, clients");
        check([Passed, Failed, Failed], &missing, true, "verify: FAILED: pictures, clippy");
        check([Failed, Passed, Unanswered], &[], false, "verify: FAILED: format");
    }

    #[test]
    fn a_command_is_listened_to_to_its_end_and_its_errors_are_among_its_lines() {
        let hear = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            let mut lines = Vec::new();
            let succeeded = listen(command, |line| lines.push(line.to_owned())).expect("a shell");
            (succeeded, lines)
        };
        let expected = ["one", "two", "three"].map(str::to_owned).to_vec();
        assert_eq!(hear("echo one; echo two >&2; printf three"), (true, expected));
        assert_eq!(hear("echo one; exit 3"), (false, vec!["one".to_owned()]));
    }
}
