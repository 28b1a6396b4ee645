//! wrk, and what it prints.

use crate::executables;
use anyhow::{Context, ensure};
use std::time::Duration;
use tokio::process::Command;

#[derive(Debug, Clone, Copy)]
pub struct Answers {
    pub count: u64,
    pub each_second: f64,
    pub p99: Duration,
}

/// Asks for one URL as fast as it can. An answer that is no 2xx or 3xx is an error, as is a broken connection.
pub async fn ask(url: &str, seconds: u32) -> anyhow::Result<Answers> {
    let wrk = executables::peer("wrk")?;
    let duration = format!("-d{seconds}s");
    let output = Command::new(wrk).args(["-t2", "-c32", "--latency", &duration, url]).output().await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "wrk failed: {text}{}", String::from_utf8_lossy(&output.stderr));
    ensure!(
        !text.contains("Non-2xx") && !text.contains("Socket errors"),
        "{url} is not served well:\n{text}"
    );
    parse(&text).with_context(|| format!("wrk's answer is not understood:\n{text}"))
}

/// `Requests/sec:  1234.56`, `  6172 requests in 5.00s, …` and `     99%    1.23ms`.
fn parse(text: &str) -> Option<Answers> {
    let after = |key: &str| text.lines().find_map(|line| Some(line.trim().strip_prefix(key)?.trim()));
    let count = text.lines().find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok())?;
    Some(Answers { count, each_second: after("Requests/sec:")?.parse().ok()?, p99: time(after("99%")?)? })
}

fn time(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let factor = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    Some(Duration::from_secs_f64(number.parse::<f64>().ok()? * factor))
}
