//! The URL of a database.

use anyhow::ensure;
use machine::say::without_password;
use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use tokio_postgres::{Client, NoTls};

/// `postgres://user:password@host:port/database?parameters`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Takes a URL. PostgreSQL's other form, `host=... dbname=...`, is refused.
    ///
    /// # Errors
    /// When it is not a URL.
    pub fn new(url: impl Into<String>) -> anyhow::Result<Self> {
        let url = url.into();
        ensure!(
            url.starts_with("postgres://") || url.starts_with("postgresql://"),
            "DATABASE_URL must look like postgres://user:password@host:port/database"
        );
        Ok(Self(url))
    }

    /// The URL as text, with the password.
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

    /// The server's address, as `host:port`.
    ///
    /// # Errors
    /// When the URL names no server, or several.
    pub fn server(&self) -> anyhow::Result<String> {
        let server = &self.0[self.server_range()];
        ensure!(!server.is_empty() && !server.contains(','), "DATABASE_URL must name one host, as host:port");
        let has_port = server.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(if has_port { server.into() } else { format!("{server}:5432") })
    }

    /// The same database at another address: a proxy's.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Self {
        self.on(&address.to_string())
    }

    /// The same database of another server, written like `host:port`.
    #[must_use]
    pub fn on(&self, server: &str) -> Self {
        let mut url = self.0.clone();
        url.replace_range(self.server_range(), server);
        Self(url)
    }

    /// The same database, for this role.
    #[must_use]
    pub fn as_role(&self, role: &str, password: &str) -> Self {
        let mut url = self.0.clone();
        let (start, end) = (url.find("://").map_or(0, |at| at + 3), self.server_range().start);
        url.replace_range(start..end, &format!("{role}:{password}@"));
        Self(url)
    }

    /// The server's place in the URL: after user and password, before database and parameters.
    fn server_range(&self) -> Range<usize> {
        let authority = self.0.find("://").map_or(0, |at| at + 3);
        let end = self.0[authority..].find(['/', '?']).map_or(self.0.len(), |at| authority + at);
        let start = self.0[authority..end].rfind('@').map_or(authority, |at| authority + at + 1);
        start..end
    }

    /// A connection. A task of the current runtime carries its traffic.
    ///
    /// # Errors
    /// When PostgreSQL refuses or is away.
    pub async fn connect(&self) -> anyhow::Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.0, NoTls).await?;
        // The client notices a lost connection at its next statement.
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
    fn a_server_is_told_and_replaced() {
        let check = |url: &str, server: &str, through| {
            let url = DatabaseUrl::new(url).unwrap();
            assert_eq!(url.server().unwrap(), server);
            assert_eq!(url.at(([127, 0, 0, 1], 7).into()).as_str(), through);
        };
        check("postgres://u:p@h:1/a?b=c", "h:1", "postgres://u:p@127.0.0.1:7/a?b=c");
        check("postgres://h", "h:5432", "postgres://127.0.0.1:7");
        assert!(DatabaseUrl::new("postgres://u@a:1,b:2/c").unwrap().server().is_err());
        assert!(DatabaseUrl::new("postgres:///c?host=/run").unwrap().server().is_err());
    }

    #[test]
    fn a_role_is_replaced() {
        let check = |url: &str, to| assert_eq!(DatabaseUrl::new(url).unwrap().as_role("r", "s").as_str(), to);
        check("postgres://u:p@h:1/a", "postgres://r:s@h:1/a");
        check("postgres://h/a?b=c", "postgres://r:s@h/a?b=c");
    }

    #[test]
    fn a_password_is_not_shown() {
        let url = DatabaseUrl::new("postgres://u:secret@h:1/a").unwrap();
        assert_eq!(url.to_string(), "postgres://...@h:1/a");
    }
}
