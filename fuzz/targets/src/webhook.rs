//! Webhooks as the settings name them: a URL, a secret and an event, one a line. What is taken leads over TLS, and to no
//! address of the operator's own.

use crate::lines;
use ::url::{Host, Url};
use lazaret::events::webhook::{Secret, Webhook, Webhooks};

pub fn run(data: &[u8]) {
    let [url, secret, event] = lines::<3>(data).map(|line| std::str::from_utf8(line).unwrap_or_default());
    let secret: Option<Secret> = secret.parse().ok();
    if let Some(secret) = &secret {
        assert_eq!(format!("{secret:?}"), "[secret]");
    }
    let (Ok(url), Ok(tenant)) = (url.parse::<Url>(), "acme".parse()) else { return };
    let events = if event.is_empty() { Vec::new() } else { vec![event.to_owned()] };
    let webhook =
        Webhook { name: "w".to_owned(), tenant, url, secrets: secret.into_iter().collect(), events };
    let (url, has_secret) = (webhook.url.clone(), !webhook.secrets.is_empty());
    if Webhooks::new([webhook], false).is_err() {
        return;
    }
    assert!(
        url.scheme() == "https" && has_secret && url.username().is_empty() && url.password().is_none(),
        "{url}"
    );
    assert!(url.host().is_some_and(|host| !is_inside(&host)), "{url}");
}

/// By the standard library's own words, which are not those of `places.rs`.
fn is_inside(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.is_empty(),
        Host::Ipv4(v4) => {
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_documentation()
        }
        Host::Ipv6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.to_ipv4_mapped().is_some()
        }
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let urls = [
        "https://hooks.example.com/a",
        "https://1.1.1.1/",
        "https://[2606:4700::1111]/",
        "https://[64:ff9b::a00:1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://0x7f.1/",
        "https://me:secret@example.com/",
        "http://example.com/",
    ];
    urls.iter().map(|url| format!("{url}\n{secret}\nupload.published").into_bytes()).collect()
}
