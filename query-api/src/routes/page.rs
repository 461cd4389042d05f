//! The dashboard's page: the folder that its build has made, served beside the API so that it needs no other origin.
//!
//! ```text
//! page       the files, and the policy that they are under
//!   sign_in  how people sign in, and what the page is told of it
//! ```

mod sign_in;

pub use sign_in::{BadSignIn, remarks};

use crate::request::token;
use crate::routes::document::{Document, Policy, guard};
use crate::routes::http::get;
use sign_in::SignIn;
use std::path::{Path, PathBuf};
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, HeaderValue, VARY};
use warp::reply::Response;
use warp::{Filter, Reply};

/// For a file with a hash of its content in its name: a client never needs to revalidate it.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// For any other file: the next build may have another one of the same name.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// The length of the hash that the dashboard's build puts before the extension: `index-BZRWfSmj.js`.
const HASH_LENGTH: usize = 8;

/// Where the page's files are, and how people sign in.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Page")]
pub struct Settings {
    /// The folder of the built dashboard (`index.html`, `assets/` and `br/`), served at /overview; unset, there is no page. Set
    /// it where people open the dashboard at this address; it is read at start
    #[arg(long, env)]
    pub dashboard_dir: Option<PathBuf>,

    /// How people sign in.
    #[command(flatten)]
    pub sign_in: sign_in::Settings,
}

/// Why the page can't be served: a sentence that names the variable.
#[derive(Debug, thiserror::Error)]
pub enum BadPage {
    /// Its folder can't be read.
    #[error(transparent)]
    Folder(#[from] BadFolder),
    /// Nobody could sign in.
    #[error(transparent)]
    SignIn(#[from] BadSignIn),
}

/// Why the page's folder can't be served.
#[derive(Debug, thiserror::Error)]
#[error("DASHBOARD_DIR ({}) has no readable index.html: {}; name the folder that `npm run build` has made", .0.display(), .1)]
pub struct BadFolder(PathBuf, std::io::Error);

/// A page to be served.
pub struct Page {
    index: Document,
    /// What the page is told of how people sign in, and of limits.
    settings: Document,
    assets: PathBuf,
    /// The same files, those that shrink, compressed with Brotli. The build makes both folders.
    compressed: PathBuf,
    policy: Policy,
}

impl Page {
    /// The page that the settings name, if any. Whoever signs in there gets tokens that must be let in by the settings of
    /// tokens; `max_range_days` is the longest range that is answered.
    ///
    /// # Errors
    /// When its folder has no index, so that people would get a 404; or when nobody could sign in.
    pub fn open(
        settings: &Settings,
        token: &token::Settings,
        max_range_days: u16,
    ) -> Result<Option<Self>, BadPage> {
        let sign_in = SignIn::new(&settings.sign_in, token)?;
        let Some(folder) = settings.dashboard_dir.as_deref().filter(|folder| !folder.as_os_str().is_empty())
        else {
            return Ok(None);
        };
        // Held in memory with a tag of its content: files in an image often share one date, so a browser that revalidates
        // by date would keep the page of the previous release.
        let index = std::fs::read(folder.join("index.html"));
        let index = index.map_err(|error| BadFolder(folder.to_owned(), error))?;
        let policy = Policy::connecting_to(sign_in.as_ref().map_or(&[], |sign_in| &sign_in.origins));
        let told = sign_in::told(&settings.sign_in, sign_in.as_ref(), max_range_days);
        Ok(Some(Self {
            index: Document::under(policy.clone(), index, "text/html; charset=utf-8"),
            settings: Document::under(policy.clone(), told.to_string(), "application/json"),
            assets: folder.join("assets"),
            compressed: folder.join("br"),
            policy,
        }))
    }
}

/// `/overview`, `/overview/settings.json`, `/assets/...`, and a redirect from `/`; nothing without a page.
pub(super) fn routes(page: Option<&Page>) -> BoxedFilter<(Response,)> {
    let Some(Page { index, settings, assets, compressed, policy }) = page else {
        return warp::any().and_then(|| async { Err::<Response, _>(warp::reject::not_found()) }).boxed();
    };
    let (index, settings, policy) = (index.clone(), settings.clone(), policy.clone());
    let overview = warp::path!("overview").and(get()).map(move |headers| index.reply(&headers));
    let settings =
        warp::path!("overview" / "settings.json").and(get()).map(move |headers| settings.reply(&headers));
    let root = warp::path::end().and(get()).map(|_| {
        let overview = warp::http::Uri::from_static("/overview");
        warp::redirect::temporary(overview).into_response()
    });
    // warp parses paths, refuses those that lead out of the folder, and handles types, ranges and dates.
    let plain = warp::fs::dir(assets.clone()).map(|file| (file, None));
    let brotli = takes_brotli().and(warp::fs::dir(compressed.clone()));
    let brotli = brotli.map(|file| (file, Some(HeaderValue::from_static("br"))));
    let assets = warp::path("assets").and(brotli.or(plain).unify()).map(
        move |(file, encoding): (warp::fs::File, Option<HeaderValue>)| {
            let kept = if is_hashed(file.path()) { FOR_EVER } else { REVALIDATE };
            let mut response = file.into_response();
            let headers = response.headers_mut();
            guard(headers, &policy);
            headers.append(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
            if let Some(encoding) = encoding {
                headers.insert(CONTENT_ENCODING, encoding);
            }
            if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
                response.headers_mut().insert(CACHE_CONTROL, kept);
            }
            response
        },
    );
    overview.or(settings).unify().or(root).unify().or(assets).unify().boxed()
}

/// Requests of clients that take Brotli (RFC 9110, section 12.5.3): the coding is named, and not with a weight of 0.
fn takes_brotli() -> impl Filter<Extract = (), Error = warp::Rejection> + Clone {
    let takes = |coding: &str| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("br") && weight.is_some_and(|weight| weight > 0.0)
    };
    warp::header::optional::<String>("accept-encoding")
        .and_then(move |codings: Option<String>| {
            let taken = codings.is_some_and(|codings| codings.split(',').any(takes));
            std::future::ready(if taken { Ok(()) } else { Err(warp::reject::not_found()) })
        })
        .untuple_one()
}

/// Whether the name ends in a hash. A hash without a capital or a digit is mistaken for a word, which costs a revalidation.
fn is_hashed(path: &Path) -> bool {
    let Some((name, hash)) = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| {
        let at = stem.len().checked_sub(HASH_LENGTH)?;
        stem.is_char_boundary(at).then(|| stem.split_at(at))
    }) else {
        return false;
    };
    let plain = hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let unlike_a_word = hash.bytes().any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    name.len() > 1 && name.ends_with('-') && plain && unlike_a_word
}

#[cfg(test)]
mod tests;
