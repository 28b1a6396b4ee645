//! Policies of tenants.

use crate::{samples, server::Server, site::Site, upload::sha256};
use lazaret_fixtures::{Zip, eicar};

const STRICT: &str = r#"
[[rule]]
name = "no.letters"
when = 'file.media_type.startsWith("text/")'
verdict = "quarantine"

[[rule]]
name = "rest"
when = 'true'
verdict = "publish"
"#;

#[tokio::test]
async fn an_applied_policy_judges_the_next_upload_of_its_tenant_alone() {
    let site = Site::new("");
    let server = Server::ready(&site).await;
    let default = server.verdict_on("a.txt", &samples::text(1)).await;
    assert_eq!(
        (&default["verdict"], &default["verdict_detail"]["policy"]["version"]),
        (&"publish".into(), &1.into())
    );

    site.write("strict.toml", STRICT.as_bytes());
    let applied = site.run(&["policy", "apply", "strict.toml", "--tenant", "acme"]).await;
    assert_eq!(
        (applied.code(), applied.out().as_str()),
        (0, "tenant acme now has policy version 2\n"),
        "{applied:?}"
    );
    let shown = site.run(&["policy", "show", "--tenant", "acme"]).await;
    assert_eq!(shown.out(), STRICT);

    let strict = server.verdict_on("a.txt", &samples::text(1)).await;
    let detail = &strict["verdict_detail"];
    assert_eq!((&strict["verdict"], &detail["reasons"]), (&"quarantine".into(), &vec!["no.letters"].into()));
    assert_eq!(detail["policy"]["version"], 2);
    assert_eq!(detail["policy"]["digest"], sha256(STRICT.as_bytes()));

    // A verdict stands, and another tenant has its own rules.
    assert_eq!(server.show(default["id"].as_str().unwrap()).await["state"], "published");
    let other = site.key("other").await;
    let url = format!("{}/v1/uploads", server.url);
    let sent = server.client.post(url).bearer_auth(&other).body(samples::text(1)).send().await.unwrap();
    let id = crate::upload::accepted(sent).await;
    let theirs = crate::wait::until("the other tenant's upload is settled", async || {
        let url = format!("{}/v1/uploads/{id}?wait=5s", server.url);
        let answer = server.client.get(url).bearer_auth(&other).send().await.unwrap();
        let upload: serde_json::Value = answer.json().await.unwrap();
        if upload["verdict"].is_string() { Ok(upload) } else { Err(upload) }
    })
    .await;
    assert_eq!(theirs["verdict"], "publish");
    assert_eq!(theirs["verdict_detail"]["policy"], default["verdict_detail"]["policy"]);

    // No policy overrules a missing proof: what nobody could unpack is not published by "rest".
    let zip = Zip::default().encrypted("a", b"b").finish();
    let sealed = server.verdict_on("a.zip", &zip).await;
    assert_eq!(sealed["verdict"], "review", "{sealed}");
    let infected = server.verdict_on("b.zip", &Zip::default().stored("a", &eicar()).finish()).await;
    assert_eq!(infected["verdict"], "quarantine");
}
