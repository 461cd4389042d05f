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
    std::fs::create_dir_all(dist.join("br")).unwrap();
    write(&dist.join("br").join("index-Bx3kq1vv.js"), "short");
    dist
}

/// The page that the flags and the folder make.
fn open(folder: &Path, flags: &str) -> Result<Option<Page>, BadPage> {
    let all = ["query-api"].into_iter().chain(flags.split_whitespace());
    let mut settings = <crate::settings::Settings as clap::Parser>::parse_from(all);
    settings.page.dashboard_dir = Some(folder.into());
    Page::open(&settings.page, &settings.token, settings.ranges.max_range_days)
}

fn page(name: &str) -> Page {
    open(&folder(name), "").unwrap().unwrap()
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
async fn what_the_build_has_compressed_goes_to_clients_that_take_it() {
    let page = page("compressed");
    let check = async |file: &str, takes: &str, expected: &str| {
        let headers = [("accept-encoding", takes)];
        let response = send(Some(&page), &format!("/assets/{file}"), &headers).await;
        assert_eq!(
            (response.status(), &response.body()[..]),
            (StatusCode::OK, expected.as_bytes()),
            "{takes}"
        );
        let encoding = response.headers().get("content-encoding").map(|coding| coding.to_str().unwrap());
        assert_eq!(encoding, (expected == "short").then_some("br"), "{file}, {takes}");
        assert_eq!(response.headers()["vary"], "accept-encoding");
        assert_eq!(response.headers()["cache-control"], FOR_EVER);
    };
    for takes in ["br", "gzip, deflate, br, zstd", "gzip;q=0.5, BR;q=0.8"] {
        check("index-Bx3kq1vv.js", takes, "short").await;
    }
    for takes in ["gzip", "br;q=0", "gzip, br; q=0.000", "brotli", "", "br;q=much"] {
        check("index-Bx3kq1vv.js", takes, "content").await;
    }
    check("index-Ca91-x_y.css", "br", "content").await;
}

#[tokio::test]
async fn all_of_it_keeps_to_itself() {
    let page = page("guarded");
    for path in ["/overview", "/overview/settings.json", "/assets/index-Bx3kq1vv.js", "/assets/icon.svg"] {
        let response = send(Some(&page), path, &[]).await;
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(policy.contains("; connect-src 'self'; "), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("data:"), "{path}: {policy}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer", "{path}");
    }
}

#[tokio::test]
async fn a_page_at_which_people_sign_in_may_ask_the_provider_and_nobody_else() {
    let flags = "--jwt-jwks-url https://id.example.com/keys --oidc-client-id page --access-contact a@example.com \
                 --oidc-issuer https://id.example.com/main --oidc-origins https://login.example.com";
    let page = open(&folder("sign-in"), flags).unwrap().unwrap();
    for path in ["/overview", "/overview/settings.json", "/assets/index-Bx3kq1vv.js"] {
        let response = send(Some(&page), path, &[]).await;
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        let connected = "; connect-src 'self' https://id.example.com https://login.example.com; font-src";
        assert!(policy.contains(connected), "{path}: {policy}");
    }
}

#[tokio::test]
async fn the_page_is_told_its_settings_without_a_token() {
    let page = page("settings");
    let response = send(Some(&page), "/overview/settings.json", &[]).await;
    assert_eq!(
        (response.status(), &response.headers()["content-type"]),
        (StatusCode::OK, &"application/json".parse().unwrap())
    );
    assert_eq!(response.headers()["cache-control"], "no-cache");
    let told: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(told, serde_json::json!({"accessContact": null, "maxRangeDays": 93, "signIn": null}));
    let etag = response.headers()["etag"].to_str().unwrap();
    let again = send(Some(&page), "/overview/settings.json", &[("if-none-match", etag)]).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(send(None, "/overview/settings.json", &[]).await.status(), StatusCode::NOT_FOUND);
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
    assert!(open(Path::new(""), "").unwrap().is_none());
    let sentence = open(Path::new("/nowhere/dist"), "").err().unwrap().to_string();
    assert!(sentence.contains("DASHBOARD_DIR") && sentence.contains("/nowhere/dist"), "{sentence}");
}

#[test]
fn a_sign_in_that_lets_nobody_in_is_refused_also_without_a_page() {
    let sentence = open(Path::new(""), "--oidc-client-id page").err().unwrap().to_string();
    assert!(sentence.contains("OIDC_ISSUER"), "{sentence}");
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
