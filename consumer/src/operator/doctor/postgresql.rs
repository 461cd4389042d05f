//! PostgreSQL, asked and judged.

use super::check::Check;
use super::finding::Finding;
use super::settings::Doctor;
use super::time::left;
use crate::clock::Clock;
use crate::limits::WATCH;
use crate::record::Topic;
use crate::record::layouts::Layouts;
use crate::store::{self, Error, OperatorConnection, ProgressRow, SchemaSeen, ServerSeen, SessionsMax};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The oldest version of PostgreSQL that the schema supports.
const VERSION_MIN: i32 = 150_000;
/// Sessions of a member: to claim and read, to write, for upkeep, and for the probe.
const SESSIONS_OF_A_MEMBER: u32 = 4;
/// Sessions beside members: an operator's command.
const SESSIONS_BESIDE: u32 = 1;

/// PostgreSQL as it was seen, until it failed or all was asked.
#[derive(Debug, Default)]
pub struct Database {
    /// What it is set to.
    pub server: Option<ServerSeen>,
    /// This machine's clock beside its own, in seconds, and whether they are too far apart.
    pub clock: Option<(f64, bool)>,
    /// How the schema stands.
    pub schema: Option<SchemaSeen>,
    /// The rights that the role lacks.
    pub lacking: Option<Vec<String>>,
    /// The progress.
    pub progress: Option<Progress>,
    /// What failed.
    pub failed: Option<Error>,
}

/// How far the topics are counted.
#[derive(Debug)]
pub struct Progress {
    /// All partitions.
    pub rows: Vec<ProgressRow>,
    /// Whether one of them moved while it was watched.
    pub moved: bool,
    /// Sessions of members in the database.
    pub sessions: i64,
    /// The database's time.
    pub now: DateTime<Utc>,
    /// The layouts of each topic.
    pub layouts: HashMap<Topic, Layouts>,
}

impl Progress {
    /// How long ago a partition moved last; `None` if none ever has.
    pub fn still_for(&self) -> Option<Duration> {
        let moved_at = self.rows.iter().map(|row| row.updated_at).max()?;
        Some((self.now - moved_at).to_std().unwrap_or_default())
    }
}

/// Asks PostgreSQL: for the progress once `begun` ends. Drops `counted` when that was read, or won't be.
pub async fn ask(settings: &Doctor, begun: oneshot::Receiver<()>, counted: oneshot::Sender<()>) -> Database {
    let mut seen = Database::default();
    let asked = fill(settings, &mut seen, begun).await;
    drop(counted);
    Database { failed: asked.err(), ..seen }
}

async fn fill(settings: &Doctor, seen: &mut Database, begun: oneshot::Receiver<()>) -> Result<(), Error> {
    let deadline = Instant::now() + settings.wait;
    let Some(connection) = in_time(settings.wait, server(settings, seen)).await? else { return Ok(()) };
    // What Kafka takes is not of PostgreSQL's time.
    let rest = left(deadline);
    // Nothing is sent: that the other end is gone is the sign.
    let _ = begun.await;
    seen.progress = Some(in_time(rest + WATCH, progress(settings, &connection)).await?);
    Ok(())
}

async fn in_time<T>(limit: Duration, asking: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(limit, asking).await.unwrap_or(Err(Error::Timeout(limit)))
}

/// Asks one thing after the other. What a role may not see, or an older schema doesn't have, is not asked for. The connection, if
/// the progress may be read by it.
async fn server(settings: &Doctor, seen: &mut Database) -> Result<Option<OperatorConnection>, Error> {
    let connection = OperatorConnection::examine(&settings.member.database, settings.wait).await?;
    seen.server = Some(connection.server().await?);
    let clock = Clock::new(settings.member.clock);
    connection.read_clock(&clock).await?;
    seen.clock = Some((clock.skew().as_seconds_f64(), clock.is_off()));
    let schema = seen.schema.insert(connection.schema().await?);
    if schema.unusable.is_some() || !schema.missing.is_empty() {
        return Ok(None);
    }
    let lacking = seen.lacking.insert(connection.rights_lacking().await?);
    let may_read = lacking.is_empty();
    Ok(may_read.then_some(connection))
}

/// Watches the progress for as long as a member that counts takes to move it.
async fn progress(settings: &Doctor, connection: &OperatorConnection) -> Result<Progress, Error> {
    let before = connection.progress_rows(None).await?;
    if before.iter().any(|row| row.owner.is_some()) {
        tokio::time::sleep(WATCH).await;
    }
    let rows = connection.progress_rows(None).await?;
    let mut layouts = HashMap::new();
    for topic in Topic::ALL {
        let name = settings.member.source.topics.of(topic);
        let id = rows.iter().filter(|row| row.place.topic == name).find_map(|row| row.topic_id.as_deref());
        layouts.insert(topic, connection.layouts(name, id.unwrap_or_default()).await?);
    }
    Ok(Progress {
        moved: rows != before,
        sessions: connection.sessions_of_members().await?,
        now: connection.now().await?,
        rows,
        layouts,
    })
}

/// What PostgreSQL is like for so many members.
pub fn judge(database: &Database, members: u32) -> Vec<Finding> {
    let Database { server, clock, schema, lacking, failed, .. } = database;
    let mut findings = Vec::new();
    let failure = failed.as_ref().map(failure);
    if failure.as_ref().is_none_or(|failure| failure.check != Check::Postgresql) {
        findings.push(Finding::ok(Check::Postgresql, "answers"));
    }
    let of_rights = failure.as_ref().is_some_and(|failure| failure.check == Check::RoleRights);
    findings.extend(failure);
    findings.extend(server.iter().flat_map(|server| of_server(server, members)));
    findings.extend(clock.iter().map(|(skew, is_off)| of_clock(*skew, *is_off)));
    findings.extend(schema.iter().flat_map(of_schema));
    // A right whose lack has made a question fail is named already.
    findings.extend(lacking.iter().filter(|_| !of_rights).map(|lacking| of_rights_lacking(lacking)));
    findings
}

fn failure(error: &Error) -> Finding {
    let check = if matches!(error, Error::Unusable(_)) {
        Check::PostgresqlPooler
    } else if error.is_about_login() {
        Check::PostgresqlLogin
    } else if error.is_about_rights() {
        Check::RoleRights
    } else {
        Check::Postgresql
    };
    match store::remedy(error) {
        Some(remedy) => Finding::bad(check, error.to_string()).remedied_by(remedy),
        None => Finding::told(check, &error.to_string()),
    }
}

fn of_server(server: &ServerSeen, members: u32) -> Vec<Finding> {
    let ServerSeen { version, version_text, role, is_superuser, off, sessions } = server;
    let may = if *is_superuser { "may do anything (superuser)" } else { "is no superuser" };
    let durable = if off.is_empty() {
        "fsync, full_page_writes and synchronous_commit are on".to_owned()
    } else {
        format!("off: {}", off.join(", "))
    };
    vec![
        Finding::ok(Check::PostgresqlLogin, format!("{role} is let in")),
        Finding::ok(Check::PostgresqlPooler, "connections keep their sessions"),
        Finding::of(Check::PostgresqlVersion, *version >= VERSION_MIN, format!("version {version_text}")),
        Finding::of(Check::RoleSuperuser, !is_superuser, format!("{role} {may}")),
        of_sessions(*sessions, members),
        Finding::of(Check::Durability, off.is_empty(), durable),
    ]
}

fn of_sessions(sessions: SessionsMax, members: u32) -> Finding {
    let SessionsMax { server, database, role } = sessions;
    let limits = [("the server", server), ("the database", database), ("the role", role)];
    let limits = limits.into_iter().filter_map(|(of, limit)| Some((of, u32::try_from(limit).ok()?)));
    let (of, limit) = limits.min_by_key(|(_, limit)| *limit).unwrap_or(("the server", 0));
    let needed = members.saturating_mul(SESSIONS_OF_A_MEMBER).saturating_add(SESSIONS_BESIDE);
    let seen = format!("{members} members and a command need {needed} connections; {of} allows {limit}");
    Finding::of(Check::Connections, needed <= limit, seen)
}

fn of_clock(skew: f64, is_off: bool) -> Finding {
    let side = if skew < 0.0 { "behind" } else { "ahead of" };
    let seen = format!("this machine's clock is {:.1} s {side} the database's", skew.abs());
    Finding::of(Check::Clock, !is_off, seen)
}

fn of_schema(schema: &SchemaSeen) -> Vec<Finding> {
    let SchemaSeen { unusable, missing, later } = schema;
    let encoding = match unusable {
        None => Finding::ok(Check::PostgresqlEncoding, "the database's encoding is UTF8"),
        Some(why) => Finding::bad(Check::PostgresqlEncoding, why),
    };
    let lacks = if missing.is_empty() {
        "the schema has all migrations of this version".to_owned()
    } else {
        format!("the schema lacks {}", missing.join(", "))
    };
    let has = if later.is_empty() {
        "the schema has no migration of a later version".to_owned()
    } else {
        format!("the schema has {}, which this version doesn't know", later.join(", "))
    };
    vec![
        encoding,
        Finding::of(Check::SchemaOlder, missing.is_empty(), lacks),
        Finding::of(Check::SchemaNewer, later.is_empty(), has),
    ]
}

fn of_rights_lacking(lacking: &[String]) -> Finding {
    let seen = if lacking.is_empty() {
        "the role has all rights that a member needs".to_owned()
    } else {
        format!("the role lacks {}", lacking.join(", "))
    };
    Finding::of(Check::RoleRights, lacking.is_empty(), seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::doctor::finding::codes_of_bad;

    fn sound() -> ServerSeen {
        ServerSeen {
            version: 150_018,
            version_text: "15.18".into(),
            role: "business_metrics_consumer".into(),
            is_superuser: false,
            off: Vec::new(),
            sessions: SessionsMax { server: 97, database: -1, role: -1 },
        }
    }

    fn bad(database: &Database, members: u32) -> Vec<&'static str> {
        codes_of_bad(&judge(database, members))
    }

    #[test]
    fn each_thing_that_is_not_sound_is_one_finding() {
        let check = |server: ServerSeen, members, expected: &[&str]| {
            let database = Database { server: Some(server.clone()), ..Database::default() };
            assert_eq!(bad(&database, members), expected, "{members} members, {server:?}");
        };
        check(sound(), 24, &[]);
        check(sound(), 25, &["connections"]);
        check(ServerSeen { version: 149_999, ..sound() }, 1, &["postgresql-version"]);
        check(ServerSeen { is_superuser: true, ..sound() }, 1, &["role-superuser"]);
        check(ServerSeen { off: vec!["fsync".into()], ..sound() }, 1, &["durability"]);
        let limited =
            |database, role| ServerSeen { sessions: SessionsMax { server: 97, database, role }, ..sound() };
        check(limited(5, -1), 1, &[]);
        check(limited(4, -1), 1, &["connections"]);
        check(limited(-1, 4), 1, &["connections"]);
    }

    #[test]
    fn schema_rights_and_clock_are_told() {
        let check =
            |database: Database, expected: &[&str]| assert_eq!(bad(&database, 1), expected, "{database:?}");
        let schema = |schema| Database { schema: Some(schema), ..Database::default() };
        let names = || vec!["V99__x".to_owned()];
        check(schema(SchemaSeen::default()), &[]);
        check(schema(SchemaSeen { missing: names(), ..SchemaSeen::default() }), &["schema-older"]);
        check(schema(SchemaSeen { later: names(), ..SchemaSeen::default() }), &["schema-newer"]);
        let latin = SchemaSeen { unusable: Some("LATIN1".into()), ..SchemaSeen::default() };
        check(schema(latin), &["postgresql-encoding"]);
        let lacking = Some(vec!["INSERT on t".to_owned()]);
        check(Database { lacking, ..Database::default() }, &["role-rights"]);
        check(Database { clock: Some((-7.0, true)), ..Database::default() }, &["clock"]);
        check(Database { clock: Some((4.0, false)), ..Database::default() }, &[]);
    }

    #[test]
    fn a_failure_is_told_with_all_that_was_seen_before() {
        let silent = Database {
            server: Some(ServerSeen { is_superuser: true, ..sound() }),
            failed: Some(Error::Timeout(Duration::from_secs(1))),
            ..Database::default()
        };
        assert_eq!(bad(&silent, 1), ["postgresql", "role-superuser"]);
        let pooler = Database { failed: Some(Error::Unusable("shared".into())), ..Database::default() };
        assert_eq!(bad(&pooler, 1), ["postgresql-pooler"]);
    }
}
