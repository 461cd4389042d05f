//! The peer of cached answers: a body that never changes, given by warp to whoever asks, behind the very server and
//! layers that the query API's requests pass. It knows no token, no limit, no range and no cache: what the query API
//! takes beside it is what those cost.

use admin::Readiness;
use anyhow::Context as _;
use clap::Parser as _;
use query_api::serve::server::layers::compressed;
use query_api::serve::{access_log, log, server};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;
use warp::Filter as _;

/// Answers every GET with the content of a file, as the query API would if that were all there is to it.
#[derive(clap::Parser)]
#[command(name = "constant")]
struct Settings {
    /// The JSON that is answered
    #[arg(long, env)]
    body_file: PathBuf,
    /// How it is served.
    #[command(flatten)]
    server: server::Settings,
    /// What is logged.
    #[command(flatten)]
    log: log::Settings,
    /// How many requests are.
    #[command(flatten)]
    access_log: access_log::Settings,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    log::start(&settings.log)?;
    let file = &settings.body_file;
    let body = std::fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
    let body: &'static [u8] = body.leak();
    let answer = warp::get().map(move || warp::reply::with_header(body, "content-type", "application/json"));
    let server = server::Server::bind(&settings.server)?;
    server::serve_admin(&settings.server, &Readiness::new(), Vec::new).await?;
    // It is ended by a signal.
    let service = compressed(warp::service(answer));
    server.serve(service, &settings.access_log, CancellationToken::new(), std::future::pending()).await;
    Ok(())
}
