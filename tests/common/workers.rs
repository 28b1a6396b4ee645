//! What workers need, with engines whose clamd is not there: an upload that they have nothing against waits.

use super::TestApp;
use lazaret::{
    app::{examiner, start_engines},
    config::Config,
    pipeline::{Patience, Policies, Work, publish::Recipe},
};
use std::{sync::Arc, time::Duration};

pub async fn work(app: &TestApp) -> Work {
    let folder = app.folder.path();
    let socket = folder.join("no-clamd.ctl").display().to_string();
    let file = folder.join("lazaret.toml");
    std::fs::write(&file, format!("[antivirus]\nclamd = [\"unix:{socket}\"]\n")).unwrap();
    let config = Config::load(Some(&file), &[]).unwrap();
    let api = &app.api;
    let engines = start_engines(&config, &folder.join("clamd"), api.clock.clone()).await.unwrap();
    Work {
        store: api.store.clone(),
        queue: api.queue.clone(),
        blobs: api.blobs.clone(),
        clock: api.clock.clone(),
        policies: Policies::new(api.store.clone()).unwrap(),
        examiner: Arc::new(examiner(&config, engines, Arc::default(), Patience::Wait).unwrap()),
        recipe: Recipe::default(),
        settled: api.settled.clone(),
        metrics: api.metrics.clone(),
        name: "worker:test".to_owned(),
        lease: Duration::from_secs(60),
        attempts: 3,
        retry: Duration::from_secs(3600),
        ack_within: Duration::from_secs(60),
    }
}
