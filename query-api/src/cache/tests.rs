//! What is kept, what is loaded, and what is served when neither is possible. Without Redis.

use super::*;
use crate::request::rate_limit;
use crate::request::scope::Scope;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn cache(local_cache_ttl: Duration) -> Arc<Cache> {
    cache_of(local_cache_ttl, Duration::from_secs(600))
}

fn cache_of(local_cache_ttl: Duration, stale_max_age: Duration) -> Arc<Cache> {
    let unlimited = RateLimit::new(&rate_limit::Settings { rate_limit_per_second: 0 });
    cache_at(local_cache_ttl, stale_max_age, Arc::new(unlimited))
}

fn cache_at(local_cache_ttl: Duration, stale_max_age: Duration, rate: Arc<RateLimit>) -> Arc<Cache> {
    let settings = Settings {
        cache_key_prefix: String::new(),
        business_metrics_cache_ttl_sec: 45,
        local_cache_ttl,
        local_cache_mb: 1,
        shared_cache_mb: 1,
        stale_max_age,
        stale_after: Duration::from_millis(20),
    };
    let loads = loads::Settings { loads_max: 16, load_timeout: Duration::from_secs(5) };
    Arc::new(Cache::new(&settings, Loads::new(&loads), rate, None))
}

fn key(organization: &str, query: &str) -> Key {
    Key { organization: organization.into(), scope: Scope::Summary, query: query.into() }
}

/// The answer, and whether it is fresh.
fn text(served: &Served) -> (String, bool) {
    let (answer, fresh) = match served {
        Served::Fresh(answer, ..) => (answer, true),
        Served::Stale(answer, ..) => (answer, false),
    };
    (String::from_utf8(answer.body.to_vec()).unwrap(), fresh)
}

async fn ask(cache: &Arc<Cache>, key: Key, loads: &Arc<AtomicUsize>) -> String {
    let loads = Arc::clone(loads);
    let load = async move {
        tokio::task::yield_now().await;
        let n = loads.fetch_add(1, Ordering::Relaxed) + 1;
        Ok::<_, String>(Answer::new(format!("{n}")))
    };
    let (text, fresh) = text(&cache.answer(key, 1, || load).await.unwrap());
    assert!(fresh, "{text} is stale");
    text
}

async fn failing(cache: &Arc<Cache>, key: Key) -> Result<(String, bool), String> {
    let load = async { Err::<Answer, _>("away".to_owned()) };
    cache.answer(key, 1, || load).await.map(|served| text(&served)).map_err(|error| error.to_string())
}

#[tokio::test]
async fn concurrent_requests_load_once() {
    let (cache, loads) = (cache(Duration::from_secs(60)), Arc::default());
    let both = tokio::join!(ask(&cache, key("acme", "r"), &loads), ask(&cache, key("acme", "r"), &loads));
    assert_eq!(both, ("1".into(), "1".into()));
    assert_eq!(ask(&cache, key("acme", "r"), &loads).await, "1");
    assert_eq!(ask(&cache, key("acme", "s"), &loads).await, "2");
    assert_eq!(ask(&cache, key("other", "r"), &loads).await, "3");
}

#[tokio::test]
async fn an_answer_past_its_ttl_is_not_served() {
    let (cache, loads) = (cache(Duration::ZERO), Arc::default());
    assert_eq!(ask(&cache, key("acme", "r"), &loads).await, "1");
    assert_eq!(ask(&cache, key("acme", "r"), &loads).await, "2");
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let (cache, loads) = (cache(Duration::from_secs(60)), Arc::default());
    assert_eq!(failing(&cache, key("acme", "r")).await, Err("away".into()));
    assert_eq!(ask(&cache, key("acme", "r"), &loads).await, "1");
}

#[tokio::test]
async fn a_stale_answer_is_served_when_the_load_fails() {
    let (cache, loads) = (cache(Duration::ZERO), Arc::default());
    assert_eq!(ask(&cache, key("acme", "r"), &loads).await, "1");
    for _ in 0..3 {
        assert_eq!(failing(&cache, key("acme", "r")).await, Ok(("1".into(), false)));
    }
    assert_eq!(failing(&cache, key("acme", "s")).await, Err("away".into()), "another query");
    assert_eq!(failing(&cache, key("other", "r")).await, Err("away".into()), "another organization");
}

#[tokio::test]
async fn a_stale_answer_that_is_too_old_is_not_served() {
    let (cache, loads) = (cache_of(Duration::ZERO, Duration::ZERO), Arc::default());
    assert_eq!(ask(&cache, key("acme", "r"), &loads).await, "1");
    assert_eq!(failing(&cache, key("acme", "r")).await, Err("away".into()));
}

#[tokio::test]
async fn a_request_that_waits_for_a_slow_load_gets_a_stale_answer_and_the_load_goes_on() {
    let (cache, loads) = (cache(Duration::ZERO), Arc::default());
    assert_eq!(ask(&cache, key("acme", "r"), &loads).await, "1");
    let (done, wait) = tokio::sync::oneshot::channel();
    let slow = async move {
        wait.await.map_err(|_| "dropped".to_owned())?;
        Ok::<_, String>(Answer::new("slow"))
    };
    let served = cache.answer(key("acme", "r"), 1, || slow).await.unwrap();
    assert_eq!(text(&served), ("1".into(), false));
    done.send(()).expect("the load is still under way");
}

#[tokio::test]
async fn after_a_failure_loads_pause_where_there_is_a_stale_answer() {
    let (cache, loads) = (cache(Duration::ZERO), Arc::default());
    assert_eq!(ask(&cache, key("acme", "r"), &loads).await, "1");
    assert_eq!(failing(&cache, key("acme", "r")).await, Ok(("1".into(), false)));
    let ran = Arc::new(AtomicUsize::new(0));
    let load = {
        let ran = Arc::clone(&ran);
        async move {
            ran.fetch_add(1, Ordering::Relaxed);
            Ok::<_, String>(Answer::new("2"))
        }
    };
    let served = cache.answer(key("acme", "r"), 1, || load).await.unwrap();
    assert_eq!((text(&served), ran.load(Ordering::Relaxed)), (("1".into(), false), 0));
    let slow = Key { scope: Scope::Insights, ..key("acme", "r") };
    assert_eq!(ask(&cache, slow, &loads).await, "2", "another question has a pause of its own");
}

#[tokio::test]
async fn a_load_that_panics_is_an_error() {
    let (cache, loads) = (cache(Duration::ZERO), Arc::default());
    let panics = || async { if true { panic!("a defect") } else { Ok::<_, String>(Answer::new("{}")) } };
    assert!(matches!(*cache.answer(key("acme", "r"), 1, panics).await.unwrap_err(), loads::Error::Panicked));
    assert_eq!(ask(&cache, key("acme", "r"), &loads).await, "1");
    let served = cache.answer(key("acme", "r"), 1, panics).await.unwrap();
    assert_eq!(text(&served), ("1".into(), false));
}

#[tokio::test]
async fn a_rate_that_is_used_up_is_no_reason_for_a_stale_answer() {
    let rate = Arc::new(RateLimit::new(&rate_limit::Settings { rate_limit_per_second: 1 }));
    let cache = cache_at(Duration::ZERO, Duration::from_secs(600), Arc::clone(&rate));
    assert_eq!(ask(&cache, key("acme", "r"), &Arc::default()).await, "1");
    let load = || async { Ok::<_, String>(Answer::new("2")) };
    let refused = cache.answer(key("acme", "r"), 1, load).await.unwrap_err();
    assert!(matches!(*refused, loads::Error::OverRate(_)), "{refused}");
    assert_eq!(ask(&cache, key("other", "r"), &Arc::default()).await, "1");
}

#[tokio::test]
async fn what_was_made_before_settings_were_changed_is_out_of_use() {
    let (cache, loads) = (cache(Duration::from_secs(600)), Arc::new(AtomicUsize::new(0)));
    assert_eq!(ask(&cache, key("acme", "a"), &loads).await, "1");
    let served = cache.answer(key("acme", "a"), 1, || async { Err::<Answer, _>("kept") }).await;
    let Ok(Served::Fresh(_, _, standing)) = served else { panic!("it is kept") };
    assert_eq!(ask(&cache, key("beta", "a"), &loads).await, "2");
    // A load that began before the change, and ends after it.
    let begun = Arc::new(tokio::sync::Notify::new());
    let (end, going) = (Arc::clone(&begun), Arc::clone(&cache));
    let slow = async move {
        end.notified().await;
        Ok::<_, String>(Answer::new("before"))
    };
    let slow =
        tokio::spawn(
            async move { going.answer(key("acme", "b"), 1, || slow).await.map(|served| text(&served)) },
        );
    tokio::task::yield_now().await;
    assert!(cache.stands("acme", &standing));
    cache.outdate(&"acme".into()).await;
    assert!(!cache.stands("acme", &standing));
    assert_eq!(
        ask(&cache, key("acme", "b"), &loads).await,
        "3",
        "a request after it waits for no load of before"
    );
    begun.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().0, "before");
    assert_eq!(ask(&cache, key("acme", "a"), &loads).await, "4");
    assert_eq!(ask(&cache, key("acme", "b"), &loads).await, "3");
    assert_eq!(ask(&cache, key("beta", "a"), &loads).await, "2", "others' answers are kept");
}

/// Asks several questions together. Each text says which load made it; the places that were loaded are noted.
async fn ask_together(
    cache: &Arc<Cache>,
    keys: &[&str],
    loads: &Arc<Mutex<Vec<Vec<usize>>>>,
) -> Vec<(String, bool)> {
    let asked: Arc<[(Key, u32)]> = keys.iter().map(|query| (key("acme", query), 1)).collect();
    let noted = Arc::clone(loads);
    let load = move |places: Vec<usize>| {
        let noted = Arc::clone(&noted);
        async move {
            tokio::task::yield_now().await;
            let mut noted = noted.lock().unwrap();
            noted.push(places.clone());
            Ok::<_, String>(
                places.iter().map(|place| Answer::new(format!("{}/{place}", noted.len()))).collect(),
            )
        }
    };
    cache.answers(&asked, load).await.unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn what_is_asked_together_is_loaded_at_once_and_kept_for_each() {
    let (cache, loads) = (cache(Duration::from_secs(60)), Arc::default());
    let all = ["a", "b", "c"];
    let both = tokio::join!(ask_together(&cache, &all, &loads), ask_together(&cache, &all, &loads));
    let fresh = |texts: [&str; 3]| texts.map(|text| (text.to_owned(), true)).to_vec();
    assert_eq!(both, (fresh(["1/0", "1/1", "1/2"]), fresh(["1/0", "1/1", "1/2"])));
    assert_eq!(*loads.lock().unwrap(), [vec![0, 1, 2]], "once for both");
    assert_eq!(ask(&cache, key("acme", "b"), &Arc::default()).await, "1/1", "each is kept for itself");
    assert_eq!(ask_together(&cache, &["b", "c"], &loads).await[0].0, "1/1");
    assert_eq!(loads.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_version_what_is_kept_is_not_mixed_with_what_is_loaded() {
    let (cache, loads) = (cache(Duration::from_secs(60)), Arc::default());
    assert_eq!(ask(&cache, key("acme", "b"), &Arc::default()).await, "1");
    let seen = ask_together(&cache, &["a", "b"], &loads).await;
    assert_eq!(seen, [("1/0".to_owned(), true), ("1/1".to_owned(), true)]);
    assert_eq!(ask(&cache, key("acme", "b"), &Arc::default()).await, "1/1", "the newer one is kept");
}

#[tokio::test]
async fn where_loading_together_fails_each_has_its_stale_answer_or_all_fail() {
    let cache = cache(Duration::ZERO);
    let failing = async |keys: &[&str]| {
        let asked: Arc<[(Key, u32)]> = keys.iter().map(|query| (key("acme", query), 1)).collect();
        let load = |_: Vec<usize>| async { Err::<Vec<Answer>, _>("away".to_owned()) };
        let served = cache.answers(&asked, load).await;
        served.map(|all| all.iter().map(text).collect::<Vec<_>>()).map_err(|error| error.to_string())
    };
    ask_together(&cache, &["a", "b"], &Arc::default()).await;
    let older = vec![("1/0".to_owned(), false), ("1/1".to_owned(), false)];
    assert_eq!(failing(&["a", "b"]).await, Ok(older.clone()));
    assert_eq!(failing(&["a", "b"]).await, Ok(older), "in the pause, too");
    assert_eq!(failing(&["a", "c"]).await, Err("away".into()), "nothing is known of one");
}

#[tokio::test]
async fn what_is_loaded_together_costs_the_sum() {
    let rate = Arc::new(RateLimit::new(&rate_limit::Settings { rate_limit_per_second: 20 }));
    let cache = cache_at(Duration::ZERO, Duration::from_secs(600), Arc::clone(&rate));
    let asked: Arc<[(Key, u32)]> =
        [1_000, 2_000, 90].map(|rows| (key("acme", &rows.to_string()), rows)).into();
    let load = |places: Vec<usize>| async move { Ok::<_, String>(vec![Answer::new("{}"); places.len()]) };
    cache.answers(&asked, load).await.unwrap();
    // 1.2, 2.2 and 0.2 of 20 are gone.
    assert_eq!(rate.left("acme", Instant::now()).unwrap().requests, 16);
}
