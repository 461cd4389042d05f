//! A second PostgreSQL with a copy of the first one's data: what is there after a failover or a restore while the old server
//! still runs. Both accept writes, and nothing in the data tells them apart.

use super::{Postgres, answers};
use crate::port;
use crate::run::server::Server;
use anyhow::{Context as _, ensure};
use std::process::Command;
use tokio::sync::OnceCell;

impl Postgres {
    /// Stops the server for a moment, copies its data, and runs a second server on the copy.
    ///
    /// # Errors
    /// When this server isn't ours, its data can't be copied, or one of the two doesn't start.
    pub async fn twin(&self) -> anyhow::Result<Self> {
        let server = self.server().context("this PostgreSQL was not started here")?;
        let (port, mut program) = (port::free()?, server.program().clone());
        let folder = program.folder.with_extension(format!("twin-{port}"));
        server.stop();
        let copied = Command::new("cp").arg("-a").arg(&program.folder).arg(&folder).status()?;
        self.start_again().await?;
        ensure!(copied.success(), "{} can't be copied", program.folder.display());
        // The first server's: it would keep the second from starting.
        let _ = std::fs::remove_file(folder.join("data/postmaster.pid"));
        program.args.clear();
        program.log.set_extension(format!("twin-{port}.log"));
        let data = folder.join("data");
        let program =
            program.arg("-D").arg(data).args(["-p", &port.to_string()]).folder(&folder).scratch(&folder);
        let url = self.url.at(([127, 0, 0, 1], port).into());
        let server = Server::start(program, async || answers(&url).await).await?;
        Ok(Self { url, why: "a copy of another one".into(), server: Some(server), template: OnceCell::new() })
    }
}
