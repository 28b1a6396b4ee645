//! Counters, gauges and histograms, in the OpenMetrics text format at `/metrics`. Labels have few values: never an id,
//! a name or a path as somebody sent it.

use crate::upload::{Check, Decision, Standing};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{
    sync::{OnceLock, atomic::Ordering},
    time::Duration,
};

/// The media type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds: from a small signed file to a video through every check.
const BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 120.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Judged {
    verdict: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    decision: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Checked {
    check: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Told {
    what: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Committed {
    of: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Queued {
    queue: &'static str,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// All of them. Shared; each is updated in place.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    accepted: Counter,
    accepted_bytes: Counter,
    settled: Family<Judged, Counter>,
    served_bytes: Counter,
    published: Family<Told, Counter>,
    called: Family<Outcome, Counter>,
    submitted: Family<Outcome, Counter>,
    commits: Family<Committed, Counter>,
    committed: Family<Committed, Counter>,
    queued: Family<Queued, Gauge>,
    requests: Family<Answered, Counter>,
    request_time: Histograms<Route>,
    check_time: Histograms<Checked>,
    /// Of delivery's usual answer, found once: to look them up takes a string and two hashes.
    delivered: OnceLock<(Counter, Histogram)>,
    /// Uploads that are not settled, as last counted.
    pub backlog: Gauge,
    /// Seconds since the oldest upload that waits for its verdict was accepted, as last looked up; 0 where none waits.
    pub backlog_age: Gauge,
    submitted_backlog: Gauge,
    submitted_age: Gauge,
    /// Scans that this process is busy with.
    pub scans_in_flight: Gauge,
    frames: Family<Outcome, Counter>,
    frame_time: Histogram,
    stream_changes: Family<Decided, Counter>,
    /// Live streams that this process watches.
    pub streams_live: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    pub fn new() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let mut registry = Registry::with_prefix("lazaret");
        let m = Self {
            accepted: Counter::default(),
            accepted_bytes: Counter::default(),
            settled: Family::default(),
            served_bytes: Counter::default(),
            published: Family::default(),
            called: Family::default(),
            submitted: Family::default(),
            commits: Family::default(),
            committed: Family::default(),
            queued: Family::default(),
            requests: Family::default(),
            request_time: Family::new_with_constructor(histogram),
            check_time: Family::new_with_constructor(histogram),
            delivered: OnceLock::new(),
            backlog: Gauge::default(),
            backlog_age: Gauge::default(),
            submitted_backlog: Gauge::default(),
            submitted_age: Gauge::default(),
            scans_in_flight: Gauge::default(),
            frames: Family::default(),
            frame_time: histogram(),
            stream_changes: Family::default(),
            streams_live: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("uploads_accepted", "Uploads accepted", m.accepted.clone());
        registry.register_with_unit(
            "uploads_accepted",
            "Bytes accepted",
            Unit::Bytes,
            m.accepted_bytes.clone(),
        );
        registry.register("uploads_settled", "Uploads settled, by verdict", m.settled.clone());
        registry.register_with_unit(
            "delivery_sent",
            "Bytes of renditions sent",
            Unit::Bytes,
            m.served_bytes.clone(),
        );
        registry.register("events_published", "Messages that the broker confirmed", m.published.clone());
        registry.register("webhook_calls", "Calls of webhooks, by outcome", m.called.clone());
        registry.register("submissions", "Messages from backends and buckets", m.submitted.clone());
        registry.register(
            "store_group_commits",
            "Commits of this process in PostgreSQL that calls share, by kind of call",
            m.commits.clone(),
        );
        registry.register(
            "store_group_commit_calls",
            "Calls in those commits: divided by them, how many share one",
            m.committed.clone(),
        );
        registry.register(
            "broker_messages",
            "Messages that wait in a queue of the broker and that no process has; none while it is away",
            m.queued.clone(),
        );
        registry.register("http_requests", "HTTP requests answered", m.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's head to its answer's head",
            Unit::Seconds,
            m.request_time.clone(),
        );
        registry.register_with_unit(
            "check_duration",
            "Time of one check",
            Unit::Seconds,
            m.check_time.clone(),
        );
        registry.register("uploads_backlog", "Uploads that are not settled", m.backlog.clone());
        registry.register_with_unit(
            "uploads_backlog_age",
            "Age of the oldest upload that waits for its verdict",
            Unit::Seconds,
            m.backlog_age.clone(),
        );
        registry.register(
            "submissions_backlog",
            "Messages that wait at the broker or in this process to become uploads; 0 where it takes none",
            m.submitted_backlog.clone(),
        );
        registry.register_with_unit(
            "submissions_backlog_age",
            "Age of the oldest of them, at most, since its sender's time",
            Unit::Seconds,
            m.submitted_age.clone(),
        );
        registry.register("scans_in_flight", "Scans in progress", m.scans_in_flight.clone());
        registry.register(
            "stream_frames",
            "Frames of live streams, by what became of them",
            m.frames.clone(),
        );
        registry.register_with_unit(
            "stream_frame_duration",
            "Time to judge one frame, once it is its turn",
            Unit::Seconds,
            m.frame_time.clone(),
        );
        registry.register(
            "stream_changes",
            "Decisions on live streams, by decision",
            m.stream_changes.clone(),
        );
        registry.register("streams_live", "Live streams that this process watches", m.streams_live.clone());
        Self { registry, ..m }
    }

    pub fn accepted(&self, bytes: u64) {
        self.accepted.inc();
        self.accepted_bytes.inc_by(bytes);
    }

    /// Uploads that wait, and for how many seconds the oldest.
    pub fn waiting(&self, backlog: u64, age: u64) {
        self.backlog.set(i64::try_from(backlog).unwrap_or(i64::MAX));
        self.backlog_age.set(i64::try_from(age).unwrap_or(i64::MAX));
    }

    /// Submissions that wait, and for how many seconds the oldest.
    pub fn submitted_waits(&self, backlog: u64, age: u64) {
        self.submitted_backlog.set(i64::try_from(backlog).unwrap_or(i64::MAX));
        self.submitted_age.set(i64::try_from(age).unwrap_or(i64::MAX));
    }

    pub fn settled(&self, verdict: Decision) {
        self.settled.get_or_create(&Judged { verdict: verdict.as_str() }).inc();
    }

    pub fn checked(&self, check: Check, took: Duration) {
        self.check_time.get_or_create(&Checked { check: check.as_str() }).observe(took.as_secs_f64());
    }

    /// `judged`, `skipped`, `late`, `failed`.
    pub fn frame(&self, outcome: &'static str) {
        self.frames.get_or_create(&Outcome { outcome }).inc();
    }

    pub fn frame_judged(&self, took: Duration) {
        self.frame_time.observe(took.as_secs_f64());
    }

    pub fn stream_changed(&self, decision: Standing) {
        self.stream_changes.get_or_create(&Decided { decision: decision.as_str() }).inc();
    }

    pub fn sent(&self, bytes: u64) {
        self.served_bytes.inc_by(bytes);
    }

    /// Work for this service's workers, or news for others.
    pub fn event_published(&self, is_work: bool) {
        let what = if is_work { "work" } else { "event" };
        self.published.get_or_create(&Told { what }).inc();
    }

    /// `made`, `failed` (to be made again), `dead`.
    pub fn webhook_called(&self, outcome: &'static str) {
        self.called.get_or_create(&Outcome { outcome }).inc();
    }

    /// `done`, `delayed`, `buried`, `moved` (to the slow lane, or to the end of its own).
    pub fn submission(&self, outcome: &'static str) {
        self.submitted.get_or_create(&Outcome { outcome }).inc();
    }

    /// `accept`, `claim` or `settle`: commits so far, and calls in them.
    pub fn group_commits(&self, of: &'static str, commits: u64, calls: u64) {
        let set = |family: &Family<Committed, Counter>, to: u64| {
            family.get_or_create(&Committed { of }).inner().store(to, Ordering::Relaxed);
        };
        set(&self.commits, commits);
        set(&self.committed, calls);
    }

    /// All queues whose length is known now.
    pub fn queues(&self, depths: &[(&'static str, u32)]) {
        self.queued.clear();
        for &(queue, depth) in depths {
            self.queued.get_or_create(&Queued { queue }).set(depth.into());
        }
    }

    /// `route` is the pattern, never the path as sent.
    pub fn answered(&self, method: &axum::http::Method, route: &str, status: u16, took: Duration) {
        let answered = Answered { method: known(method), route: route.to_owned(), status };
        self.requests.get_or_create(&answered).inc();
        self.request_time.get_or_create(&Route { route: answered.route }).observe(took.as_secs_f64());
    }

    /// As [`Metrics::answered`], of delivery's one route.
    pub fn delivered(&self, method: &axum::http::Method, route: &'static str, status: u16, took: Duration) {
        if (method, status) != (&axum::http::Method::GET, 200) {
            return self.answered(method, route, status, took);
        }
        let (count, time) = self.delivered.get_or_init(|| {
            let labels = Answered { method: "GET", route: route.to_owned(), status };
            let count = self.requests.get_or_create(&labels).clone();
            (count, self.request_time.get_or_create(&Route { route: labels.route }).clone())
        });
        count.inc();
        time.observe(took.as_secs_f64());
    }

    /// The OpenMetrics text.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::with_capacity(8 * 1024);
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Anybody can send any method: only the common ones become a label.
fn known(method: &axum::http::Method) -> &'static str {
    const COMMON: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    COMMON.into_iter().find(|name| *name == method.as_str()).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Method;

    #[test]
    fn the_text_names_what_happened() {
        let metrics = Metrics::new();
        metrics.accepted(10);
        metrics.event_published(false);
        metrics.webhook_called("made");
        metrics.submission("buried");
        metrics.settled(Decision::Review);
        metrics.checked(Check::Image, Duration::from_millis(3));
        metrics.answered(&Method::from_bytes(b"BREW").unwrap(), "/v1/uploads", 405, Duration::from_millis(2));
        metrics.frame("skipped");
        metrics.stream_changed(Standing::Cut);
        metrics.waiting(7, 90);
        metrics.group_commits("settle", 2, 3);
        metrics.group_commits("settle", 3, 8);
        metrics.queues(&[("lazaret.work", 5), ("lazaret.dead", 1)]);
        metrics.queues(&[("lazaret.work", 4)]);
        let text = metrics.encode().unwrap();
        for line in [
            "lazaret_uploads_accepted_total 1",
            "lazaret_uploads_accepted_bytes_total 10",
            "lazaret_uploads_settled_total{verdict=\"review\"} 1",
            "lazaret_check_duration_seconds_count{check=\"image\"} 1",
            "lazaret_http_requests_total{method=\"other\",route=\"/v1/uploads\",status=\"405\"} 1",
            "lazaret_stream_frames_total{outcome=\"skipped\"} 1",
            "lazaret_stream_changes_total{decision=\"cut\"} 1",
            "lazaret_uploads_backlog 7",
            "lazaret_uploads_backlog_age_seconds 90",
            "lazaret_store_group_commits_total{of=\"settle\"} 3",
            "lazaret_store_group_commit_calls_total{of=\"settle\"} 8",
            "lazaret_broker_messages{queue=\"lazaret.work\"} 4",
            "lazaret_events_published_total{what=\"event\"} 1",
            "lazaret_webhook_calls_total{outcome=\"made\"} 1",
            "lazaret_submissions_total{outcome=\"buried\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in:\n{text}");
        }
        assert!(!text.contains("lazaret.dead"), "of a queue that could not be asked there is no old figure");
    }
}
