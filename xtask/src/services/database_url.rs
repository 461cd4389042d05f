//! Where a database is.

use super::redis::without_password;
use anyhow::ensure;
use std::fmt;
use tokio_postgres::{Client, NoTls};

/// `postgres://user:password@host:port/database?parameters`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Takes a URL; the other form PostgreSQL knows, `host=... dbname=...`, is refused.
    ///
    /// # Errors
    /// When it is no URL.
    pub fn new(url: impl Into<String>) -> anyhow::Result<Self> {
        let url = url.into();
        ensure!(
            url.starts_with("postgres://") || url.starts_with("postgresql://"),
            "DATABASE_URL must look like postgres://user:password@host:port/database"
        );
        Ok(Self(url))
    }

    /// As text, password and all.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same server's database `name`.
    #[must_use]
    pub fn database(&self, name: &str) -> Self {
        let (url, parameters) =
            self.0.split_once('?').map_or((&*self.0, None), |(url, rest)| (url, Some(rest)));
        let authority = url.find("://").map_or(0, |at| at + 3);
        let end = url[authority..].find('/').map_or(url.len(), |at| authority + at);
        let parameters = parameters.map(|parameters| format!("?{parameters}")).unwrap_or_default();
        Self(format!("{}/{name}{parameters}", &url[..end]))
    }

    /// A connection, whose traffic a task of the current runtime carries.
    ///
    /// # Errors
    /// When PostgreSQL refuses or is away.
    pub async fn connect(&self) -> anyhow::Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.0, NoTls).await?;
        // The client learns of a lost connection from its next statement.
        tokio::spawn(async move { drop(connection.await) });
        Ok(client)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_led_to_another_database() {
        let check = |from: &str, to| assert_eq!(DatabaseUrl::new(from).unwrap().database("t1").as_str(), to);
        check("postgres://u:p@h:1/postgres", "postgres://u:p@h:1/t1");
        check("postgresql://h", "postgresql://h/t1");
        check("postgres://u@h:1/a?sslmode=disable", "postgres://u@h:1/t1?sslmode=disable");
    }

    #[test]
    fn a_password_is_not_shown() {
        let url = DatabaseUrl::new("postgres://u:secret@h:1/a").unwrap();
        assert_eq!(url.to_string(), "postgres://...@h:1/a");
    }
}
