//! One run: everything is started, files flow while trouble comes, and then it is looked at.

use crate::{
    after::{self, Broken},
    files::Mix,
    listener::Listener,
    load::Load,
    node::Node,
    place::Place,
    proxy::Mode,
    trouble::{Crew, FRONT, SCAN, order},
};
use lazaret_fixtures::Noise;
use std::{path::PathBuf, sync::Arc, time::Instant};

pub struct Plan {
    pub uploads: usize,
    pub seed: u32,
    pub mix: Mix,
    pub executable: PathBuf,
    pub sabotage: Option<&'static str>,
}

/// Uploads to a round of troubles.
const ROUND: usize = 120;
/// Sent before the first trouble, so that memory is measured of processes that have worked.
const WARM: usize = 12;

pub fn seed() -> u32 {
    match std::env::var("FAULTS_SEED") {
        Ok(text) => text.parse().expect("FAULTS_SEED is a number"),
        Err(_) => std::process::id() ^ 0x5eed,
    }
}

/// What did not hold.
pub async fn run(plan: Plan) -> Vec<Broken> {
    println!("FAULTS_SEED={} FAULTS_UPLOADS={} sabotage: {:?}", plan.seed, plan.uploads, plan.sabotage);
    let began = Instant::now();
    let said = |what: &str| println!("{:6.1} s  {what}", began.elapsed().as_secs_f64());
    let mut noise = Noise::new(plan.seed);
    let place = Arc::new(Place::new(&plan.executable, plan.sabotage).await);
    said("servers are up");
    let front = Node::start(&place, "front", FRONT).await;
    let (one, two) = tokio::join!(Node::start(&place, "one", "worker"), Node::start(&place, "two", "worker"));
    let mut crew = Crew { front, workers: vec![one, two] };
    let listener = Listener::start(&place.vhost.url).await;
    let key = place.key();
    said("lazaret is up");

    let load = Load::new(&place, &crew.front.url, &key, plan.uploads, plan.mix, plan.seed);
    let flow = tokio::spawn({
        let load = Arc::clone(&load);
        async move { load.flow().await }
    });
    load.may.add_permits(WARM);
    after::settled_are(&place, WARM.min(plan.uploads)).await;
    let before = crew.memory();
    said("warm");
    place.to_clamd.set(SCAN);
    let troubles = order(plan.uploads.div_ceil(ROUND), &mut noise);
    let share = (plan.uploads - WARM.min(plan.uploads)) / troubles.len();
    for trouble in troubles {
        load.may.add_permits(share);
        trouble.happen(&place, &mut crew, &load, &mut noise).await;
        said(&format!("{trouble:?}"));
    }
    place.to_clamd.set(Mode::Pass);
    // One more than there are tells the senders that it is over.
    load.may.add_permits(plan.uploads);
    flow.await.expect("everything is accepted");
    said("all is accepted");

    let accepted = load.accepted();
    let broken = after::look(&place, &accepted, &listener, crew, &before).await;
    said("looked at");
    broken
}
