//! The roles of `deploy/roles.sql`, which the binaries of stories use.

use super::url::DatabaseUrl;
use anyhow::Context as _;
use machine::workspace;
use tokio_postgres::error::SqlState;

/// The password of each role: the servers are the tests' own.
const PASSWORD: &str = "of-a-story";

/// Who uses a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `consumer migrate`.
    Owner,
    /// The consumer and its other commands.
    Consumer,
    /// The query API.
    Api,
    /// `consumer erase`.
    Eraser,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Consumer, Self::Api, Self::Eraser];

    const fn name(self) -> &'static str {
        match self {
            Self::Owner => "business_metrics_owner",
            Self::Consumer => "business_metrics_consumer",
            Self::Api => "business_metrics_api",
            Self::Eraser => "business_metrics_eraser",
        }
    }
}

impl DatabaseUrl {
    /// The same database, for one of the roles.
    #[must_use]
    pub fn of(&self, role: Role) -> Self {
        self.as_role(role.name(), PASSWORD)
    }

    /// Gives the roles what belongs to them of the database at this URL, which is a superuser's.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn grant_roles(&self) -> anyhow::Result<()> {
        let client = self.connect().await?;
        let known = client.query("select rolname::text from pg_roles", &[]).await?;
        let is_known = |role: &Role| known.iter().any(|row| row.get::<_, &str>(0) == role.name());
        for role in Role::ALL.into_iter().filter(|role| !is_known(role)) {
            let make = format!("create role {} login password '{PASSWORD}'", role.name());
            let made = client.batch_execute(&make).await;
            let exists = |error: &tokio_postgres::Error| {
                error.code() == Some(&SqlState::DUPLICATE_OBJECT)
                    || error.code() == Some(&SqlState::UNIQUE_VIOLATION)
            };
            if let Err(error) = made.as_ref()
                && !exists(error)
            {
                made.with_context(|| format!("{} can't be made", role.name()))?;
            }
        }
        let roles = workspace::deploy_file("roles.sql")?;
        client.batch_execute(&roles).await.context("deploy/roles.sql fails")
    }

    /// Brings the schema of an empty database up to date, by and for the roles.
    ///
    /// # Errors
    /// When a role can't be made, or a migration fails.
    pub async fn migrate_by_roles(&self) -> anyhow::Result<()> {
        self.grant_roles().await?;
        migrations::migrate(&mut self.of(Role::Owner).connect().await?, &mut |_| ()).await?;
        self.grant_roles().await
    }
}
