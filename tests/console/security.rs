//! What an attacker tries, each a test.

use crate::{
    people::{PASSWORD, Visitor, field, location},
    world::World,
};

const OPEN: &str = "[console]\ntotp = false\nundo = \"10m\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_cannot_be_fixed_beforehand() {
    let world = World::start(OPEN).await;
    Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let planted = lazaret::access::Token::mint(&lazaret::ports::random::SystemRandom).unwrap();
    let mut victim = Visitor { cookie: planted.reveal().to_owned(), ..Visitor::new(&world) };
    victim.enter("/console/sign-in", &[("email", "ann@example.org"), ("password", PASSWORD)]).await;
    assert_ne!(victim.cookie, planted.reveal(), "a session of its own");
    let attacker = Visitor { cookie: planted.reveal().to_owned(), ..Visitor::new(&world) };
    assert_eq!(attacker.get("/console/queue").await.status(), 303);
    // A cookie of before the second sign-in is none after it, and one that is signed out is none.
    let csrf = victim.csrf("/console/queue").await;
    let before = victim.cookie.clone();
    assert_eq!(victim.send("/console/sign-out", &[("csrf", &csrf)]).await.status(), 303);
    let late = Visitor { cookie: before, ..Visitor::new(&world) };
    assert_eq!(late.get("/console/queue").await.status(), 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_session_opens_nothing_and_is_none_after_the_second_factor() {
    let world = World::start("").await;
    let mut ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let page = ann.page("/console/account/totp").await;
    let (csrf, secret) = (field(&page, "csrf"), field(&page, "secret"));
    let now = lazaret::ports::clock::SystemClock;
    let code = lazaret::access::totp::code_now(&secret, lazaret::ports::Clock::now(&now)).unwrap();
    ann.send("/console/account/totp", &[("csrf", &csrf), ("secret", &secret), ("code", &code)]).await;
    ann.enter("/console/sign-in", &[("email", "ann@example.org"), ("password", PASSWORD)]).await;
    let half = Visitor { cookie: ann.cookie.clone(), ..Visitor::new(&world) };
    for path in ["/console/queue", "/console/account", "/console/account/password", "/console/queue/events"] {
        assert_eq!(location(&half.get(path).await), "/console/code", "{path}");
    }
    let csrf = half.csrf("/console/code").await;
    for path in ["next", "undo", "account/password", "account/totp", "account/end", "streams/x/undo"] {
        let path = format!("/console/{path}");
        let fields =
            [("csrf", csrf.as_str()), ("secret", &secret), ("password", PASSWORD), ("code", "000000")];
        assert_eq!(location(&half.send(&path, &fields).await), "/console/code", "{path}");
    }
    ann.enter("/console/code", &[("csrf", &csrf), ("code", &crate::people::next_code(&secret))]).await;
    assert_eq!(ann.get("/console/queue").await.status(), 200);
    let late = location(&half.get("/console/code").await);
    assert!(late.starts_with("/console/sign-in"), "the cookie of before is nobody's: {late}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_nobody_uses_or_that_is_old_ends_by_itself() {
    for setting in ["idle", "longest"] {
        let world = World::start(&format!("[console]\ntotp = false\n{setting} = \"15s\"\n")).await;
        let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
        crate::wait::until("the session is over", async || {
            let answer = ann.get("/console/queue?unasked=1").await;
            if location(&answer).starts_with("/console/sign-in") { Ok(()) } else { Err(answer.status()) }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_too_many_sessions_the_oldest_is_over() {
    let world = World::start("[console]\ntotp = false\nsessions = 2\n").await;
    let first = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let sign_in = async || {
        let mut visitor = Visitor::new(&world);
        let fields = [("email", "ann@example.org"), ("password", PASSWORD)];
        visitor.enter("/console/sign-in", &fields).await;
        visitor
    };
    let second = sign_in().await;
    for visitor in [&first, &second] {
        assert_eq!(visitor.get("/console/queue").await.status(), 200);
    }
    let third = sign_in().await;
    // The one that began first, however lately it was used.
    assert!(location(&first.get("/console/queue").await).starts_with("/console/sign-in"));
    for visitor in [&second, &third, &bob] {
        assert_eq!(visitor.get("/console/queue").await.status(), 200);
    }
    let others = third.page("/console/account").await.matches("name=\"session\"").count();
    assert_eq!(others, 1, "the one beside her own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_from_elsewhere_change_nothing() {
    let world = World::start(OPEN).await;
    let id = world.letter("letter.pdf").await;
    let ann = Visitor::arrive(&world, "ann@example.org", "admin", "*").await;
    let (csrf, fence) = ann.take(&id).await;
    let other = Visitor::arrive(&world, "eve@example.org", "moderator", "*").await;
    let others = other.csrf("/console/queue").await;
    let rule = format!("/console/items/{id}/rule");
    let body = |csrf: &str| {
        vec![
            ("csrf".to_owned(), csrf.to_owned()),
            ("fence".into(), fence.clone()),
            ("choice".into(), "quarantine:spam".into()),
        ]
    };
    let send = async |csrf: &str, headers: &[(&'static str, &str)]| {
        let fields = body(csrf);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut request = ann.post(&rule, &fields);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), location(&answer))
    };
    type Headers<'a> = &'a [(&'static str, &'a str)];
    let cases: [(&str, &str, Headers<'_>); 6] = [
        ("no token", "", &[]),
        ("another's token", &others, &[]),
        ("cut short", &csrf[1..], &[]),
        ("another site, with the token", &csrf, &[("sec-fetch-site", "cross-site")]),
        ("a sister host, with the token", &csrf, &[("sec-fetch-site", "same-site")]),
        ("another origin, with the token", &csrf, &[("origin", "https://evil.example")]),
    ];
    for (name, token, headers) in cases {
        let (status, to) = send(token, headers).await;
        assert!(status == 403 || to.starts_with("/console/sign-in?"), "{name}: {status} {to}");
    }
    // GET changes nothing anywhere.
    for path in [rule.clone(), "/console/next".into(), "/console/undo".into(), "/console/sign-out".into()] {
        assert_eq!(ann.get(&path).await.status(), 405, "{path}");
    }
    let page = ann.page(&format!("/console/items/{id}")).await;
    assert!(!page.contains("<strong>quarantine: spam"), "nothing was decided");
    assert_eq!(send(&csrf, &[("sec-fetch-site", "same-origin")]).await.0, 303, "our own page's form works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anothers_items_are_not_there() {
    let world = World::start(OPEN).await;
    let (photo, letter) = (world.photo("photo.jpg", 1).await, world.letter("letter.pdf").await);
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "acme").await;
    let mallory = Visitor::arrive(&world, "mallory@example.org", "senior", "globex").await;
    let csrf = mallory.csrf("/console/queue").await;
    assert!(!mallory.page("/console/queue").await.contains(&photo));
    assert!(!mallory.page("/console/queue?tenant=acme").await.contains(&photo));
    let page = ann.page(&format!("/console/items/{photo}")).await;
    let view = page.split("/media?view=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(ann.get(&format!("/console/items/{photo}/media?view={view}")).await.status(), 200);
    let gets = [
        format!("/console/items/{photo}"),
        format!("/console/items/{photo}/media"),
        format!("/console/items/{photo}/media?view={view}"),
    ];
    for path in gets {
        assert_eq!(mallory.get(&path).await.status(), 404, "{path}");
    }
    // A URL of one item shows no other, and none works without its session.
    assert_eq!(ann.get(&format!("/console/items/{letter}/media?view={view}")).await.status(), 404);
    let nobody = Visitor::new(&world);
    let answer = nobody.get(&format!("/console/items/{photo}/media?view={view}")).await;
    assert!(location(&answer).starts_with("/console/sign-in"), "{answer:?}");
    for (deed, more) in
        [("take", None), ("rule", Some("quarantine:spam")), ("rule", Some("approve:harmless"))]
    {
        let fields = [("csrf", csrf.as_str()), ("fence", "1"), ("choice", more.unwrap_or_default())];
        let answer = mallory.send(&format!("/console/items/{photo}/{deed}"), &fields).await;
        assert_eq!(answer.status(), 404, "{deed}");
    }
    let next = location(&mallory.send("/console/next", &[("csrf", &csrf), ("tenant", "acme")]).await);
    assert_eq!(next, "/console/queue?said=none_matches&tenant=acme");
    // Nor does one end another's session or undo another's ruling.
    ann.rule(&letter, "quarantine:spam", &[]).await;
    let undo = mallory.send("/console/undo", &[("csrf", &csrf), ("upload", &letter), ("number", "1")]).await;
    assert!(location(&undo).contains("said=late"));
    let page = ann.page("/console/queue").await;
    assert!(page.contains("class=\"undo\""), "it stands");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_forbids_framing_foreign_scripts_and_keeping() {
    let world = World::start(OPEN).await;
    let id = world.photo("photo.jpg", 1).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "admin", "*").await;
    let page = ann.page(&format!("/console/items/{id}")).await;
    let view = page.split("/media?view=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut nonces = std::collections::BTreeSet::new();
    for path in [
        "/console/queue".to_owned(),
        format!("/console/items/{id}"),
        format!("/console/items/{id}/media?view={view}"),
        "/console/audit".into(),
        "/console/audit/export?format=csv".into(),
        "/console/account".into(),
        "/console/users".into(),
        "/console/sign-in".into(),
        "/console/items/none".into(),
        "/console/none".into(),
    ] {
        let answer = ann.get(&path).await;
        let header = |name: &str| {
            answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        if path != "/console/none" {
            let policy = header("content-security-policy");
            assert!(
                policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"),
                "{path}: {policy}"
            );
            assert!(!policy.contains("unsafe"), "{path}");
            assert_eq!(header("x-frame-options"), "DENY", "{path}");
            assert_eq!(header("cache-control"), "no-store", "{path}");
            assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
            if let Some((_, rest)) = policy.split_once("'nonce-") {
                assert!(
                    nonces.insert(rest.split('\'').next().unwrap().to_owned()),
                    "{path}: a nonce is used once"
                );
            }
        }
        let body = answer.bytes().await.unwrap();
        assert!(body.len() < 100_000, "{path} is {} bytes", body.len());
        let text = String::from_utf8_lossy(&body);
        for foreign in ["src=\"http", "href=\"http", "style=\"", "onclick="] {
            assert!(!text.contains(foreign), "{path}: {foreign}");
        }
    }
    assert!(nonces.len() >= 7);
    let css = page.split("href=\"/console/assets/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let asset = ann.get(&format!("/console/assets/{css}")).await;
    assert!(asset.headers()["cache-control"].to_str().unwrap().contains("immutable"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_is_slowed_down_and_learns_nothing() {
    let world = World::start(OPEN).await;
    Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let visitor = Visitor::new(&world);
    let attempt = async |email: &str, password: &str| {
        let answer = visitor.send("/console/sign-in", &[("email", email), ("password", password)]).await;
        let status = answer.status().as_u16();
        (status, answer.text().await.unwrap())
    };
    let wrong = attempt("ann@example.org", "wrong horse battery").await;
    let nobody = attempt("nobody@example.org", "wrong horse battery").await;
    assert_eq!((wrong.0, nobody.0), (401, 401));
    let bare = |page: &str, email: &str| {
        let nonce = page.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        page.replace(&nonce, "").replace(email, "")
    };
    assert_eq!(bare(&wrong.1, "ann@example.org"), bare(&nobody.1, "nobody@example.org"));
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(attempt("ann@example.org", "wrong horse battery").await.0);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    let right = attempt("ann@example.org", PASSWORD).await;
    assert_eq!(right.0, 429, "also with the right one: else it would tell");
    assert!(right.1.contains("Too many tries"));
    // Another account is not held up by it.
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    assert_eq!(bob.get("/console/queue").await.status(), 200);
    // A link is used once, and a made-up one never.
    let link = world.invite("eve@example.org", "moderator", "*").await;
    let mut eve = Visitor::new(&world);
    eve.enter(&link, &[]).await;
    assert_eq!(Visitor::new(&world).send(&link, &[]).await.status(), 422);
    let made_up = format!("/console/link/{}", "A".repeat(43));
    assert_eq!(Visitor::new(&world).send(&made_up, &[]).await.status(), 422);
    // Weak passwords are refused, with the reason.
    let csrf = eve.csrf("/console/account/password").await;
    let weak = eve
        .send(
            "/console/account/password",
            &[("csrf", &csrf), ("new", "Password12345"), ("again", "Password12345")],
        )
        .await;
    assert_eq!(weak.status(), 422);
    assert!(weak.text().await.unwrap().contains("leaked passwords"));
    assert_eq!(location(&eve.get("/console/queue").await), "/console/account/password", "until there is one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_codes_or_from_one_address_is_slowed_down_too() {
    let world = World::start("").await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let page = ann.page("/console/account/totp").await;
    let (csrf, secret) = (field(&page, "csrf"), field(&page, "secret"));
    let now = lazaret::ports::Clock::now(&lazaret::ports::clock::SystemClock);
    let code = lazaret::access::totp::code_now(&secret, now).unwrap();
    ann.send("/console/account/totp", &[("csrf", &csrf), ("secret", &secret), ("code", &code)]).await;
    // With a session of hers in hand, the password is guessed where it is asked for again.
    let csrf = ann.csrf("/console/account/password").await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let fields = [
            ("csrf", csrf.as_str()),
            ("old", "wrong"),
            ("new", "another battery"),
            ("again", "another battery"),
        ];
        statuses.push(ann.send("/console/account/password", &fields).await.status().as_u16());
    }
    assert_eq!((statuses[0], statuses.last()), (401, Some(&429)), "{statuses:?}");
    // With the password in hand, the code is.
    let mut half = Visitor::new(&world);
    crate::wait::until("she may sign in again", async || {
        let fields = [("email", "ann@example.org"), ("password", PASSWORD)];
        let answer = half.send("/console/sign-in", &fields).await;
        if answer.status() == 303 { Ok(()) } else { Err(answer.status()) }
    })
    .await;
    half.enter("/console/sign-in", &[("email", "ann@example.org"), ("password", PASSWORD)]).await;
    let csrf = half.csrf("/console/code").await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let answer = half.send("/console/code", &[("csrf", &csrf), ("code", "000000")]).await;
        statuses.push(answer.status().as_u16());
    }
    assert_eq!((statuses[0], statuses.last()), (401, Some(&429)), "{statuses:?}");
    let right = crate::people::next_code(&secret);
    let answer = half.send("/console/code", &[("csrf", &csrf), ("code", &right)]).await;
    assert_eq!(answer.status(), 429, "also with the right one: else it would tell");
    // Many at once get no further than one after the other.
    let fields = [("email", "zoe@example.org"), ("password", "wrong horse battery")];
    let at_once =
        futures_util::future::join_all((0..30).map(|_| half.send("/console/sign-in", &fields))).await;
    let heard = at_once.iter().filter(|answer| answer.status() == 401).count();
    assert!((1..=8).contains(&heard), "{heard} of 30 were heard");
    // And many accounts from one address.
    let mut statuses = Vec::new();
    for n in 0..40 {
        let email = format!("person-{n}@example.org");
        let fields = [("email", email.as_str()), ("password", "wrong horse battery")];
        statuses.push(half.send("/console/sign-in", &fields).await.status().as_u16());
    }
    assert_eq!((statuses[0], statuses.last()), (401, Some(&429)), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_ended_by_its_owner_and_by_a_new_password() {
    let world = World::start(OPEN).await;
    let mut ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let mallory = Visitor::arrive(&world, "mallory@example.org", "admin", "*").await;
    let first = Visitor { cookie: ann.cookie.clone(), ..Visitor::new(&world) };
    ann.enter("/console/sign-in", &[("email", "ann@example.org"), ("password", PASSWORD)]).await;
    // The id of the other device's session, as her own page names it, is good for nobody else.
    let page = ann.page("/console/account").await;
    let others = field(&page, "session");
    let csrf = mallory.csrf("/console/account").await;
    mallory.send("/console/account/end", &[("csrf", &csrf), ("session", &others)]).await;
    assert_eq!(first.get("/console/queue").await.status(), 200);
    let csrf = ann.csrf("/console/account").await;
    ann.send("/console/account/end", &[("csrf", &csrf), ("session", &others)]).await;
    assert!(location(&first.get("/console/queue").await).starts_with("/console/sign-in"));
    // A new password ends every session of before, and the one that goes on has a new cookie.
    let before = Visitor { cookie: ann.cookie.clone(), ..Visitor::new(&world) };
    let mut other = Visitor::new(&world);
    other.enter("/console/sign-in", &[("email", "ann@example.org"), ("password", PASSWORD)]).await;
    let csrf = ann.csrf("/console/account/password").await;
    let fields = [
        ("csrf", csrf.as_str()),
        ("old", PASSWORD),
        ("new", "a staple of another horse"),
        ("again", "a staple of another horse"),
    ];
    ann.enter("/console/account/password", &fields).await;
    assert_eq!(ann.get("/console/queue").await.status(), 200);
    for late in [&before, &other] {
        assert!(location(&late.get("/console/queue").await).starts_with("/console/sign-in"));
    }
    // And a link that nobody used: with a new password, and with the account.
    let made = async || {
        let made = world.site.run(&["user", "link", "ann@example.org"]).await.out();
        made[made.find("/console").unwrap()..].trim_end().to_owned()
    };
    let link = made().await;
    assert_eq!(other.get(&link).await.status(), 200);
    let csrf = ann.csrf("/console/account/password").await;
    let fields = [
        ("csrf", csrf.as_str()),
        ("old", "a staple of another horse"),
        ("new", PASSWORD),
        ("again", PASSWORD),
    ];
    ann.enter("/console/account/password", &fields).await;
    assert_eq!(other.send(&link, &[]).await.status(), 422);
    let link = made().await;
    for change in ["disable", "enable"] {
        assert_eq!(world.site.run(&["user", change, "ann@example.org"]).await.code(), 0);
    }
    assert_eq!(other.send(&link, &[]).await.status(), 422);
}
