//! What became of a file.

use crate::{files::File, service::Service};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub struct Outcome {
    pub name: &'static str,
    media_type: String,
    verdict: String,
    reasons: String,
    took: Duration,
    expected: &'static [&'static str],
    wrong: Vec<String>,
    id: String,
    /// Rendition and signed URL.
    pub urls: Vec<(String, String)>,
}

pub async fn of(service: &Service, file: File) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let client = &service.client;
    let uploads = format!("http://{}/v1/uploads", service.address);
    let accepted: Value = client
        .post(format!("{uploads}?filename={}", file.name))
        .bearer_auth(&service.key)
        .header("Content-Type", file.media_type)
        .body(file.bytes)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let id = accepted["id"].as_str().context("no id")?.to_owned();
    let upload = settled(service, &uploads, &id).await?;
    let detail = &upload["verdict_detail"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let reasons: Vec<String> = detail["reasons"].as_array().into_iter().flatten().map(text).collect();
    let mut outcome = Outcome {
        name: file.name,
        media_type: text(&detail["type"]["media_type"]),
        verdict: text(&upload["verdict"]),
        reasons: reasons.join(" "),
        took: began.elapsed(),
        expected: file.expected,
        wrong: Vec::new(),
        urls: Vec::new(),
        id,
    };
    for rendition in upload["renditions"].as_array().into_iter().flatten() {
        let name = text(&rendition["name"]);
        let url = mint(service, &outcome.id, &name, "10m").await?;
        let answer = client.get(&url).send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        if !status.is_success() {
            outcome.wrong.push(format!("its {name} is answered with {status}"));
        } else if name == "original"
            && let Some(check) = file.original
        {
            outcome.wrong.extend(check(&bytes).err().map(|why| format!("its original {why}")));
        }
        outcome.urls.push((name, url));
    }
    if outcome.verdict == "publish" && outcome.urls.is_empty() {
        outcome.wrong.push("it is published, and has no rendition".into());
    }
    Ok(outcome)
}

async fn settled(service: &Service, uploads: &str, id: &str) -> anyhow::Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let url = format!("{uploads}/{id}?wait=30s");
        let answer = service.client.get(&url).bearer_auth(&service.key).send().await?.error_for_status()?;
        let upload: Value = answer.json().await?;
        if upload["verdict"].is_string() {
            return Ok(upload);
        }
        ensure!(Instant::now() < deadline, "no verdict yet: {upload}");
    }
}

async fn mint(service: &Service, id: &str, rendition: &str, term: &str) -> anyhow::Result<String> {
    let minted: Value = service
        .client
        .post(format!("http://{}/v1/uploads/{id}/urls", service.address))
        .bearer_auth(&service.key)
        .json(&json!({"rendition": rendition, "expires_in": term}))
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    minted["url"].as_str().map(str::to_owned).context("no url")
}

/// A URL that is good for two seconds, before and after.
pub async fn expiry(service: &Service, outcomes: &[Outcome]) -> anyhow::Result<Vec<String>> {
    let Some(published) = outcomes.iter().find(|o| !o.urls.is_empty()) else {
        return Ok(vec!["nothing was published".into()]);
    };
    let url = mint(service, &published.id, &published.urls[0].0, "2s").await?;
    let status = async || anyhow::Ok(service.client.get(&url).send().await?.status().as_u16());
    let before = status().await?;
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut after = before;
    while after == before && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(200)).await;
        after = status().await?;
    }
    println!("\nA URL that is good for two seconds answers {before}, and then {after}.");
    Ok(if (before, after) == (200, 403) { vec![] } else { vec![format!("expiry: {before}, then {after}")] })
}

impl Outcome {
    pub fn surprises(&self) -> Vec<String> {
        let mut all: Vec<String> = self.wrong.iter().map(|wrong| format!("{}: {wrong}", self.name)).collect();
        if !self.expected.contains(&self.verdict.as_str()) {
            let expected = self.expected.join(" or ");
            all.push(format!("{}: {} ({}), expected {expected}", self.name, self.verdict, self.reasons));
        }
        all
    }

    /// A name for `curl -o`.
    pub fn saved_as(&self, rendition: &str) -> String {
        format!("{rendition}-{}", self.name)
    }
}

pub fn table(outcomes: &[Outcome]) -> String {
    let mut rows = vec![["FILE", "TRUE TYPE", "VERDICT", "TIME", "REASONS"].map(str::to_owned)];
    rows.extend(outcomes.iter().map(|o| {
        let took = format!("{} ms", o.took.as_millis());
        [o.name.to_owned(), o.media_type.clone(), o.verdict.clone(), took, o.reasons.clone()]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4].map(width);
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
            cells.join("  ").trim_end().to_owned() + "\n"
        })
        .collect()
}
