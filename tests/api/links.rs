//! A signed URL is good as it was made, or it is refused: with the same bytes, whatever is wrong.

use crate::common::{TestApp, raw};
use proptest::{prelude::*, test_runner::TestRunner};
use std::time::Duration;

async fn refused(app: &TestApp) -> raw::Answer {
    let answer = raw::request(app.address, "GET", "/f/nothing").await;
    assert_eq!(answer.status, 403);
    answer
}

#[tokio::test]
async fn the_one_refusal() {
    let app = TestApp::start().await;
    let answer = refused(&app).await;
    insta::assert_snapshot!(answer.headers.join("\n"), @r"
    content-type: application/problem+json
    cache-control: private, no-store
    content-length: 201
    connection: close
    ");
    insta::assert_snapshot!(String::from_utf8(answer.body).unwrap());
}

#[tokio::test]
async fn every_deviation_is_the_same_403() {
    let app = TestApp::start().await;
    let (id, good) = app.published("image/png", b"png").await;
    let (other, other_target) = app.published("image/png", b"another").await;
    let (path, query) = good.split_once('?').unwrap();
    let [exp, kid, sig] = query.split('&').collect::<Vec<_>>().try_into().unwrap();
    let other_sig = other_target.rsplit_once("&sig=").unwrap().1;
    let seconds: i64 = exp["exp=".len()..].parse().unwrap();
    let signed = format!("{path}?{exp}&{kid}");
    let value = &sig["sig=".len()..];
    let last = value.chars().last().unwrap();
    // The last of 43 characters holds two bits that are not used: the same bytes have four spellings, and one is good.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let twin = alphabet.chars().nth(alphabet.find(last).unwrap() ^ 1).unwrap();
    let cases = [
        ("later", format!("{path}?exp={}&{kid}&{sig}", seconds + 1)),
        ("earlier", format!("{path}?exp={}&{kid}&{sig}", seconds - 1)),
        ("leading zero", format!("{path}?exp=0{seconds}&{kid}&{sig}")),
        ("plus sign", format!("{path}?exp=+{seconds}&{kid}&{sig}")),
        ("other key", format!("{path}?{exp}&kid=k2&{sig}")),
        ("unknown key", format!("{path}?{exp}&kid=k9&{sig}")),
        ("no key", format!("{path}?{exp}&{sig}")),
        ("empty key", format!("{path}?{exp}&kid=&{sig}")),
        ("key twice", format!("{path}?{exp}&{kid}&{kid}&{sig}")),
        ("no expiry", format!("{path}?{kid}&{sig}")),
        ("expiry twice", format!("{path}?{exp}&{exp}&{kid}&{sig}")),
        ("later one first", format!("{path}?exp=9999999999&{exp}&{kid}&{sig}")),
        ("another order", format!("{path}?{kid}&{exp}&{sig}")),
        ("signature first", format!("{path}?{sig}&{exp}&{kid}")),
        ("no signature", signed.clone()),
        ("empty signature", format!("{signed}&sig=")),
        ("signature twice", format!("{signed}&{sig}&{sig}")),
        ("another's signature", format!("{signed}&sig={other_sig}")),
        ("signature cut", format!("{signed}&sig={}", &value[..42])),
        ("signature longer", format!("{good}A")),
        ("signature padded", format!("{good}=")),
        ("signature padded, encoded", format!("{good}%3D")),
        ("signature's other spelling", format!("{signed}&sig={}{twin}", &value[..42])),
        ("signature in upper case", format!("{signed}&sig={}", value.to_uppercase())),
        ("signature encoded", format!("{signed}&sig=%{:02X}{}", value.as_bytes()[0], &value[1..])),
        ("name in upper case", format!("{signed}&Sig={value}")),
        ("encoded ampersand", format!("{signed}%26{sig}")),
        ("semicolons", good.replace('&', ";")),
        ("html", good.replace('&', "&amp;")),
        ("one more at the end", format!("{good}&x=1")),
        ("one more before", format!("{signed}&x=1&{sig}")),
        ("one more at the front", format!("{path}?x=1&{exp}&{kid}&{sig}")),
        ("trailing ampersand", format!("{good}&")),
        ("another upload", good.replace(&id, &other)),
        ("upload in upper case", good.replace(&id, &id.to_uppercase())),
        ("another rendition", good.replace("original", "thumbnail")),
        ("rendition in upper case", good.replace("original", "Original")),
        ("encoded letter", good.replace("original", "%6Friginal")),
        ("encoded slash", good.replace("/original", "%2Foriginal")),
        ("double slash", good.replace("/original", "//original")),
        ("dot segment", good.replace("/f/", "/f/./")),
        ("dot-dot segment", good.replace("/f/", "/f/x/../")),
        ("trailing slash", good.replace('?', "/?")),
        ("two question marks", good.replace('?', "??")),
        ("no query", path.to_owned()),
        ("empty query", format!("{path}?")),
        ("broken encoding", good.replace("original", "original%zz")),
        ("not UTF-8", good.replace("original", "original%ff")),
        ("nothing", "/f/".to_owned()),
        ("less than nothing", "/f".to_owned()),
        ("long", format!("{good}{}", "a".repeat(10_000))),
    ];
    let refusal = refused(&app).await;
    for (case, target) in cases {
        assert_ne!(target, good, "{case}");
        assert_eq!(raw::request(app.address, "GET", &target).await, refusal, "{case}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        assert_eq!(raw::request(app.address, method, &good).await, refusal, "{method}");
    }
    assert_eq!(raw::request(app.address, "GET", &good).await.status, 200);
}

#[test]
fn any_changed_byte_is_the_same_403() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(TestApp::start());
    let (_, good) = runtime.block_on(app.published("image/png", b"png"));
    let refusal = runtime.block_on(refused(&app));
    // What may stand in a request line at all; of other bytes the server's parser makes a 400 of its own.
    let byte = prop::sample::select(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%&=?/;:@!$'()*+,".as_bytes(),
    );
    let place = 3..good.len();
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() });
    let changed = runner.run(&(place, byte), |(place, byte)| {
        let mut target = good.clone().into_bytes();
        prop_assume!(target[place] != byte);
        target[place] = byte;
        let target = String::from_utf8(target).unwrap();
        prop_assert_eq!(&runtime.block_on(raw::request(app.address, "GET", &target)), &refusal, "{}", target);
        Ok(())
    });
    changed.unwrap();
}

#[tokio::test]
async fn an_expired_url_is_the_same_403_from_the_second_it_names() {
    let app = TestApp::start().await;
    let (_, good) = app.published("image/png", b"png").await;
    let refusal = refused(&app).await;
    app.clock.advance(Duration::from_secs(599));
    assert_eq!(raw::request(app.address, "GET", &good).await.status, 200);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(raw::request(app.address, "GET", &good).await, refusal);
}

#[tokio::test]
async fn what_is_not_published_is_the_same_403_at_the_next_request() {
    let app = TestApp::start().await;
    let (id, good) = app.published("image/png", b"png").await;
    let waiting = app.upload(b"never settled").await;
    let now = lazaret::ports::Clock::now(&*app.clock);
    let mint = |id: &str| {
        let original = lazaret::upload::rendition::RenditionName::Original;
        let url = app.api.signer.mint(id.parse().unwrap(), original, now + Duration::from_secs(60));
        url.strip_prefix(&app.url("")).unwrap().to_owned()
    };
    let unknown = format!("{}0", &id[..id.len() - 1]);
    let refusal = refused(&app).await;
    assert_eq!(raw::request(app.address, "GET", &good).await.status, 200);
    assert_eq!(raw::request(app.address, "GET", &mint(&waiting)).await, refusal);
    assert_eq!(raw::request(app.address, "GET", &mint(&unknown)).await, refusal);
    // Taken down by another process: the store says so, the bytes are still there.
    app.api.store.erase(&"acme".parse().unwrap(), id.parse().unwrap(), "other", now).await.unwrap().unwrap();
    assert!(app.files().iter().any(|file| file.contains("published")));
    assert_eq!(raw::request(app.address, "GET", &good).await, refusal);
}
