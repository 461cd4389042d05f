//! Why TLS with a server failed, in a sentence with a remedy: the server's certificate was refused, or this client's.

use crate::pem::TlsNames;
use chrono::DateTime;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError};
use std::error::Error;
use std::io;
use std::sync::Arc;

/// A certificate that was refused, in a sentence; `None` if the error is about something else.
#[must_use]
#[expect(clippy::wildcard_enum_match_arm, reason = "the other errors are about no certificate")]
pub fn refused(error: &(dyn Error + 'static), names: &TlsNames) -> Option<String> {
    match cause(error)? {
        rustls::Error::InvalidCertificate(why) => Some(theirs(why, names)),
        rustls::Error::AlertReceived(alert) => ours(*alert, names),
        rustls::Error::NoCertificatesPresented => {
            Some(format!("{} shows no certificate; set one up there", names.server))
        }
        _ => None,
    }
}

/// The error of TLS among the causes of an error. Libraries hold it in errors of I/O, and these in shared ones.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref::<rustls::Error>() {
        return Some(found);
    }
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let held = held.map(|held| held as &'a (dyn Error + 'static));
    let shared = error.downcast_ref::<Arc<dyn Error + Send + Sync>>();
    let shared = shared.map(|shared| &**shared as &'a (dyn Error + 'static));
    cause(held.or(shared).or_else(|| error.source())?)
}

/// What is wrong with the server's certificate.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is rare, and the library's own words will do")]
fn theirs(why: &CertificateError, names: &TlsNames) -> String {
    let TlsNames { server, address, authorities, .. } = names;
    match why {
        CertificateError::Expired => {
            format!("{server}'s certificate has expired; renew it, or correct this machine's clock")
        }
        CertificateError::ExpiredContext { not_after, .. } => format!(
            "{server}'s certificate has expired (on {}); renew it, or correct this machine's clock",
            day(*not_after)
        ),
        CertificateError::NotValidYet => format!(
            "{server}'s certificate is not valid yet; correct this machine's clock, or renew the certificate"
        ),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "{server}'s certificate is not valid yet (before {}); correct this machine's clock, or renew the \
             certificate",
            day(*not_before)
        ),
        CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
            "{server}'s certificate is signed by an authority that is not trusted here; let {authorities} name the \
             file of the right authority"
        ),
        CertificateError::NotValidForName => format!(
            "{server}'s certificate is for another name than the one in {address}; call the server by the \
             certificate's name, or have a certificate made for this one"
        ),
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "{server}'s certificate is for another name than {}, namely for {}; call the server by the \
             certificate's name in {address}, or have a certificate made for this one",
            expected.to_str(),
            if presented.is_empty() { "none".into() } else { presented.join(", ") }
        ),
        other => format!("{server}'s certificate is refused ({other}); have a better one made"),
    }
}

/// What a server says that refuses this client's certificate.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other alerts are about no certificate")]
fn ours(alert: AlertDescription, names: &TlsNames) -> Option<String> {
    let TlsNames { server, certificate, key, .. } = names;
    match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate if certificate.is_empty() => {
            Some(format!(
                "{server} asks for a certificate of this client, which has none; let it ask for none"
            ))
        }
        // Whoever shows no certificate can't have it refused: the alert is about something else.
        _ if certificate.is_empty() => None,
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            Some(format!("{server} asks for a certificate of this client; set {certificate} and {key}"))
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => Some(format!(
            "{server} refuses this client's certificate ({alert:?}); check that {certificate} has not expired, and \
             that {server} trusts its authority"
        )),
        _ => None,
    }
}

/// The day of an instant, in UTC.
fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let day = DateTime::from_timestamp(seconds, 0).map(|time| time.date_naive().to_string());
    day.unwrap_or_else(|| "a day beyond the calendar".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::ServerName;
    use std::time::Duration;

    const NAMES: TlsNames =
        TlsNames { server: "Server", address: "URL", authorities: "CA", certificate: "CERT", key: "KEY" };

    fn said(error: rustls::Error) -> Option<String> {
        refused(&error, &NAMES)
    }

    #[test]
    fn each_certificate_that_is_refused_has_a_sentence_with_its_remedy() {
        let check = |why: CertificateError, parts: &[&str]| {
            let said = said(rustls::Error::InvalidCertificate(why)).unwrap();
            assert!(parts.iter().all(|part| said.contains(part)) && said.contains("; "), "{said}");
        };
        let (time, day) = (UnixTime::now(), UnixTime::since_unix_epoch(Duration::from_secs(86_400)));
        check(CertificateError::Expired, &["Server's certificate has expired", "renew"]);
        check(CertificateError::ExpiredContext { time, not_after: day }, &["has expired (on 1970-01-02)"]);
        check(CertificateError::NotValidYet, &["not valid yet", "clock"]);
        check(CertificateError::NotValidYetContext { time, not_before: day }, &["(before 1970-01-02)"]);
        check(CertificateError::UnknownIssuer, &["authority that is not trusted", "CA"]);
        check(CertificateError::NotValidForName, &["another name", "URL"]);
        let expected = ServerName::try_from("db.example").unwrap();
        let presented = vec!["DnsName(\"other.example\")".to_owned()];
        let names = CertificateError::NotValidForNameContext { expected, presented };
        check(names, &["db.example", "other.example", "URL"]);
        check(CertificateError::Revoked, &["refused"]);
    }

    #[test]
    fn a_server_that_refuses_this_clients_certificate_is_understood() {
        let alert = |alert| said(rustls::Error::AlertReceived(alert));
        let missing = alert(AlertDescription::CertificateRequired).unwrap();
        assert!(missing.contains("CERT and KEY"), "{missing}");
        let unknown = alert(AlertDescription::UnknownCA).unwrap();
        assert!(unknown.contains("refuses this client's certificate (UnknownCA)"), "{unknown}");
        assert_eq!(alert(AlertDescription::InternalError), None);
    }

    #[test]
    fn a_client_that_never_shows_a_certificate_is_told_of_no_setting_for_one() {
        let names = TlsNames::of_server("Server", "URL", "CA");
        let alert = |alert| refused(&rustls::Error::AlertReceived(alert), &names);
        let missing = alert(AlertDescription::CertificateRequired).unwrap();
        assert!(missing.contains("which has none") && !missing.contains("set "), "{missing}");
        assert_eq!(alert(AlertDescription::UnknownCA), None);
        let theirs = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        assert!(refused(&theirs, &names).is_some_and(|said| said.contains("let CA name the file")));
    }

    #[test]
    fn the_cause_is_found_however_it_is_held() {
        let expired = || rustls::Error::InvalidCertificate(CertificateError::Expired);
        let held = io::Error::new(io::ErrorKind::InvalidData, expired());
        assert!(refused(&held, &NAMES).is_some());
        let shared: Arc<dyn Error + Send + Sync> = Arc::new(held);
        assert!(refused(&shared, &NAMES).is_some());
        assert_eq!(refused(&io::Error::other("else"), &NAMES), None);
    }
}
