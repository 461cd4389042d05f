//! OpenTelemetry's own variables, as far as they are honoured, and what they come to.

use credentials::{BadSetting, Check, Secret, TlsFiles, TlsNames};
use hyper::Uri;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry_sdk::trace::Sampler;
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use std::path::PathBuf;
use std::time::Duration;

/// Where traces are sent, which of them, and what they say of this process.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Traces (off unless an endpoint is set)")]
pub struct Settings {
    /// A collector that takes OTLP over HTTP, such as http://collector:4318; /v1/traces is added. Set it to see where the
    /// time of batches and requests goes
    #[arg(long, env)]
    pub otel_exporter_otlp_endpoint: Option<String>,

    /// The whole address to which traces are sent, in place of the endpoint. Set it where it doesn't end with /v1/traces
    #[arg(long, env)]
    pub otel_exporter_otlp_traces_endpoint: Option<String>,

    /// Headers that the collector asks for, such as api-key=...: name=value, separated by commas. Set it where the collector
    /// wants to know who sends
    #[arg(long, env, hide_env_values = true)]
    pub otel_exporter_otlp_headers: Option<Secret>,

    /// A file that has these headers; read at the start. Set it where secrets are files
    #[arg(long, env)]
    pub otel_exporter_otlp_headers_file: Option<PathBuf>,

    /// A PEM file of certificate authorities to trust instead of the system's; read at the start. Set it where the collector's
    /// certificate is signed by an authority of your own
    #[arg(long, env)]
    pub otel_exporter_otlp_certificate: Option<PathBuf>,

    /// A PEM file with this process' certificate; read at the start. Set it where the collector asks for one
    #[arg(long, env)]
    pub otel_exporter_otlp_client_certificate: Option<PathBuf>,

    /// A PEM file with the key of this certificate; read at the start. Set it where the collector asks for one
    #[arg(long, env)]
    pub otel_exporter_otlp_client_key: Option<PathBuf>,

    /// How many milliseconds the collector may take to accept spans. Raise it where the collector is far away
    #[arg(long, env, default_value = "10000", value_parser = milliseconds)]
    pub otel_exporter_otlp_timeout: Duration,

    /// The protocol; there is only http/protobuf. Set it where a default of your platform says another
    #[arg(long, env, default_value = "http/protobuf", value_parser = protocol)]
    pub otel_exporter_otlp_protocol: String,

    /// Which traces are recorded: always_on, always_off, traceidratio, or one of these behind parentbased_, which does as the
    /// request's traceparent says if there is one. Set it to parentbased_traceidratio where there are many requests
    #[arg(long, env, default_value = "parentbased_always_on", value_parser = Sampling::parse)]
    pub otel_traces_sampler: Sampling,

    /// The share of traces that traceidratio records, from 0 to 1. Lower it where there are many requests
    #[arg(long, env, default_value = "1.0", value_parser = ratio)]
    pub otel_traces_sampler_arg: f64,

    /// The name under which traces show this process. Set it where several systems share a collector
    #[arg(long, env)]
    pub otel_service_name: Option<String>,

    /// What traces say of this process beside its name: key=value, separated by commas. Set it to tell environments apart
    #[arg(long, env)]
    pub otel_resource_attributes: Option<String>,
}

/// Which traces are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// All.
    On,
    /// None.
    Off,
    /// A share of them, by their ids.
    Ratio,
    /// As the parent says; of those without one all.
    ParentOrOn,
    /// As the parent says; of those without one none.
    ParentOrOff,
    /// As the parent says; of those without one a share.
    ParentOrRatio,
}

/// What the settings come to.
#[derive(Debug)]
pub struct Chosen {
    /// Where spans are sent.
    pub endpoint: Uri,
    /// With these headers, whose values are secrets.
    pub headers: HeaderMap,
    /// Within this time.
    pub within: Duration,
    /// Whom TLS trusts, and who this process says it is.
    pub files: TlsFiles,
    /// Which traces are recorded.
    pub sampling: Sampling,
    /// The share of those that are chosen by a share.
    pub ratio: f64,
    /// What the process is called.
    pub service_name: Option<String>,
    /// What else is said of it.
    pub attributes: Vec<(String, String)>,
}

/// What spans are sent to below an endpoint of all signals.
const PATH: &str = "/v1/traces";

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
/// The collector and its settings, for people.
const NAMES: TlsNames = TlsNames {
    server: "the collector",
    address: ENDPOINT,
    authorities: "OTEL_EXPORTER_OTLP_CERTIFICATE",
    certificate: "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    key: "OTEL_EXPORTER_OTLP_CLIENT_KEY",
};
/// The only protocol that is spoken.
const PROTOCOL: &str = "http/protobuf";

impl Settings {
    /// The first thing wrong, in a sentence that names the variable. While no endpoint is set nothing is.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        let usable = self.chosen().and_then(|chosen| chosen.map(|chosen| chosen.tls()).transpose());
        usable.err().map(|wrong| wrong.0)
    }

    /// What the settings come to; `None` while no endpoint is set.
    pub(crate) fn chosen(&self) -> Result<Option<Chosen>, BadSetting> {
        let Some(endpoint) = self.endpoint()? else { return Ok(None) };
        let attributes = said(self.otel_resource_attributes.as_deref()).map_or(Some(Vec::new()), pairs);
        let files = TlsFiles {
            names: NAMES,
            authorities: self.otel_exporter_otlp_certificate.clone(),
            certificate: self.otel_exporter_otlp_client_certificate.clone(),
            key: self.otel_exporter_otlp_client_key.clone(),
        };
        if let (Some("http"), Some(file)) = (endpoint.scheme_str(), files.first()) {
            return Err(BadSetting(format!(
                "{file} is set, and the collector's address asks for no TLS: let it begin with https://"
            )));
        }
        Ok(Some(Chosen {
            endpoint,
            headers: self.headers()?,
            within: self.otel_exporter_otlp_timeout,
            files,
            sampling: self.otel_traces_sampler,
            ratio: self.otel_traces_sampler_arg,
            service_name: said(self.otel_service_name.as_deref()).map(str::to_owned),
            attributes: attributes.ok_or_else(|| unpaired(ATTRIBUTES))?,
        }))
    }

    fn endpoint(&self) -> Result<Option<Uri>, BadSetting> {
        if let Some(whole) = said(self.otel_exporter_otlp_traces_endpoint.as_deref()) {
            return address(TRACES_ENDPOINT, whole).map(Some);
        }
        let Some(base) = said(self.otel_exporter_otlp_endpoint.as_deref()) else { return Ok(None) };
        address(ENDPOINT, base)?;
        address(ENDPOINT, &format!("{}{PATH}", base.trim_end_matches('/'))).map(Some)
    }

    fn headers(&self) -> Result<HeaderMap, BadSetting> {
        let file = self.otel_exporter_otlp_headers_file.as_deref();
        let secret = credentials::secret(HEADERS, self.otel_exporter_otlp_headers.as_ref(), file)?;
        let Some(secret) = secret else { return Ok(HeaderMap::new()) };
        let header = |(name, value): (String, String)| {
            let mut value = HeaderValue::try_from(value).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::try_from(name).ok()?, value))
        };
        let headers: Option<HeaderMap> =
            pairs(secret.expose()).and_then(|pairs| pairs.into_iter().map(header).collect());
        headers.ok_or_else(|| unpaired(HEADERS))
    }
}

impl Chosen {
    /// Where spans are sent, for people. Without a query, which may be a secret.
    pub fn shown(&self) -> String {
        let host = self.endpoint.authority().map_or("", |host| host.as_str());
        format!("{}://{host}{}", self.endpoint.scheme_str().unwrap_or_default(), self.endpoint.path())
    }

    /// TLS with the collector.
    ///
    /// # Errors
    /// When a file can't be used.
    pub fn tls(&self) -> Result<ClientConfig, BadSetting> {
        self.files.config(&self.files.read()?, Check::Name)
    }
}

/// The text, unless it is blank: what is empty counts as not set.
fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The address of a collector. A user or a password in it would be a secret in a place that logs show.
fn address(name: &str, text: &str) -> Result<Uri, BadSetting> {
    let uri = text.parse::<Uri>().ok().filter(|uri| {
        let is_spoken = uri.scheme_str().is_some_and(|scheme| ["http", "https"].contains(&scheme));
        let names_a_host = uri.authority().is_some_and(|host| !host.as_str().contains('@'));
        is_spoken && names_a_host
    });
    uri.ok_or_else(|| {
        let example = "the address of a collector, such as http://collector:4318, without user and password";
        BadSetting(format!("{name} must be {example}; {HEADERS} says who sends"))
    })
}

fn unpaired(name: &str) -> BadSetting {
    BadSetting(format!("{name} must be written name=value,name=value, with other signs as %2C"))
}

/// `name=value,name=value`, whose values are percent-encoded.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?.into_owned();
        let name = name.trim();
        (!name.is_empty()).then(|| (name.to_owned(), value))
    };
    pairs.map(pair).collect()
}

/// Milliseconds, as OpenTelemetry writes them.
fn milliseconds(text: &str) -> Result<Duration, String> {
    let number = said(Some(text)).unwrap_or("10000").parse::<u64>().ok().filter(|number| *number > 0);
    number.map(Duration::from_millis).ok_or_else(|| "it is a number of milliseconds, such as 10000".into())
}

fn protocol(text: &str) -> Result<String, String> {
    match said(Some(text)).unwrap_or(PROTOCOL) {
        PROTOCOL => Ok(PROTOCOL.into()),
        _ => Err(format!("traces are sent by {PROTOCOL} only; collectors take it at port 4318")),
    }
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = said(Some(text)).unwrap_or("1.0").parse::<f64>().ok();
    let ratio = ratio.filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "it is a number from 0 to 1, such as 0.01".into())
}

impl Sampling {
    /// By its name in OpenTelemetry.
    ///
    /// # Errors
    /// When it is no name that is known here.
    pub fn parse(name: &str) -> Result<Self, String> {
        let known = [
            ("always_on", Self::On),
            ("always_off", Self::Off),
            ("traceidratio", Self::Ratio),
            ("parentbased_always_on", Self::ParentOrOn),
            ("parentbased_always_off", Self::ParentOrOff),
            ("parentbased_traceidratio", Self::ParentOrRatio),
        ];
        let Some(name) = said(Some(name)) else { return Ok(Self::ParentOrOn) };
        let found = known.iter().find(|(known, _)| *known == name).map(|(_, sampling)| *sampling);
        found.ok_or_else(|| format!("it is one of {}", known.map(|(name, _)| name).join(", ")))
    }

    /// The same as OpenTelemetry has it.
    pub(crate) fn sampler(self, ratio: f64) -> Sampler {
        let below = |root: Sampler| Sampler::ParentBased(Box::new(root));
        match self {
            Self::On => Sampler::AlwaysOn,
            Self::Off => Sampler::AlwaysOff,
            Self::Ratio => Sampler::TraceIdRatioBased(ratio),
            Self::ParentOrOn => below(Sampler::AlwaysOn),
            Self::ParentOrOff => below(Sampler::AlwaysOff),
            Self::ParentOrRatio => below(Sampler::TraceIdRatioBased(ratio)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn settings(flags: &[&str]) -> Settings {
        Line::try_parse_from(["here"].iter().chain(flags)).unwrap_or_else(|error| panic!("{error}")).settings
    }

    fn chosen(flags: &[&str]) -> Result<Option<Chosen>, BadSetting> {
        settings(flags).chosen()
    }

    const ON: &str = "--otel-exporter-otlp-endpoint=http://collector:4318";

    #[test]
    fn nothing_is_sent_unless_an_endpoint_is_set() {
        let check = |flags: &[&str], endpoint: Option<&str>| {
            let chosen = chosen(flags).unwrap();
            assert_eq!(chosen.map(|chosen| chosen.endpoint.to_string()).as_deref(), endpoint, "{flags:?}");
        };
        check(&[], None);
        check(&["--otel-exporter-otlp-endpoint="], None);
        check(&["--otel-exporter-otlp-headers=nonsense"], None);
        check(&[ON], Some("http://collector:4318/v1/traces"));
        check(&["--otel-exporter-otlp-endpoint=https://c/otlp/"], Some("https://c/otlp/v1/traces"));
        let whole = "--otel-exporter-otlp-traces-endpoint=http://other:4318/in";
        check(&[whole], Some("http://other:4318/in"));
        check(&[ON, whole], Some("http://other:4318/in"));
    }

    #[test]
    fn what_is_wrong_is_named_and_a_secret_is_never_quoted() {
        let check = |flags: &[&str], name: &str| {
            let wrong = chosen(&[&[ON][..], flags].concat()).unwrap_err().0;
            assert!(wrong.contains(name) && !wrong.contains("hunter2"), "{wrong}");
        };
        check(&["--otel-exporter-otlp-traces-endpoint=collector:4318"], TRACES_ENDPOINT);
        check(&["--otel-exporter-otlp-traces-endpoint=grpc://collector:4317"], TRACES_ENDPOINT);
        check(&["--otel-exporter-otlp-traces-endpoint=http://u:hunter2@collector"], TRACES_ENDPOINT);
        check(&["--otel-exporter-otlp-headers=hunter2"], HEADERS);
        check(&["--otel-exporter-otlp-headers=a b=hunter2"], HEADERS);
        check(&["--otel-exporter-otlp-headers=a=hunter2%0A"], HEADERS);
        check(&["--otel-exporter-otlp-headers-file=/nowhere/headers"], "/nowhere/headers");
        let both = ["--otel-exporter-otlp-headers=a=hunter2", "--otel-exporter-otlp-headers-file=/nowhere"];
        check(&both, HEADERS);
        check(&["--otel-resource-attributes=production"], ATTRIBUTES);
        let shown = format!("{:?}", settings(&["--otel-exporter-otlp-headers=a=hunter2"]));
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_collector_is_shown_without_its_query() {
        let check = |endpoint: &str, expected: &str| {
            let flag = format!("--otel-exporter-otlp-traces-endpoint={endpoint}");
            assert_eq!(chosen(&[&flag]).unwrap().unwrap().shown(), expected);
        };
        check("https://c:4318/in?key=hunter2", "https://c:4318/in");
        check("http://c", "http://c/");
    }

    #[test]
    fn certificates_need_tls() {
        let flags = [
            "--otel-exporter-otlp-certificate=/nowhere/ca.pem",
            "--otel-exporter-otlp-client-certificate=/nowhere/cert.pem",
            "--otel-exporter-otlp-client-key=/nowhere/key.pem",
        ];
        for (flag, name) in flags.into_iter().zip([NAMES.authorities, NAMES.certificate, NAMES.key]) {
            let wrong = chosen(&[ON, flag]).unwrap_err().0;
            assert!(wrong.starts_with(&format!("{name} is set")) && wrong.contains("https://"), "{wrong}");
            let encrypted = chosen(&["--otel-exporter-otlp-endpoint=https://collector:4318", flag]);
            assert!(encrypted.is_ok_and(|chosen| chosen.is_some()), "{flag}");
        }
    }

    #[test]
    fn values_that_the_command_line_refuses_say_what_is_allowed() {
        let check = |flag: &str, said: &str| {
            let Err(error) = Line::try_parse_from(["here", flag]) else { panic!("{flag} is accepted") };
            assert!(error.to_string().contains(said), "{error}");
        };
        check("--otel-exporter-otlp-protocol=grpc", "http/protobuf only");
        check("--otel-traces-sampler=jaeger_remote", "parentbased_traceidratio");
        check("--otel-traces-sampler-arg=2", "from 0 to 1");
        check("--otel-exporter-otlp-timeout=10s", "milliseconds");
        let empty =
            ["--otel-exporter-otlp-protocol=", "--otel-traces-sampler=", "--otel-traces-sampler-arg="];
        let empty = settings(&empty);
        assert_eq!((empty.otel_traces_sampler, empty.otel_traces_sampler_arg), (Sampling::ParentOrOn, 1.0));
    }

    #[test]
    fn headers_and_attributes_are_pairs_with_percent_encoded_values() {
        let headers = "--otel-exporter-otlp-headers=API-Key=a%2Cb%20c, x=1=2,";
        let attributes = "--otel-resource-attributes=deployment.environment.name=test,team=a%2Fb";
        let chosen = chosen(&[ON, headers, attributes]).unwrap().unwrap();
        assert_eq!(chosen.headers["api-key"], "a,b c");
        assert_eq!(chosen.headers["x"], "1=2");
        assert!(chosen.headers.values().all(HeaderValue::is_sensitive));
        let expected = [("deployment.environment.name", "test"), ("team", "a/b")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(chosen.attributes, expected);
    }
}
