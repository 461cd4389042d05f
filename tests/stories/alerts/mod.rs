//! Alerts: a real Prometheus fires each of those that are shipped on the running system, and none while it is well.
//!
//! ```text
//! shipped    the files: rules with their promtool tests and pages, dashboards
//! healthy    nothing fires, and every expression asks for metrics that exist
//! producers | members | answers    what goes wrong, and the alerts that fire for it
//! runbooks   the commands and queries of the alerts' pages
//! ```
//! Minutes of the rules last a second here: `stack::Prometheus` says how, and what that leaves for promtool.

mod answers;
mod healthy;
mod members;
mod producers;
mod runbooks;
mod shipped;

pub use runbooks::is_of_an_alert;

use machine::prometheus::{MISSING, Programs};
use machine::{say, workspace};
use stack::wait::{self, Seen};
use stack::{Alert, Prometheus};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use tests::{Api, Member, Stack};

/// How long alerts may take to fire: the longest that a condition of the rules has to hold, a window before that, and the time in
/// which Prometheus finds its targets.
const FIRE_LIMIT: Duration = Duration::from_secs(120);

/// How far apart something is done again for as long as alerts are waited for.
const PROVOKED_APART: Duration = Duration::from_millis(300);

/// How far apart alerts are looked at. Rules are evaluated once a second.
const LOOKED_APART: Duration = Duration::from_millis(250);

/// Labels whose values the texts of an alert must name.
const NAMED: [&str; 6] = ["topic", "partition", "condition", "task", "reason", "instance"];

/// How an alert is shown to fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// In this story.
    By(&'static str),
    /// By promtool alone, because no story can bring it about, for this reason.
    ByPromtool(&'static str),
}

const PRODUCERS: Shown = Shown::By("what_producers_do_wrong_fires_its_alerts");
const MEMBERS: Shown = Shown::By("members_that_fail_or_die_fire_their_alerts");
const ANSWERS: Shown = Shown::By("what_keeps_people_from_answers_fires_its_alerts");

/// Every alert of the rules.
const TABLE: &[(&str, Shown)] = &[
    ("ConsumerAnnouncementsLost", PRODUCERS),
    ("ConsumerClockSkew", MEMBERS),
    ("ConsumerCompletenessStalled", MEMBERS),
    ("ConsumerContradictions", PRODUCERS),
    ("ConsumerDeadLetterFlood", PRODUCERS),
    ("ConsumerDeadLetters", PRODUCERS),
    ("ConsumerDeliveredExceedsSent", PRODUCERS),
    ("ConsumerDown", MEMBERS),
    ("ConsumerFenced", MEMBERS),
    ("ConsumerLagGrowing", PRODUCERS),
    ("ConsumerLagging", PRODUCERS),
    ("ConsumerMisplacedRecords", PRODUCERS),
    ("ConsumerNotReady", PRODUCERS),
    ("ConsumerOpenTransaction", PRODUCERS),
    ("ConsumerPartitionStopped", PRODUCERS),
    ("ConsumerPostgresqlFailures", MEMBERS),
    ("ConsumerUpkeepFailing", PRODUCERS),
    ("InstanceDown", MEMBERS),
    ("QueryApiConnectionsFull", ANSWERS),
    ("QueryApiDown", ANSWERS),
    ("QueryApiErrors", ANSWERS),
    ("QueryApiInternalErrors", Shown::ByPromtool("it needs a fault in the code of the API")),
    ("QueryApiLoadsShed", ANSWERS),
    ("QueryApiNotReady", ANSWERS),
    ("QueryApiPoolExhausted", ANSWERS),
    ("QueryApiPostgresqlAway", ANSWERS),
    ("QueryApiRedisAway", ANSWERS),
    ("QueryApiSlow", ANSWERS),
    ("QueryApiStale", ANSWERS),
    ("QueryApiTokensRefused", ANSWERS),
    ("QueryApiWebhooksDead", ANSWERS),
    ("QueryApiWebhooksOverdue", ANSWERS),
];

/// The rules that are shipped.
fn rules() -> String {
    workspace::deploy_file("prometheus/rules.yaml").expect("the rules")
}

/// A Prometheus over a story's programs, and the alerts that the story has seen it fire.
struct Watch {
    prometheus: Prometheus,
    targets: usize,
    fired: BTreeSet<String>,
}

impl Watch {
    /// Watches programs that run already. `None`, after printing why, if this machine has no Prometheus.
    async fn over(stack: &Stack, members: &[&Member], apis: &[&Api]) -> Option<Self> {
        let environment = stack.services().environment();
        let Some(programs) = Programs::find(environment) else {
            say::line(format_args!("skipped: {MISSING}"));
            return None;
        };
        let members: Vec<SocketAddr> = members.iter().map(|member| member.admin_address()).collect();
        let apis: Vec<SocketAddr> = apis.iter().map(|api| api.admin_address()).collect();
        let targets = members.len() + apis.len();
        let jobs = [("consumer", members), ("query-api", apis)];
        let started = Prometheus::start(&programs, &rules(), &jobs, stack.folder(), environment).await;
        Some(Self { prometheus: started.expect("Prometheus"), targets, fired: BTreeSet::new() })
    }

    /// Waits until each of these has fired, while `provoke` is done again and again. What they tell people must be about what has
    /// happened.
    async fn until_firing(&mut self, names: &[&str], provoke: impl AsyncFnMut()) {
        tokio::select! {
            () = self.each_of(names) => (),
            never = again_and_again(provoke) => match never {},
        }
        self.fired.extend(names.iter().map(ToString::to_string));
    }

    /// They need not fire all at the same time: on a busy machine an alert may be over before another begins.
    async fn each_of(&self, names: &[&str]) {
        let mut missing: BTreeSet<&str> = names.iter().copied().collect();
        let firing = wait::until("alerts to fire", FIRE_LIMIT, async || {
            for alert in self.look().await? {
                check_texts(&alert);
                missing.remove(alert.name());
            }
            Ok(Seen::when(missing.is_empty(), format!("{missing:?} have not")))
        });
        firing.await.expect("alerts that fire");
    }

    /// Waits until this alert doesn't fire.
    async fn until_quiet(&self, name: &str) {
        let quiet = wait::until("an alert to be quiet", FIRE_LIMIT, async || {
            let firing = self.look().await?;
            Ok(Seen::when(!firing.iter().any(|alert| alert.name() == name), format!("{name} fires")))
        });
        quiet.await.expect("a quiet alert");
    }

    /// Waits until every target was scraped, and what fires for targets that were not is quiet again.
    async fn until_all_is_seen(&self) {
        let seen = wait::until("all targets to be scraped", FIRE_LIMIT, async || {
            let (up, firing) = (self.prometheus.series("up == 1")?, self.look().await?);
            Ok(Seen::when(up == self.targets && firing.is_empty(), format!("{up} are up; {firing:?}")))
        });
        seen.await.expect("targets that are scraped");
    }

    async fn look(&self) -> anyhow::Result<Vec<Alert>> {
        wait::pass(LOOKED_APART).await;
        self.prometheus.firing()
    }

    /// Fails unless the story has seen all of the table's alerts that it is named for.
    fn has_seen_all_of(&self, story: Shown) {
        let named = TABLE.iter().filter(|(_, shown)| *shown == story);
        let named: BTreeSet<String> = named.map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(self.fired, named, "the alerts of {story:?}");
    }
}

async fn again_and_again(mut provoke: impl AsyncFnMut()) -> Infallible {
    loop {
        provoke().await;
        wait::pass(PROVOKED_APART).await;
    }
}

/// The texts of an alert are whole, and name what it is about.
fn check_texts(alert: &Alert) {
    let told: String = alert.annotations.values().map(|text| format!("{text}\n")).collect();
    for wrong in ["<no value>", "<error", "%!", "{{"] {
        assert!(!told.contains(wrong), "{wrong}: {alert:#?}");
    }
    for label in NAMED.iter().filter_map(|name| alert.labels.get(*name)) {
        assert!(told.contains(label), "{label} is not named: {alert:#?}");
    }
}
