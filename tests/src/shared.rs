//! What stories share: services that are started, and binaries that are built, once per test binary.

use crate::must::must;
use stack::binaries::{self, Binaries, Profile};
use stack::{Purpose, Service, Services};
use std::path::PathBuf;
use std::sync::Once;
use tokio::sync::OnceCell;

/// Services and binaries. Nothing in them belongs to a runtime, since every story has its own.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) services: Services,
    pub(crate) binaries: Binaries,
}

/// Started by the first story that needs it. Never dropped; the services end with the process.
static SHARED: OnceCell<Shared> = OnceCell::const_new();

impl Shared {
    pub(crate) async fn get() -> Self {
        SHARED.get_or_init(Self::start).await.clone()
    }

    /// The same, except for one service that no other story uses, so that it may be taken away.
    pub(crate) async fn with_own(service: Service) -> Self {
        let shared = Self::get().await;
        Self { services: must(shared.services.with_own(service).await), ..shared }
    }

    async fn start() -> Self {
        let binaries = build();
        let services = must(Services::start(Purpose::Tests).await);
        Self { services, binaries }
    }
}

/// The binaries, built with the stories' own profile.
pub(crate) fn build() -> Binaries {
    must(Binaries::build(if cfg!(debug_assertions) { Profile::Debug } else { Profile::Release }))
}

/// The example's bridge. A debug build of the workspace has it beside the binaries; a release build has these alone.
pub(crate) fn bridge(binaries: &Binaries) -> PathBuf {
    if cfg!(debug_assertions) {
        return binaries.consumer.with_file_name("bridge");
    }
    must(binaries::build_packages(&["bridge"], Profile::Release)).remove(0)
}

/// Prints once per test binary that something can't be shown here.
pub(crate) fn say_once(once: &Once, what: &str) {
    once.call_once(|| machine::say::line(what));
}
