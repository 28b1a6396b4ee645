//! Live streams: from a frame received to its decision, what a frame costs beside bare decode and inference, and how many
//! streams the machine carries.

use crate::{
    floors::Floors,
    machine,
    process::Spent,
    quick,
    report::{Line, Section, Table, Target},
    service::Service,
};
use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use lazaret_fixtures::picture;
use serde_json::Value;
use std::time::Duration;
use tokio::{net::TcpStream, task::JoinSet, time::Instant};
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

const STREAMS: usize = 8;
const EVERY: Duration = Duration::from_secs(1);
/// From here on a stream is not carried any more.
const CARRIED: Duration = Duration::from_secs(1);
/// Different pictures, so that no cache helps.
const PICTURES: u32 = 16;

/// Every frame is judged that comes in time.
const SETTINGS: &str =
    "[streams]\nfastest = \"0s\"\nslowest = \"500ms\"\n[antivirus]\nsignatures = \"test\"\n";

pub async fn run() -> anyhow::Result<Section> {
    let frames: Vec<Vec<u8>> =
        (0..PICTURES).map(|seed| picture::jpeg(&picture::landscape(1280, 720, seed), 80)).collect();
    let bare = bare(&frames).await.context("the floor")?;
    let service = Service::start(SETTINGS).await?;
    let seconds = if quick() { 3 } else { 60 };
    // Models are loaded, children started.
    round(&service, &frames, STREAMS, 2).await?;
    let before = Spent::of(service.pid)?;
    let mut eight = round(&service, &frames, STREAMS, seconds).await?;
    let after = Spent::of(service.pid)?;
    let spent = (after.service + after.media).saturating_sub(before.service + before.media);
    let judged = u32::try_from(eight.len())?.max(1);
    let each = spent / judged;
    let p99 = percentile(&mut eight, 99);
    let (carried, rows) = carried(&service, &frames).await?;
    service.stop().await?;
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    let ratio = each.as_secs_f64() / bare.as_secs_f64();
    Ok(Section {
        name: "live",
        about: format!(
            "{STREAMS} streams of 720p JPEG at 1 frame/s over WebSockets, {} cores",
            machine::cores()
        ),
        lines: vec![
            Line {
                what: format!("frame received to decision, p99 of {judged} frames of {STREAMS} streams"),
                ours: format!("{:.0} ms", ms(p99)),
                beside: format!("{:.0} ms, the median", ms(percentile(&mut eight, 50))),
                value: ms(p99),
                unit: "ms",
                target: Some(Target::AtMost(300.0)),
            },
            Line {
                what: "CPU per live frame".to_owned(),
                ours: format!("{:.1} ms", ms(each)),
                beside: format!("{:.1} ms, bare decode and inference", ms(bare)),
                value: ratio,
                unit: "×",
                target: Some(Target::AtMost(1.3)),
            },
            Line {
                what: "streams carried before p99 passes 1 s".to_owned(),
                ours: format!("{carried} streams"),
                beside: format!("{} cores", machine::cores()),
                value: carried as f64,
                unit: "streams",
                target: None,
            },
        ],
        tables: vec![Table {
            title: "streams at 1 frame/s".to_owned(),
            head: ["streams", "judged", "skipped", "p50", "p99"].map(str::to_owned).into(),
            rows,
        }],
        notes: vec!["the senders run on the same cores".to_owned()],
    })
}

/// CPU time of a frame's decode and inference alone, the mean over the pictures.
async fn bare(frames: &[Vec<u8>]) -> anyhow::Result<Duration> {
    let mut floors = Floors::new("bench")?;
    let mut sum = Duration::ZERO;
    for frame in frames {
        let costs = floors.of(frame).await?;
        // Decode and ONNX, by their places in `STEPS`.
        sum += costs.steps[0] + costs.steps[2];
    }
    Ok(sum / u32::try_from(frames.len())?)
}

/// More and more streams, until their p99 passes [`CARRIED`] or frames are skipped.
async fn carried(service: &Service, frames: &[Vec<u8>]) -> anyhow::Result<(usize, Vec<Vec<String>>)> {
    let (step, most, seconds) = if quick() { (8, 16, 2) } else { (8, 512, 15) };
    let (mut carried, mut rows) = (0, Vec::new());
    for streams in (step..=most).step_by(step) {
        let mut took = round(service, frames, streams, seconds).await?;
        let sent = streams * seconds;
        let (p50, p99) = (percentile(&mut took, 50), percentile(&mut took, 99));
        let shown = |took: Duration| format!("{:.0} ms", took.as_secs_f64() * 1e3);
        let skipped = sent.saturating_sub(took.len());
        rows.push(vec![
            streams.to_string(),
            took.len().to_string(),
            skipped.to_string(),
            shown(p50),
            shown(p99),
        ]);
        if p99 > CARRIED || skipped * 100 > sent {
            break;
        }
        carried = streams;
    }
    Ok((carried, rows))
}

/// So many streams for so long; the time of each frame that was judged, by its sender's watch.
async fn round(
    service: &Service,
    frames: &[Vec<u8>],
    streams: usize,
    seconds: usize,
) -> anyhow::Result<Vec<Duration>> {
    let mut senders = JoinSet::new();
    for n in 0..streams {
        let (id, key) = service.open_stream().await?;
        let (address, frames) = (service.address(), frames.to_vec());
        // Cameras are not in step.
        let offset = EVERY * u32::try_from(n)? / u32::try_from(streams)?;
        senders.spawn(async move {
            let url = format!("ws://{address}/v1/streams/{id}/frames");
            let mut request = url.into_client_request()?;
            request.headers_mut().insert("authorization", format!("Bearer {key}").parse()?);
            let connection = TcpStream::connect(address).await?;
            connection.set_nodelay(true)?;
            let (socket, _) = client_async(request, connection).await?;
            send(socket, &frames, n, offset, seconds).await
        });
    }
    let mut took = Vec::new();
    while let Some(sender) = senders.join_next().await {
        took.extend(sender??);
    }
    Ok(took)
}

async fn send(
    socket: tokio_tungstenite::WebSocketStream<TcpStream>,
    frames: &[Vec<u8>],
    first: usize,
    offset: Duration,
    seconds: usize,
) -> anyhow::Result<Vec<Duration>> {
    let (mut out, mut back) = socket.split();
    let began = Instant::now() + offset;
    let sending = async {
        for n in 0..seconds {
            tokio::time::sleep_until(began + EVERY * u32::try_from(n)?).await;
            let frame = numbered(n as u64, &frames[(first + n) % frames.len()]);
            out.send(Message::Binary(frame.into())).await?;
        }
        // Answers to the last ones.
        tokio::time::sleep(CARRIED * 3).await;
        out.close().await?;
        anyhow::Ok(())
    };
    let hearing = async {
        let mut took = Vec::new();
        while let Some(message) = back.next().await {
            let Message::Text(text) = message? else { continue };
            let said: Value = serde_json::from_str(&text)?;
            match said["outcome"].as_str() {
                Some("judged") => {
                    let n = u32::try_from(said["sequence"].as_u64().context("a number")?)?;
                    took.push(Instant::now().saturating_duration_since(began + EVERY * n));
                }
                Some("failed") => bail!("a frame could not be judged: {said}"),
                _ => {}
            }
        }
        Ok(took)
    };
    let (sent, heard) = tokio::join!(sending, hearing);
    sent?;
    heard
}

fn numbered(n: u64, jpeg: &[u8]) -> Vec<u8> {
    [b"LZF1\0\0\0\0", &n.to_be_bytes()[..], &[0; 16], jpeg].concat()
}

fn percentile(all: &mut [Duration], percent: usize) -> Duration {
    all.sort_unstable();
    all.get((all.len() * percent / 100).min(all.len().saturating_sub(1))).copied().unwrap_or_default()
}
