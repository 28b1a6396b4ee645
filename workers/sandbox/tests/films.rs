//! Frames of a film on the wire, with children that misbehave as `examples/misbehave.rs` can.

use lazaret_sandbox::{
    ChildSetup, Confinement, Film, FilmRequest, Pool, PoolConfig, Resize, Session, Target, Trouble,
};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

fn pool() -> Pool {
    let deps = std::env::current_exe().unwrap();
    let target: PathBuf = deps.parent().unwrap().parent().unwrap().into();
    Pool::new(PoolConfig {
        child: target.join("examples/misbehave"),
        size: 1,
        wall: Duration::from_secs(20),
        cpu: Duration::from_secs(20),
        memory_bytes: 1 << 30,
        max_output_bytes: 1 << 20,
        max_jobs_per_child: 100,
        confinement: Confinement::Enforced,
        setup: ChildSetup::default(),
    })
}

async fn open(pool: &Pool, what: &str) -> Session {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"some text").unwrap();
    pool.open(&file, 9, what).await.unwrap()
}

/// Takes `most` frames and no more.
async fn look(session: &mut Session, most: usize) -> (Result<Film, Trouble>, usize) {
    let target = Target { width: 64, height: 64, resize: Resize::BilinearAlignCorners };
    let request = FilmRequest { max_frames: 500, ..FilmRequest::new(vec![target]) };
    let (shots, mut taken) = mpsc::channel(1);
    let taking = tokio::spawn(async move {
        let mut count = 0;
        while count < most && taken.recv().await.is_some() {
            count += 1;
        }
        count
    });
    let film = session.film(&request, shots).await;
    (film, taking.await.unwrap())
}

#[tokio::test]
async fn whoever_has_seen_enough_stops_the_child_and_keeps_it() {
    let pool = pool();
    let mut session = open(&pool, "shots").await;
    let (film, count) = look(&mut session, usize::MAX).await;
    assert_eq!((film.unwrap().frames_seen, count), (500, 500));
    let (film, count) = look(&mut session, 3).await;
    // Some were on their way.
    assert!(film.unwrap().frames_seen < 200 && count == 3);
    let (film, count) = look(&mut session, usize::MAX).await;
    assert_eq!((film.unwrap().frames_seen, count), (500, 500), "it is in step");
    drop(session);
    assert_eq!(pool.idle().len(), 1, "it is kept");
}

#[tokio::test]
async fn a_child_that_does_not_hear_that_it_is_enough_is_heard_out() {
    let pool = pool();
    let mut session = open(&pool, "shots-deaf").await;
    let (film, count) = look(&mut session, 3).await;
    assert!(film.is_ok() && count == 3);
    assert!(look(&mut session, usize::MAX).await.0.is_ok(), "what it was told is not taken for a request");
}

#[tokio::test]
async fn frames_that_were_not_asked_for_kill_the_child() {
    for what in ["shots-many", "shots-back", "shots-twice", "shots-size", "shots-target", "other"] {
        let pool = pool();
        let mut session = open(&pool, what).await;
        let (film, _) = look(&mut session, usize::MAX).await;
        assert!(matches!(film, Err(Trouble::Protocol(_))), "{what}: {film:?}");
        drop(session);
        assert!(pool.idle().is_empty(), "{what}");
    }
}
