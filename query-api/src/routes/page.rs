//! The dashboard's page: the folder that its build has made, served beside the API so that it needs no other origin.

use crate::routes::document::{Document, guard};
use crate::routes::http::get;
use std::path::{Path, PathBuf};
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::{CACHE_CONTROL, HeaderValue};
use warp::reply::Response;
use warp::{Filter, Reply};

/// For a file with a hash of its content in its name: a client never needs to revalidate it.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// For any other file: the next build may have another one of the same name.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// The length of the hash that the dashboard's build puts before the extension: `index-BZRWfSmj.js`.
const HASH_LENGTH: usize = 8;

/// Where the page's files are.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Page")]
pub struct Settings {
    /// The folder of the built dashboard (`index.html` and `assets/`), served at /overview; unset, there is no page. Set
    /// it where people open the dashboard at this address; it is read at start
    #[arg(long, env)]
    pub dashboard_dir: Option<PathBuf>,
}

/// Why the page can't be served: a sentence that names the variable.
#[derive(Debug, thiserror::Error)]
#[error("DASHBOARD_DIR ({}) has no readable index.html: {}; name the folder that `npm run build` has made", .0.display(), .1)]
pub struct BadFolder(PathBuf, std::io::Error);

/// A page to be served.
pub struct Page {
    index: Document,
    assets: PathBuf,
}

impl Page {
    /// The page that the settings name, if any.
    ///
    /// # Errors
    /// When its folder has no index: people would get a 404.
    pub fn open(settings: &Settings) -> Result<Option<Self>, BadFolder> {
        let Some(folder) = settings.dashboard_dir.as_deref().filter(|folder| !folder.as_os_str().is_empty())
        else {
            return Ok(None);
        };
        // Held in memory with a tag of its content: files in an image often share one date, so a browser that revalidates
        // by date would keep the page of the previous release.
        let index = std::fs::read(folder.join("index.html"));
        let index = index.map_err(|error| BadFolder(folder.to_owned(), error))?;
        Ok(Some(Self {
            index: Document::new(index, "text/html; charset=utf-8"),
            assets: folder.join("assets"),
        }))
    }
}

/// `/overview`, `/assets/...`, and a redirect from `/`; nothing without a page.
pub(super) fn routes(page: Option<&Page>) -> BoxedFilter<(Response,)> {
    let Some(Page { index, assets }) = page else {
        return warp::any().and_then(|| async { Err::<Response, _>(warp::reject::not_found()) }).boxed();
    };
    let index = index.clone();
    let overview = warp::path!("overview").and(get()).map(move |headers| index.reply(&headers));
    let root = warp::path::end().and(get()).map(|_| {
        let overview = warp::http::Uri::from_static("/overview");
        warp::redirect::temporary(overview).into_response()
    });
    // warp parses paths, refuses those that lead out of the folder, and handles types, ranges and dates.
    let assets = warp::path("assets").and(warp::fs::dir(assets.clone())).map(|file: warp::fs::File| {
        let kept = if is_hashed(file.path()) { FOR_EVER } else { REVALIDATE };
        let mut response = file.into_response();
        guard(response.headers_mut());
        if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
            response.headers_mut().insert(CACHE_CONTROL, kept);
        }
        response
    });
    overview.or(root).unify().or(assets).unify().boxed()
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
