//! The alerts' pages: every command and every query in them is run.

use super::{Shown, TABLE};
use machine::workspace;
use std::collections::BTreeSet;
use tests::Stack;
use tests::documented::{Block, blocks};

/// The documented addresses of the admin server: of a member, and of an instance of the API.
const ADMIN: [&str; 2] = ["http://consumer:9090", "http://query-api:9090"];

/// Where a page is, relative to the checkout: `ConsumerDown` has `docs/runbooks/consumer-down.md`.
pub fn page(alert: &str) -> String {
    let mut name = String::new();
    for letter in alert.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    format!("docs/runbooks/{name}.md")
}

/// Whether a document is the page of an alert. Its blocks are run here, all of them.
pub fn is_of_an_alert(document: &str) -> bool {
    TABLE.iter().any(|(alert, _)| page(alert) == document)
}

/// The blocks of the pages, each text once.
fn all_blocks() -> Vec<Block> {
    let mut seen = BTreeSet::new();
    let of_page = |(alert, _): &(&str, Shown)| {
        let file = page(alert);
        let text = std::fs::read_to_string(workspace::root().join(&file)).expect("an alert's page");
        blocks(&file, &text)
    };
    let all = TABLE.iter().flat_map(of_page);
    all.filter(|block| seen.insert((block.language.clone(), block.text.clone()))).collect()
}

/// Those in this language.
pub fn blocks_in(language: &str) -> Vec<Block> {
    all_blocks().into_iter().filter(|block| block.language == language).collect()
}

#[test]
fn pages_have_no_blocks_but_those_that_are_run() {
    let others =
        all_blocks().into_iter().filter(|block| !["sh", "sql", "promql"].contains(&&*block.language));
    let others: Vec<String> = others.map(|block| block.to_string()).collect();
    assert!(others.is_empty(), "nothing runs {others:#?}");
}

#[tokio::test]
async fn every_command_and_every_query_of_the_alerts_pages_runs() {
    if crate::documented::lacks("the commands of the alerts' pages", "curl") {
        return;
    }
    let stack = Stack::start().await;
    let (mut member, mut api) = (stack.consumer().start().await, stack.api().serve().await);
    member.until_ready().await;
    api.until_ready().await;
    let client = stack.client().await;
    for block in blocks_in("sql") {
        client.simple_query(&block.text).await.unwrap_or_else(|error| panic!("{block}: {error:?}"));
    }
    let here = [member.admin_address(), api.admin_address()];
    for block in blocks_in("sh") {
        let script = ADMIN.iter().zip(here).fold(block.text.clone(), |script, (documented, here)| {
            script.replace(documented, &format!("http://{here}"))
        });
        let script = script.replace("business-metrics.events.v1", &stack.topics().events);
        let ended = stack.consumer().shell(&script).run().await;
        assert_eq!(ended.code, Some(0), "{block}: {ended:#?}");
    }
    assert_eq!(api.stop().await, Some(0));
    assert_eq!(member.stop().await, Some(0));
}
