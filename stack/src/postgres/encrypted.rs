//! TLS of a server started here: its certificate, and whom it lets in how.

use super::Postgres;
use crate::tls::ServerTls;
use crate::wait::{self, Seen};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

/// How long the server may take to take over what it is set to.
const LIMIT: Duration = Duration::from_secs(30);

/// The superuser comes in as before: stories look into their databases without TLS.
const SUPERUSER: &str = "host all postgres 127.0.0.1/32 scram-sha-256\n";

impl Postgres {
    /// Has the server speak TLS with this certificate, or replaces the one it had, while it runs. `access` has lines of pg_hba.conf
    /// for everybody but the superuser.
    ///
    /// # Errors
    /// When the server isn't ours, its files can't be written, or it doesn't take them.
    pub async fn encrypt(&self, tls: &ServerTls, access: &str) -> anyhow::Result<()> {
        let server = self.server().context("this PostgreSQL was not started here")?;
        let (data, user) = (server.program().folder.join("data"), &server.program().user);
        let files =
            [("server.crt", &tls.certificate), ("server.key", &tls.key), ("root.crt", &tls.authority)];
        for (name, from) in files {
            let to = data.join(name);
            std::fs::copy(from, &to).with_context(|| format!("{} can't be written", to.display()))?;
            // The server takes no key that others may read.
            std::fs::set_permissions(&to, Permissions::from_mode(0o600))?;
            user.iter().try_for_each(|user| user.own(&to))?;
        }
        // It stays its owner's file.
        std::fs::write(data.join("pg_hba.conf"), format!("{SUPERUSER}{access}\n"))?;
        let client = self.url().connect().await?;
        for setting in ["ssl_ca_file = 'root.crt'", "ssl = on"] {
            client.batch_execute(&format!("alter system set {setting}")).await?;
        }
        self.reload().await
    }

    /// Has the server offer no TLS any more.
    ///
    /// # Errors
    /// When the server isn't ours, or doesn't take that.
    pub async fn decrypt(&self) -> anyhow::Result<()> {
        self.url().connect().await?.batch_execute("alter system set ssl = off").await?;
        self.reload().await
    }

    /// Ends the sessions of everybody but the superuser, who have to connect again.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn end_sessions(&self) -> anyhow::Result<()> {
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where usename <> 'postgres'";
        Ok(self.url().connect().await?.batch_execute(end).await?)
    }

    async fn reload(&self) -> anyhow::Result<()> {
        let before = self.loaded_at().await?;
        self.url().connect().await?.batch_execute("select pg_reload_conf()").await?;
        wait::until("PostgreSQL to take its settings over", LIMIT, async || {
            let now = self.loaded_at().await?;
            Ok(Seen::when(now > before, format!("loaded at {now}")))
        })
        .await
    }

    /// When the server took over its settings: a new session has the time of the process that accepts connections.
    async fn loaded_at(&self) -> anyhow::Result<DateTime<Utc>> {
        Ok(self.url().connect().await?.query_one("select pg_conf_load_time()", &[]).await?.get(0))
    }
}
