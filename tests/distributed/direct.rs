//! Bytes that do not pass through the API: put into the bucket, fetched from a sender's, sent to the viewer by redirect.

use crate::{samples, server::Server, site::Site, upload::sha256};
use reqwest::{Client, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};

fn post(server: &Server, path: &str) -> RequestBuilder {
    server.client.post(format!("{}{path}", server.url)).bearer_auth(&server.key)
}

#[tokio::test]
async fn a_direct_upload_and_one_by_reference_are_scanned_and_delivered_by_redirect() {
    let site = Site::new("");
    let bucket = site.backing.s3.bucket();
    site.configure(&format!(
        "[delivery]\nmode = \"redirect\"\n[[intake.sources]]\ntenant = \"acme\"\nbucket = \"{bucket}\""
    ));
    let server = Server::ready(&site).await;
    let (direct, referred) = (samples::photo(1), samples::photo(2));
    let announced = json!({"filename": "a.jpg", "media_type": "image/jpeg", "size": direct.len()});
    let awaited = post(&server, "/v1/uploads/direct").json(&announced).send().await.unwrap();
    assert_eq!(awaited.status(), 201);
    let awaited: Value = awaited.json().await.unwrap();
    let mut put = server.client.put(awaited["url"].as_str().unwrap());
    for (name, value) in awaited["headers"].as_object().unwrap() {
        if name != "content-length" {
            put = put.header(name, value.as_str().unwrap());
        }
    }
    assert_eq!(put.body(direct.clone()).send().await.unwrap().status(), 200);
    let id = awaited["id"].as_str().unwrap();
    let complete = post(&server, &format!("/v1/uploads/{id}/complete")).send().await.unwrap();
    assert_eq!(crate::upload::accepted(complete).await, id);

    site.backing.s3.tamper(&bucket, "b.jpg", &referred);
    let body = json!({"source": {"url": format!("s3://{bucket}/b.jpg")}, "filename": "b.jpg"});
    let other = post(&server, "/v1/uploads/by-reference").json(&body).send().await.unwrap();
    let other = crate::upload::accepted(other).await;

    let viewer = Client::builder().redirect(Policy::none()).build().unwrap();
    for (id, bytes) in [(id, &direct), (other.as_str(), &referred)] {
        let upload = server.settled(id).await;
        assert_eq!(
            (&upload["state"], &upload["sha256"]),
            (&"published".into(), &sha256(bytes).into()),
            "{upload}"
        );
        let url = server.signed_url(id, "original").await;
        let sent = viewer.get(&url).send().await.unwrap();
        assert!(sent.status().is_redirection(), "{}", sent.status());
        let place = sent.headers()["location"].to_str().unwrap();
        assert!(place.contains(&format!("{}/published/", site.backing.bucket)), "{place}");
        let (status, got) = server.fetch(place).await;
        assert_eq!((status, &upload["renditions"][0]["sha256"]), (200, &sha256(&got).into()), "{upload}");
    }
}
