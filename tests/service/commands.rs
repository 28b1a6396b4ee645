//! The rest of the command line.

use crate::{samples, server::Server, site::Site};
use serde_json::Value;

#[tokio::test]
async fn a_key_is_shown_once_works_and_works_no_more_when_it_is_revoked() {
    let site = Site::new("");
    let server = Server::start(&site).await;
    let made = site.run(&["key", "create", "--tenant", "shop", "--scopes", "upload", "--json"]).await;
    let made = &made.json()[0];
    let (id, secret) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let send = async || {
        let request = server.client.post(format!("{}/v1/uploads", server.url)).bearer_auth(secret);
        request.body(samples::text(1)).send().await.unwrap()
    };
    assert_eq!(send().await.status(), 202);
    let read = server.client.get(format!("{}/v1/uploads", server.url)).bearer_auth(secret).send().await;
    assert_eq!(read.unwrap().status(), 403, "it has no scope for that");

    let list = async || site.run(&["key", "list", "--tenant", "shop", "--json"]).await;
    let listed = list().await;
    assert_eq!(listed.json().len(), 1, "{listed:?}");
    assert_eq!((&listed.json()[0]["id"], &listed.json()[0]["revoked_at"]), (&id.into(), &Value::Null));
    // `lz_ID_SECRET`
    let private = secret.splitn(3, '_').nth(2).unwrap();
    assert!(private.len() >= 32 && !listed.out().contains(private), "{listed:?}");
    assert!(!server.log().join("\n").contains(private));
    // Nor does the database know it.
    let stored = site.backing.stored(&site.data("")).await;
    assert!(find(&stored, id) && !find(&stored, private));

    assert_eq!(site.run(&["key", "revoke", id]).await.code(), 0);
    let refused = send().await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert!(list().await.json()[0]["revoked_at"].is_string());
    let unknown = site.run(&["key", "revoke", "nobodys"]).await;
    assert!(unknown.code() == 2 && unknown.err().contains("nobodys"), "{unknown:?}");
}

fn find(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

#[tokio::test]
async fn doctor_knows_when_all_is_well_and_warns_of_test_signatures() {
    let site = Site::new(
        "[[checks.off]]\ncheck = \"image\"\nmedia_type = \"application/pdf\"\nbecause = \"staff only\"",
    );
    let doctor = site.run(&["doctor"]).await;
    let text = doctor.out();
    assert_eq!(doctor.code(), 0, "{doctor:?}");
    for word in ["store", "blobs", "clamav", "onnxruntime", "magika", "models", "media", "nsfw-mobilenet-v2"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(text.contains("TEST SIGNATURES") && text.contains("uploads can be published"), "{text}");
    assert!(text.contains("switched off by the operator: staff only"), "{text}");

    std::fs::create_dir(site.path("models")).unwrap();
    site.configure("[models]\nfolder = \"models\"\n[media]\nchild = \"nowhere\"");
    site.hold_clamd_down();
    let doctor = site.run(&["doctor", "--json"]).await;
    assert_eq!(doctor.code(), 1, "{doctor:?}");
    let sick: Vec<Value> = doctor.json().into_iter().filter(|line| line["healthy"] == false).collect();
    let names: Vec<&Value> = sick.iter().map(|line| &line["part"]).collect();
    assert_eq!(names, ["clamav", "models", "media", "sandbox"], "{doctor:?}");
    for line in &sick {
        assert!(!line["advice"].as_str().unwrap().is_empty(), "{line}");
    }
    assert!(sick[2]["advice"].as_str().unwrap().contains("lazaret-media"), "{sick:?}");
}

#[tokio::test]
async fn the_other_commands_say_what_they_should() {
    let site = Site::new(
        "[delivery]\nkeys = { a = \"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\" }",
    );
    let check = site.run(&["config", "check"]).await;
    assert_eq!(check.code(), 0, "{check:?}");
    assert!(check.out().contains("the settings are good") && !check.out().contains("00112233"), "{check:?}");

    let openapi = site.run(&["openapi"]).await;
    let document: Value = serde_json::from_str(&openapi.out()).unwrap();
    assert!(document["paths"]["/v1/uploads"]["post"].is_object());

    let completions = site.run(&["completions", "bash"]).await;
    assert!(completions.code() == 0 && completions.out().contains("complete -F _lazaret"), "{completions:?}");

    let models = site.run(&["models", "verify"]).await;
    assert_eq!(models.code(), 0, "{models:?}");
    assert!(models.out().contains("nsfw-mobilenet-v2") && models.out().contains("is sound"), "{models:?}");

    site.key("acme").await;
    let audit = site.run(&["audit", "verify"]).await;
    let head = audit.out();
    let head = head.strip_prefix("1 lines, each fits the one before it\nthe last is ").map(str::trim_end);
    assert_eq!(audit.code(), 0, "{audit:?}");
    let head = head.unwrap_or_else(|| panic!("{audit:?}"));
    // What was written down is in the log also after it grew, and nothing else is.
    site.key("globex").await;
    let audit = site.run(&["audit", "verify", "--json", "--expect", head]).await;
    assert_eq!((audit.code(), &audit.json()[0]["lines"]), (0, &2.into()), "{audit:?}");
    let hash = audit.json()[0]["head"]["hash"].as_str().unwrap().to_owned();
    let expect = async |line: &str| site.run(&["audit", "verify", "--expect", head, "--expect", line]).await;
    assert_eq!(expect(&format!("2:{hash}")).await.code(), 0);
    for (line, said) in [(format!("1:{hash}"), "line 1 is not"), (format!("3:{hash}"), "line 3 is not")] {
        let audit = expect(&line).await;
        assert!(audit.code() == 1 && audit.out().starts_with(said), "{audit:?}");
    }
    for wrong in ["2", "2:", "x:00", &hash] {
        assert_eq!(expect(wrong).await.code(), 2, "{wrong}");
    }

    for (settings, key) in
        [("[server]\nlisten = 7", "server.listen"), ("[intake]\nmax_uplaod = 1", "max_uplaod")]
    {
        site.configure(settings);
        let wrong = site.run(&["config", "check"]).await;
        assert!(
            wrong.code() == 2 && wrong.err().contains("lazaret.toml") && wrong.err().contains(key),
            "{wrong:?}"
        );
    }
}
