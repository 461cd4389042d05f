//! Redis, judged. Pure.

use super::check::Check;
use super::finding::Finding;
use crate::announce::{RedisSeen, Unusable};

/// What evicts keys that never expire, as versions do.
const EVICTS_ALL: &str = "allkeys";

/// What Redis is like, or why it isn't known. `None` stands for no Redis.
pub fn judge(seen: &Result<Option<RedisSeen>, Unusable>) -> Vec<Finding> {
    match seen {
        Err(Unusable::Login(why)) => {
            let remedy = "check user and password in REDIS_URL, or in the file that has it";
            vec![Finding::bad(Check::Redis, why).remedied_by(remedy)]
        }
        Err(Unusable::Rights(why)) => {
            let seen = format!("a version may not be raised: {why}");
            vec![Finding::ok(Check::Redis, "answers"), Finding::bad(Check::RedisRights, seen)]
        }
        Err(Unusable::Else(why)) => vec![Finding::told(Check::Redis, why)],
        Ok(None) => {
            let seen = "none is set: changes show when cached answers expire";
            vec![Finding::ok(Check::Redis, seen)]
        }
        Ok(Some(RedisSeen { version, eviction, untold })) => {
            let told = match untold {
                None => Finding::ok(Check::RedisTracking, "it tells clients what has changed"),
                Some(why) => {
                    let seen = format!("it doesn't tell clients what has changed (CLIENT TRACKING): {why}");
                    Finding::bad(Check::RedisTracking, seen)
                }
            };
            let mut findings = vec![
                Finding::ok(Check::Redis, format!("version {version} answers")),
                Finding::ok(Check::RedisRights, "versions may be raised"),
                told,
            ];
            if !eviction.is_empty() {
                let is_well = !eviction.starts_with(EVICTS_ALL);
                let seen = format!("maxmemory-policy {eviction}");
                findings.push(Finding::of(Check::RedisEviction, is_well, seen));
            }
            findings
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::doctor::finding::codes_of_bad;

    #[test]
    fn what_makes_answers_old_or_slow_is_told() {
        let check = |seen: Result<Option<RedisSeen>, Unusable>, expected: &[&str]| {
            assert_eq!(codes_of_bad(&judge(&seen)), expected, "{seen:?}");
        };
        let sound = || RedisSeen { version: "7.0".into(), eviction: "volatile-lru".into(), untold: None };
        check(Ok(None), &[]);
        check(Err(Unusable::Else("away".into())), &["redis"]);
        check(Err(Unusable::Login("wrong password".into())), &["redis"]);
        check(Err(Unusable::Rights("no incrby".into())), &["redis-rights"]);
        check(Ok(Some(sound())), &[]);
        check(Ok(Some(RedisSeen { eviction: "noeviction".into(), ..sound() })), &[]);
        check(Ok(Some(RedisSeen { eviction: String::new(), ..sound() })), &[]);
        for policy in ["allkeys-lru", "allkeys-random"] {
            check(Ok(Some(RedisSeen { eviction: policy.into(), ..sound() })), &["redis-eviction"]);
        }
        check(Ok(Some(RedisSeen { untold: Some("unknown".into()), ..sound() })), &["redis-tracking"]);
    }
    #[test]
    fn a_refusal_has_its_own_remedy() {
        let check = |why: Unusable, expected: &str| {
            let found = judge(&Err(why));
            let remedy = found.iter().find_map(|finding| finding.remedy.as_deref()).unwrap_or_default();
            assert!(remedy.starts_with(expected), "{found:?}");
        };
        check(Unusable::Login("wrong password".into()), "check user and password");
        check(Unusable::Rights("no incrby".into()), "allow this user `incrby`");
        check(Unusable::Else("Redis' certificate has expired; renew it".into()), "renew it");
        check(Unusable::Else("connection refused".into()), "check REDIS_URL, the network");
    }
}
