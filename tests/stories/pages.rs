//! What is served to browsers, by the whole server: pages, assets, ids, encodings.

use tests::{Stack, Token};

/// A folder as the dashboard's build makes it.
fn built(stack: &Stack) -> std::path::PathBuf {
    let folder = stack.services().run().join(format!("{}-dist", stack.name()));
    std::fs::create_dir_all(folder.join("assets")).expect("a folder");
    let index = format!("<!doctype html><title>Overview</title>{}", "<p>text</p>".repeat(200));
    std::fs::write(folder.join("index.html"), index).expect("a file");
    std::fs::write(folder.join("assets/index-BZRWfSmj.js"), "console.log(1);\n".repeat(200)).expect("a file");
    folder
}

#[tokio::test]
async fn the_page_and_its_assets_are_served_beside_the_api() {
    let stack = Stack::start().await;
    let api = stack.api().set("DASHBOARD_DIR", built(&stack).to_str().expect("text")).serve().await;
    let root = api.get_with("/", &[]).await;
    assert_eq!((root.status, root.header("location")), (307, "/overview"));
    let page = api.get_with("/overview", &[]).await;
    assert_eq!((page.status, page.header("cache-control")), (200, "no-cache"));
    assert!(page.body.starts_with("<!doctype html>"), "{}", page.body);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"));
    let asset = api.get_with("/assets/index-BZRWfSmj.js", &[]).await;
    assert_eq!((asset.status, asset.header("content-type")), (200, "text/javascript"));
    assert!(asset.header("cache-control").contains("immutable"));
    assert_eq!(api.get_with("/assets/../index.html", &[]).await.status, 404);
    assert_eq!(api.get_with("/assets/%2e%2e/index.html", &[]).await.status, 404);
    assert_eq!(api.get_with("/docs", &[]).await.status, 200);
}

#[tokio::test]
async fn a_folder_without_a_page_is_refused_at_the_start() {
    let stack = Stack::start().await;
    let ended = stack.api().set("DASHBOARD_DIR", "/nowhere/dist").run().await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.errors.contains("DASHBOARD_DIR"), "{}", ended.errors);
}

#[tokio::test]
async fn a_request_has_an_id_in_its_answer_and_in_its_problem() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    let named = api.get_with("/nowhere", &[("x-request-id", "edge-42")]).await;
    assert_eq!(
        (named.header("x-request-id"), named.json()["requestId"].as_str()),
        ("edge-42", Some("edge-42"))
    );
    let odd = api.get_with("/nowhere", &[("x-request-id", "<script>")]).await;
    let id = odd.header("x-request-id");
    assert!(id.len() == 36 && odd.json()["requestId"] == id, "{}", odd.body);
    let answer = api.get("/metrics/summary", &Token::of("acme").sign()).await;
    assert_eq!((answer.status, answer.header("x-request-id").len()), (200, 36));
}

#[tokio::test]
async fn no_token_is_written_to_the_log() {
    let stack = Stack::start().await;
    let api = stack.api().set("RUST_LOG", "info,query_api=debug").serve().await;
    let token = Token::of("acme").sign();
    assert_eq!(api.get("/metrics/summary", &token).await.status, 200);
    assert_eq!(api.get(&format!("/metrics/summary?token={token}"), &token).await.status, 400);
    assert_eq!(api.get(&format!("/metrics/{token}"), &token).await.status, 404);
    assert_eq!(api.get("/metrics/summary?from=x", &token).await.status, 400);
    let log = api.log_tail();
    assert!(log.contains("/metrics/summary"), "{log}");
    assert!(!log.contains(&token) && !log.contains("token="), "{log}");
}
