//! What is kept, what is loaded, and what is given when neither will do. Redis has no part here.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

fn cache(local_cache_ttl: Duration) -> Arc<Cache> {
    let settings = Settings {
        cache_key_prefix: String::new(),
        business_metrics_cache_ttl_sec: 45,
        local_cache_ttl,
        local_cache_mb: 1,
        stale_max_age: Duration::from_secs(600),
        stale_after: Duration::from_millis(20),
    };
    let loads = loads::Settings { loads_max: 16, load_timeout: Duration::from_secs(5) };
    Arc::new(Cache::new(&settings, Loads::new(&loads), None))
}

fn question(organization: &str, range: &str) -> Question {
    Question { organization: organization.into(), scope: Scope::Summary, range: range.into() }
}

/// What was given, and whether it was fresh.
fn text(given: &Given) -> (String, bool) {
    let (answer, fresh) = match given {
        Given::Fresh(answer) => (answer, true),
        Given::Stale(answer, _) => (answer, false),
    };
    (String::from_utf8(answer.body.to_vec()).unwrap(), fresh)
}

async fn ask(cache: &Arc<Cache>, question: Question, loads: &Arc<AtomicUsize>) -> String {
    let loads = Arc::clone(loads);
    let load = async move {
        tokio::task::yield_now().await;
        let n = loads.fetch_add(1, Ordering::Relaxed) + 1;
        Ok::<_, String>(Answer::new(format!("{n}")))
    };
    let (text, fresh) = text(&cache.answer(question, || load).await.unwrap());
    assert!(fresh, "{text} is stale");
    text
}

async fn failing(cache: &Arc<Cache>, question: Question) -> Result<(String, bool), String> {
    let load = async { Err::<Answer, _>("away".to_owned()) };
    cache.answer(question, || load).await.map(|given| text(&given)).map_err(|error| error.to_string())
}

#[tokio::test]
async fn questions_at_once_load_once() {
    let (cache, loads) = (cache(Duration::from_secs(60)), Arc::default());
    let both =
        tokio::join!(ask(&cache, question("acme", "r"), &loads), ask(&cache, question("acme", "r"), &loads));
    assert_eq!(both, ("1".into(), "1".into()));
    assert_eq!(ask(&cache, question("acme", "r"), &loads).await, "1");
    assert_eq!(ask(&cache, question("acme", "s"), &loads).await, "2");
    assert_eq!(ask(&cache, question("other", "r"), &loads).await, "3");
}

#[tokio::test]
async fn an_answer_past_its_time_is_not_given() {
    let (cache, loads) = (cache(Duration::ZERO), Arc::default());
    assert_eq!(ask(&cache, question("acme", "r"), &loads).await, "1");
    assert_eq!(ask(&cache, question("acme", "r"), &loads).await, "2");
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let (cache, loads) = (cache(Duration::from_secs(60)), Arc::default());
    assert_eq!(failing(&cache, question("acme", "r")).await, Err("away".into()));
    assert_eq!(ask(&cache, question("acme", "r"), &loads).await, "1");
}

#[tokio::test]
async fn the_last_answer_stands_in_for_one_that_fails() {
    let (cache, loads) = (cache(Duration::ZERO), Arc::default());
    assert_eq!(ask(&cache, question("acme", "r"), &loads).await, "1");
    for _ in 0..3 {
        assert_eq!(failing(&cache, question("acme", "r")).await, Ok(("1".into(), false)));
    }
    assert_eq!(failing(&cache, question("acme", "s")).await, Err("away".into()), "another question");
    assert_eq!(failing(&cache, question("other", "r")).await, Err("away".into()), "another organization");
}

#[tokio::test]
async fn a_last_answer_that_is_too_old_is_not_given() {
    let (cache, loads) = (cache(Duration::ZERO), Arc::default());
    let mut none = Arc::into_inner(cache).unwrap();
    none.stale_max_age = Duration::ZERO;
    let cache = Arc::new(none);
    assert_eq!(ask(&cache, question("acme", "r"), &loads).await, "1");
    assert_eq!(failing(&cache, question("acme", "r")).await, Err("away".into()));
}

#[tokio::test]
async fn who_waits_for_a_slow_load_is_given_the_last_answer_and_the_load_goes_on() {
    let (cache, loads) = (cache(Duration::ZERO), Arc::default());
    assert_eq!(ask(&cache, question("acme", "r"), &loads).await, "1");
    let (done, wait) = tokio::sync::oneshot::channel();
    let slow = async move {
        wait.await.map_err(|_| "dropped".to_owned())?;
        Ok::<_, String>(Answer::new("slow"))
    };
    let given = cache.answer(question("acme", "r"), || slow).await.unwrap();
    assert_eq!(text(&given), ("1".into(), false));
    done.send(()).expect("the load is still under way");
}
