//! `make demo-live`: the service as it comes, with a model that fires on red in the place of the real one, and a live
//! stream of twelve seconds of which the middle ones are red. Prints every decision as it comes back.
//!
//! DEMO_LISTEN is the address to serve on, where it is not 127.0.0.1:8470, and DEMO_PAUSE the milliseconds between two frames,
//! where they are not 500; all that the service is told of time goes with it.

#[path = "../../workers/classify/tests/common/onnx.rs"]
#[expect(dead_code, reason = "the tests make other models")]
mod onnx;
mod player;
mod service;

use anyhow::{Context, ensure};
use futures_util::{SinkExt, StreamExt};
use lazaret_fixtures::picture::{self, RgbImage};
use serde_json::Value;
use service::Service;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

const FRAMES: u64 = 24;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("lazaret-live-").tempdir()?;
    let player = player::start().await?;
    let pause = pause()?;
    println!(
        "Starting lazaret serve, with its data in {} and a model that fires on red.",
        folder.path().display()
    );
    let mut service = Service::start(folder.path(), player.address, pause).await?;
    let stream = service.open().await?;
    println!("It listens on http://{}. The stream {} is open:\n", service.address, stream.id);
    let mut socket = service.socket(&stream).await?;
    println!("SECOND  PICTURE    DECISION  REASON      RED   AFTER");
    let mut decisions = Vec::new();
    for n in 0..FRAMES {
        let bad = (8..16).contains(&n);
        socket.send(Message::Binary(frame(n, bad)?.into())).await?;
        let judged = answer(&mut socket).await?;
        let text = |name: &str| judged[name].as_str().unwrap_or_default().to_owned();
        println!(
            "{:>5.1}   {:<9}  {:<8}  {:<10}  {:.2}  {:>3.0} ms",
            n as f64 * pause.as_secs_f64(),
            if bad { "red" } else { "landscape" },
            text("decision"),
            text("reason"),
            judged["scores"]["red-demo.red"].as_f64().unwrap_or_default(),
            judged["elapsed_ms"].as_f64().unwrap_or_default(),
        );
        decisions.push(text("decision"));
        tokio::time::sleep(pause).await;
    }
    let kicked = player.kicked();
    println!("\nThe hook that ends a stream was called {kicked} time(s). What a viewer's page is told:");
    println!("  {}", service.show(&stream).await?);
    println!("\nTo send a frame yourself, while it was running:");
    println!("  curl -H 'Authorization: Bearer {}' --data-binary @FRAME.jpg \\", stream.key);
    println!("    'http://{}/v1/streams/{}/frames'", service.address, stream.id);
    service.stop().await?;
    let cut = decisions.iter().position(|decision| decision == "cut").context("it was never cut")?;
    ensure!((9..12).contains(&cut), "it was cut after frame {cut}");
    ensure!(decisions.last().is_some_and(|last| last == "pass"), "it was not cleared");
    ensure!(kicked == 1, "the hook was called {kicked} times");
    Ok(())
}

/// Between two frames.
fn pause() -> anyhow::Result<Duration> {
    let millis = std::env::var("DEMO_PAUSE").unwrap_or_else(|_| "500".into());
    Ok(Duration::from_millis(millis.parse().context("DEMO_PAUSE: expected milliseconds, such as 500")?))
}

/// A numbered frame.
fn frame(n: u64, bad: bool) -> anyhow::Result<Vec<u8>> {
    let picture = match bad {
        true => RgbImage::from_raw(1280, 720, [240, 16, 16].repeat(1280 * 720)).context("pixels")?,
        false => picture::landscape(1280, 720, u32::try_from(n)?),
    };
    let mut bytes = b"LZF1\0\0\0\0".to_vec();
    bytes.extend(n.to_be_bytes());
    bytes.extend([0; 16]);
    bytes.extend(picture::jpeg(&picture, 80));
    Ok(bytes)
}

/// What became of the frame that was sent last.
async fn answer(socket: &mut service::Socket) -> anyhow::Result<Value> {
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            let said: Value = serde_json::from_str(&text)?;
            if said["type"] == "frame" {
                return Ok(said);
            }
        }
    }
    anyhow::bail!("the service closed the connection")
}
