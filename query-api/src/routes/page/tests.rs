//! The page as a browser sees it, and what it can't get out of the folder.

use super::*;

/// A folder as the dashboard's build makes it, with a file beside it that must not be served.
fn folder(name: &str) -> PathBuf {
    let outer = std::env::temp_dir().join(format!("query-api-page-{}-{name}", std::process::id()));
    let dist = outer.join("dist");
    std::fs::create_dir_all(dist.join("assets")).unwrap();
    let write = |path: &Path, text: &str| std::fs::write(path, text).unwrap();
    write(&outer.join("secret.txt"), "secret");
    write(&dist.join("index.html"), "<!doctype html>");
    for file in ["index-Bx3kq1vv.js", "index-Ca91-x_y.css", "icon.svg", "inter-Fg33abcd.woff2"] {
        write(&dist.join("assets").join(file), "content");
    }
    dist
}

fn page(name: &str) -> Page {
    Page::open(&Settings { dashboard_dir: Some(folder(name)) }).unwrap().unwrap()
}

async fn send(
    page: Option<&Page>,
    path: &str,
    headers: &[(&str, &str)],
) -> warp::http::Response<bytes::Bytes> {
    let request = warp::test::request().path(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.reply(&routes(page)).await
}

#[tokio::test]
async fn the_index_is_asked_for_each_time_and_sent_once() {
    let page = page("index");
    let first = send(Some(&page), "/overview", &[]).await;
    assert_eq!((first.status(), &first.body()[..]), (StatusCode::OK, &b"<!doctype html>"[..]));
    assert_eq!(first.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(first.headers()["cache-control"], "no-cache");
    let etag = first.headers()["etag"].to_str().unwrap();
    let again = send(Some(&page), "/overview", &[("if-none-match", etag)]).await;
    assert_eq!((again.status(), again.body().len()), (StatusCode::NOT_MODIFIED, 0));
}

#[tokio::test]
async fn assets_have_their_types_and_hashed_ones_are_kept_for_ever() {
    let page = page("assets");
    let check = async |file: &str, content_type: &str, kept: HeaderValue| {
        let response = send(Some(&page), &format!("/assets/{file}"), &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{file}");
        assert_eq!(response.headers()["content-type"], content_type, "{file}");
        assert_eq!(response.headers()["cache-control"], kept, "{file}");
    };
    check("index-Bx3kq1vv.js", "text/javascript", FOR_EVER).await;
    check("index-Ca91-x_y.css", "text/css", FOR_EVER).await;
    check("inter-Fg33abcd.woff2", "font/woff2", FOR_EVER).await;
    check("icon.svg", "image/svg+xml", REVALIDATE).await;
    let missing = send(Some(&page), "/assets/gone.js", &[]).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert!(!missing.headers().contains_key("cache-control"), "what is missing now may be there tomorrow");
}

#[tokio::test]
async fn all_of_it_keeps_to_itself() {
    let page = page("guarded");
    for path in ["/overview", "/assets/index-Bx3kq1vv.js", "/assets/icon.svg"] {
        let response = send(Some(&page), path, &[]).await;
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer", "{path}");
    }
}

#[tokio::test]
async fn nothing_outside_of_the_folder_is_served() {
    let page = page("outside");
    let paths = [
        "/assets/../index.html",
        "/assets/../../secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e%5c%2e%2e%5csecret.txt",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/",
        "/assets",
        "/index.html",
        "/secret.txt",
    ];
    for path in paths {
        assert_eq!(send(Some(&page), path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_root_leads_to_the_page_where_there_is_one() {
    let response = send(Some(&page("root")), "/", &[]).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (307, &"/overview".parse().unwrap())
    );
    for path in ["/", "/overview", "/assets/index-Bx3kq1vv.js"] {
        assert_eq!(send(None, path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[test]
fn a_folder_without_an_index_is_named() {
    let open = |folder: &str| Page::open(&Settings { dashboard_dir: Some(folder.into()) });
    assert!(open("").unwrap().is_none());
    let sentence = open("/nowhere/dist").err().unwrap().to_string();
    assert!(sentence.contains("DASHBOARD_DIR") && sentence.contains("/nowhere/dist"), "{sentence}");
}

#[test]
fn a_hash_is_told_from_a_word() {
    let hashed = |name: &str| is_hashed(Path::new(name));
    assert!(hashed("a/index-BZRWfSmj.js") && hashed("vendor-react-q1ivvHCa.css"));
    for name in
        ["icon.svg", "some-longname.js", "BZRWfSmj.js", "-BZRWfSmj.js", "index_BZRWfSmj.js", "a-ßZRWfSmj.js"]
    {
        assert!(!hashed(name), "{name}");
    }
}
