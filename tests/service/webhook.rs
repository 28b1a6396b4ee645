//! Verdicts, as a tenant's webhook is told them.

use crate::{
    receiver::{Receiver, SECRET},
    samples,
    server::Server,
    site::Site,
    wait::until,
};
use serde_json::Value;

#[tokio::test]
async fn a_webhook_is_told_the_verdict_signed_and_again_until_it_takes_it() {
    let receiver = Receiver::saying(&[500, 204]).await;
    let site = Site::new(&format!(
        "[events]\nallow_private = true\n[[events.webhooks]]\nname = \"shop\"\ntenant = \"acme\"\n\
         url = \"{}\"\nsecrets = [\"{SECRET}\"]",
        receiver.url()
    ));
    let server = Server::ready(&site).await;
    let upload = server.verdict_on("a.txt", &samples::text(1)).await;
    // Another tenant's is none of its business.
    let other = site.key("other").await;
    let sent = server.client.post(format!("{}/v1/uploads", server.url)).bearer_auth(&other);
    crate::upload::accepted(sent.body(samples::text(2)).send().await.unwrap()).await;
    let told = until("it is called until it takes the event", async || {
        let hits = receiver.hits();
        if hits.len() >= 2 { Ok(hits) } else { Err(hits.len()) }
    })
    .await;
    let verifier = standardwebhooks::Webhook::new(SECRET).unwrap();
    for hit in &told {
        verifier.verify(&hit.body, &hit.headers).unwrap();
        let event: Value = serde_json::from_slice(&hit.body).unwrap();
        assert_eq!(
            (&event["type"], &event["subject"]),
            (&"io.lazaret.upload.published.v1".into(), &upload["id"])
        );
        assert_eq!(event["id"], hit.headers["webhook-id"].to_str().unwrap());
        assert_eq!(event["data"]["verdict_digest"].as_str().unwrap().len(), 64);
    }
    assert_eq!(told[0].headers["webhook-id"], told[1].headers["webhook-id"]);
}
