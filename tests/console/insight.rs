use crate::{
    browser::Browser,
    people::{Visitor, arrive, field},
    wait::until,
    world::World,
};

const SHORT: &str = "[console]\ntotp = false\nundo = \"1s\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn insight_counts_what_happened_and_keeps_tenants_and_roles_apart() {
    let world = World::start(SHORT).await;
    let (photo, letter) = (world.photo("photo.jpg", 1).await, world.letter("letter.pdf").await);
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    assert_eq!(ann.rule(&photo, "approve:harmless", &[]).await.status(), 303);
    assert_eq!(ann.rule(&letter, "quarantine:spam", &[]).await.status(), 303);
    world.photo("later.jpg", 2).await;
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    let page = until("both are carried out", async || {
        let page = zoe.page("/console/insight?days=7").await;
        if page.contains("2 decided") { Ok(page) } else { Err(page) }
    })
    .await;
    assert!(page.contains("3 in 7 days") && page.contains("half of them in under 1 min"), "{page}");
    let row = |name: &str| {
        let at =
            page.find(&format!("<th scope=\"row\">{name}</th>")).unwrap_or_else(|| panic!("{name}: {page}"));
        let cells = page[at..].split("<td class=\"num\">").skip(1).take(3);
        cells.map(|cell| cell.split('<').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("look"), "2 1 50 %");
    assert_eq!(row("nsfw-mobilenet-v2"), "1 1 100 %");
    assert_eq!(row("ann@example.org"), "2 0 0 %");
    assert!(row("under an hour").starts_with('1'));
    // Somebody of another tenant sees none of it, and a moderator no page of the kind.
    let eve = Visitor::arrive(&world, "eve@example.org", "senior", "globex").await;
    let other = eve.page("/console/insight").await;
    assert!(other.contains("0 in 30 days") && !other.contains("ann@example.org"), "{other}");
    let engines = eve.page("/console/insight/engines").await;
    assert!(!engines.contains("This process now") && !engines.contains("Dead letters</h2>"));
    for path in ["/console/insight", "/console/insight/engines", "/console/policy"] {
        assert_eq!(ann.get(path).await.status(), 403, "{path}");
    }
    assert_eq!(eve.get("/console/policy?tenant=acme").await.status(), 404);
    let engines = zoe.page("/console/insight/engines").await;
    assert!(engines.contains("image partial") && engines.contains("This process now"), "{engines}");
    let csrf = field(&engines, "csrf");
    let redrive = [("csrf", csrf.as_str()), ("do", "all")];
    assert_eq!(zoe.send("/console/insight/dead", &redrive).await.status(), 403, "an admin's to do");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_call_gets_its_second_chance_from_the_console() {
    // Whoever calls it is told to call no more.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", gone.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut socket, _)) = gone.accept().await {
            let mut asked = [0; 4096];
            let _read = socket.read(&mut asked).await;
            let answer = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _written = socket.write_all(answer).await;
        }
    });
    let world = World::start(&format!(
        "[console]\ntotp = false\n[events]\nallow_private = true\n[[events.webhooks]]\nname = \"w\"\n\
         tenant = \"acme\"\nurl = \"{url}\"\nsecrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G\"]\n"
    ))
    .await;
    world.photo("photo.jpg", 1).await;
    let admin = Visitor::arrive(&world, "root@example.org", "admin", "*").await;
    let page = until("the call is given up", async || {
        let page = admin.page("/console/insight/engines").await;
        if page.contains("webhook.given_up") { Ok(page) } else { Err("not yet".to_owned()) }
    })
    .await;
    let (csrf, id) = (field(&page, "csrf"), field(&page, "id"));
    assert!(id.starts_with("call:"), "{id}");
    let answer = admin.send("/console/insight/dead", &[("csrf", &csrf), ("id", &id), ("do", "one")]).await;
    assert_eq!(crate::people::location(&answer), "/console/insight/engines?said=redriven");
    let log = admin.page("/console/audit/export?format=jsonl&action=dead.redriven").await;
    assert!(log.contains(&id), "{log}");
}

const STRICT: &str = "[[rule]]\nname = \"strict\"\nwhen = 'file.media_type == \"application/pdf\"'\nverdict = \"quarantine\"\n\n\
    [[rule]]\nname = \"rest\"\nwhen = \"true\"\nverdict = \"review\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_tried_on_past_uploads_before_it_is_saved() {
    let world = World::start(SHORT).await;
    world.photo("photo.jpg", 1).await;
    let letter = world.letter("letter.pdf").await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "root@example.org", "admin").await;
    browser.go(&world.url("/console/policy?tenant=acme")).await;
    browser.shows("acme, version 2").await;
    let set = async |text: &str| {
        let script = format!(
            "document.querySelector('textarea.code').value = {}",
            serde_json::to_string(text).unwrap()
        );
        browser.eval(&script).await;
        browser.click("button[value=try]").await;
    };
    set("[[rule]]\nname = \"x\"\nwhen = \"nonsense(\"\nverdict = \"publish\"\n").await;
    browser.shows("does not compile").await;
    set(STRICT).await;
    browser.shows("1 would have another verdict").await;
    browser.shows("letter.pdf").await;
    browser.shoot("policy-tried").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    assert_eq!(browser.text("#tried tbody a").await, "letter.pdf");
    // Nothing is changed by trying.
    let policy = async || {
        let shown = world.site.run(&["policy", "show", "--tenant", "acme"]).await;
        shown.out()
    };
    assert!(!policy().await.contains("strict"));
    assert_eq!(world.server.show(&letter).await["state"], "in_review");
    browser.write("#tried input[name=why]", "PDFs brought malware").await;
    // Enter there neither saves nor tries again; what it presses is nothing that anybody sees.
    assert_eq!(
        browser.eval("return document.querySelector('#policy button[disabled]').clientWidth").await,
        0
    );
    browser
        .eval("document.querySelector('#policy').addEventListener('submit', () => { window.sent = true; })")
        .await;
    browser.press("\u{E007}").await;
    assert_eq!(browser.eval("return window.sent ?? false").await, false);
    browser.click("button[value=save]").await;
    browser.shows("acme, version 3").await;
    assert_eq!(policy().await, STRICT, "to the byte");
    browser.shows("PDFs brought malware").await;
    browser.shows("root@example.org").await;
    let again = world.server.verdict_on("again.pdf", &lazaret_fixtures::document::pdf()).await;
    assert_eq!(
        (&again["state"], &again["verdict_detail"]["reasons"][0]),
        (&"quarantined".into(), &"strict".into())
    );
    // The way back is the next version.
    browser.go(&world.url("/console/policy?tenant=acme&version=2")).await;
    browser.shows("Version 2 of acme").await;
    browser.click("button[value=try]").await;
    browser.shows("1 would have another verdict").await;
    browser.click("button[value=save]").await;
    browser.shows("acme, version 4").await;
    browser.shows("back to version 2").await;
    assert!(policy().await.contains("people look at everything"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_saved_that_was_not_tried_or_that_another_was_saved_over() {
    let world = World::start(SHORT).await;
    let admin = Visitor::arrive(&world, "root@example.org", "admin", "*").await;
    let csrf = admin.csrf("/console/policy?tenant=acme").await;
    let form = async |fields: &[(&str, &str)]| {
        let base = [("csrf", csrf.as_str()), ("tenant", "acme")];
        let fields: Vec<_> = base.into_iter().chain(fields.iter().copied()).collect();
        admin.send("/console/policy", &fields).await
    };
    let tried = form(&[("text", STRICT), ("do", "try")]).await;
    assert_eq!(tried.status(), 200);
    let tried = tried.text().await.unwrap();
    assert_eq!(tried.matches("name = &#34;strict&#34;").count(), 1, "the text, once");
    let proof = field(&tried, "proof");
    let save = async |text: &str, over: &str, why: &str, proof: &str| {
        form(&[("text", text), ("over", over), ("why", why), ("proof", proof), ("do", "save")]).await.status()
    };
    assert_eq!(save(STRICT, "2", "x", "").await, 409, "without a try");
    assert_eq!(save(&format!("{STRICT}# more"), "2", "x", &proof).await, 409, "another text");
    assert_eq!(save(STRICT, "1", "x", &proof).await, 409, "over another version");
    assert_eq!(save(STRICT, "2", " ", &proof).await, 409, "without a reason");
    // Forms send their own line ends.
    assert_eq!(save(&STRICT.replace('\n', "\r\n"), "2", "x", &proof).await, 303);
    assert_eq!(save(STRICT, "2", "x", &proof).await, 409, "somebody saved meanwhile");
    // A senior reads, and changes nothing.
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    let page = zoe.page("/console/policy?tenant=acme").await;
    assert!(page.contains("readonly") && page.contains("strict"));
    let token = field(&page, "csrf");
    for what in ["try", "save"] {
        let fields = [("csrf", token.as_str()), ("tenant", "acme"), ("text", STRICT), ("do", what)];
        assert_eq!(zoe.send("/console/policy", &fields).await.status(), 403);
    }
    // An admin of one tenant is none of another.
    let other = Visitor::arrive(&world, "ina@example.org", "admin", "globex").await;
    let token = other.csrf("/console/queue").await;
    let fields = [("csrf", token.as_str()), ("tenant", "acme"), ("text", STRICT), ("do", "try")];
    assert_eq!(other.send("/console/policy", &fields).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_try_names_only_what_is_in_ones_queues() {
    let world = World::start(SHORT).await;
    let policy = world.site.write("queues.toml", crate::rights::QUEUES.as_bytes());
    let applied = world.site.run(&["policy", "apply", policy.to_str().unwrap(), "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    world.photo("photo.jpg", 1).await;
    world.letter("letter.pdf").await;
    let all = "[[rule]]\nname = \"no\"\nwhen = \"true\"\nverdict = \"quarantine\"\n";
    for (email, queues, names, said) in [
        ("root@example.org", "*", ["letter.pdf", "photo.jpg"], false),
        ("ina@example.org", "documents", ["letter.pdf", "letter.pdf"], true),
    ] {
        let admin = Visitor::arrive_at(&world, email, "admin", "*", queues).await;
        let csrf = admin.csrf("/console/policy?tenant=acme").await;
        let fields = [("csrf", csrf.as_str()), ("tenant", "acme"), ("text", all), ("do", "try")];
        let page = admin.send("/console/policy", &fields).await.text().await.unwrap();
        assert!(page.contains("2 would have another verdict"), "{page}");
        for name in ["letter.pdf", "photo.jpg"] {
            assert_eq!(page.contains(name), names.contains(&name), "{email}: {name}");
        }
        assert_eq!(page.contains("1 of them are in queues that are not yours"), said);
    }
}
