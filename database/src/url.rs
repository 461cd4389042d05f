//! What `DATABASE_URL` says. Pure.

use tokio_postgres::Config;

/// Parses a URL. Other clients check certificates in their stricter modes only; here `require` always does, so the stricter modes
/// are the same. `None` if it is none: the parser's own message may quote the password.
#[must_use]
pub fn of_url(text: &str) -> Option<Config> {
    let text = text
        .replace("sslmode=verify-full", "sslmode=require")
        .replace("sslmode=verify-ca", "sslmode=require");
    text.parse().ok()
}

/// Whether the URL says which of its hosts are meant: primaries, standbys, or any.
#[must_use]
pub fn has_target(text: &str) -> bool {
    text.contains("target_session_attrs")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_postgres::config::SslMode;

    #[test]
    fn stricter_modes_are_ours_anyway() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let config = of_url(&format!("postgres://u@db/x?sslmode={mode}")).unwrap();
            assert_eq!(config.get_ssl_mode(), SslMode::Require, "{mode}");
        }
        assert_eq!(of_url("mysql://u@db/x"), None);
    }
}
