//! The `bridge` binary: takes callbacks of messaging providers, checks their signatures, and publishes what they say.
//!
//! ```text
//! server     a request, under limits                              HTTP
//! providers  is it the provider's? what does it say?              pure
//! callback   is that a record? which one?                         pure
//! publisher  2xx only once Kafka has acknowledged all of it       Kafka
//! ```
//! It stores nothing. The time of sending comes back from the provider, to whom the sender has given it (`echo`).

mod callback;
mod echo;
mod providers;
mod publisher;
mod refusal;
mod server;
mod settings;

use crate::publisher::Publisher;
use crate::server::Bridge;
use crate::settings::Settings;
use admin::Readiness;
use admin::log::Limited;
use anyhow::Context as _;
use clap::Parser as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::parse();
    let format = tracing_subscriber::fmt::format();
    tracing_subscriber::fmt().with_writer(std::io::stderr).event_format(Limited::new(format)).init();
    match run(&settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: &Settings) -> anyhow::Result<()> {
    let readiness = Readiness::new();
    let metrics = admin::record_metrics(PrometheusBuilder::new(), "bridge", env!("CARGO_PKG_VERSION"))?;
    let bridge = Bridge {
        providers: settings.providers()?,
        publisher: Publisher::new(&settings.kafka).context("Kafka's client refuses its settings")?,
        foreign: settings.foreign,
        readiness: readiness.clone(),
    };
    let (listen, admin) = (settings.listen_addr, settings.admin_addr);
    let listener = TcpListener::bind(listen).await;
    let listener = listener.with_context(|| format!("LISTEN_ADDR {listen} can't be listened on"))?;
    let serving = admin::serve(admin, readiness, metrics).await;
    serving.with_context(|| format!("ADMIN_ADDR {admin} can't be listened on"))?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    server::serve(listener, Arc::new(bridge), stop).await;
    Ok(())
}
