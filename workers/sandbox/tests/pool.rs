//! The real pool with real children, which misbehave as `examples/misbehave.rs` can.

use lazaret_sandbox::{
    ChildSetup, Confinement, Coverage, Frame, PictureRequest, Pool, PoolConfig, RenditionSpec, Resize,
    Session, Target, Trouble,
};
use std::fs::File;
use std::io::{Seek, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

fn config() -> PoolConfig {
    let deps = std::env::current_exe().unwrap();
    let target: PathBuf = deps.parent().unwrap().parent().unwrap().into();
    PoolConfig {
        child: target.join("examples/misbehave"),
        size: 1,
        wall: Duration::from_secs(20),
        cpu: Duration::from_secs(20),
        memory_bytes: 1 << 30,
        max_output_bytes: 1 << 20,
        max_jobs_per_child: 100,
        confinement: Confinement::Enforced,
        setup: ChildSetup::default(),
    }
}

fn pool() -> Pool {
    Pool::new(config())
}

fn text() -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"some text").unwrap();
    file
}

async fn open(pool: &Pool, what: &str) -> Session {
    pool.open(&text(), 9, what).await.unwrap()
}

async fn said(pool: &Pool, what: &str) -> String {
    match open(pool, what).await.walk().await.unwrap().coverage {
        Coverage::Partial(why) => why.detail,
        other => panic!("{other:?}"),
    }
}

async fn is_well(pool: &Pool) {
    assert_eq!(said(pool, "text").await, "some text");
}

fn request(max_frames: u32) -> PictureRequest {
    let target = Target { width: 8, height: 4, resize: Resize::BilinearAlignCorners };
    PictureRequest { max_frames, ..PictureRequest::new(vec![target]) }
}

#[tokio::test]
async fn whatever_happens_to_a_child_is_one_files_trouble() {
    let crashed = |how: &str| Trouble::Crashed { how: how.into() };
    let cases = [
        ("exit", crashed("exit status: 3: "), "child.crashed"),
        ("abort", crashed("signal 6: "), "child.crashed"),
        ("panic", crashed("signal 6: a decoder's bug"), "child.crashed"),
        ("eat", Trouble::OutOfMemory, "child.memory"),
        ("c-memory", Trouble::OutOfMemory, "child.memory"),
        ("nonsense", Trouble::Protocol("not a message".into()), "child.protocol"),
        ("huge-head", Trouble::Protocol("not a message".into()), "child.protocol"),
        ("past", Trouble::Protocol("answer to request 1 of 3".into()), "child.protocol"),
        ("other", Trouble::Protocol("opened with 0 bytes, which answers nothing".into()), "child.protocol"),
    ];
    for (what, trouble, code) in cases {
        let pool = Pool::new(PoolConfig { memory_bytes: 256 << 20, ..config() });
        let mut session = open(&pool, what).await;
        let met = session.walk().await.unwrap_err();
        assert_eq!(met, trouble, "{what}");
        assert_eq!(met.code(), code);
        assert!(matches!(met.coverage(), Coverage::Failed(why) if why.code == code));
        assert_eq!(session.walk().await.unwrap_err(), trouble, "{what} stays what it was");
        drop(session);
        is_well(&pool).await;
    }
}

#[tokio::test]
async fn a_child_that_hangs_is_killed_at_the_wall_deadline() {
    let pool = Pool::new(PoolConfig { wall: Duration::from_millis(300), ..config() });
    is_well(&pool).await;
    for what in ["sleep", "spin"] {
        let begun = Instant::now();
        assert_eq!(open(&pool, what).await.walk().await.unwrap_err(), Trouble::WallDeadline);
        assert!(begun.elapsed() < Duration::from_secs(3));
        is_well(&pool).await;
    }
}

#[tokio::test]
async fn processor_time_is_limited_for_each_request_anew() {
    let pool = Pool::new(PoolConfig { cpu: Duration::from_secs(1), ..config() });
    let trouble = open(&pool, "spin").await.walk().await.unwrap_err();
    assert_eq!(trouble, Trouble::CpuDeadline);
    assert_eq!(trouble.code(), "child.deadline");
    is_well(&pool).await;
}

#[tokio::test]
async fn a_clean_refusal_keeps_the_child() {
    let pool = pool();
    let version = pool.check().await.unwrap();
    assert_eq!(version, "misbehave/1");
    let children = pool.idle();
    let mut session = open(&pool, "refuse").await;
    for _ in 0..2 {
        let trouble = session.walk().await.unwrap_err();
        assert_eq!(trouble.code(), "media.undecodable");
    }
    drop(session);
    is_well(&pool).await;
    assert_eq!(pool.idle(), children);
}

#[tokio::test]
async fn a_warm_child_that_died_is_replaced_unseen() {
    let pool = pool();
    is_well(&pool).await;
    let [child] = pool.idle()[..] else { panic!("one child is warm") };
    let child = rustix::process::Pid::from_raw(child as i32).unwrap();
    rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
    is_well(&pool).await;
}

#[tokio::test]
async fn a_child_serves_so_many_files_and_no_more() {
    let pool = Pool::new(PoolConfig { max_jobs_per_child: 2, ..config() });
    is_well(&pool).await;
    let first = pool.idle();
    assert_eq!(first.len(), 1);
    is_well(&pool).await;
    assert!(pool.idle().is_empty());
    is_well(&pool).await;
    assert_ne!(pool.idle(), first);
}

#[tokio::test]
async fn a_request_that_is_given_up_costs_the_child() {
    let pool = pool();
    is_well(&pool).await;
    let before = pool.idle();
    let mut session = open(&pool, "sleep").await;
    tokio::time::timeout(Duration::from_millis(50), session.walk()).await.unwrap_err();
    drop(session);
    is_well(&pool).await;
    assert_ne!(pool.idle(), before);
}

#[tokio::test]
async fn the_pool_has_so_many_places() {
    let pool = Pool::new(PoolConfig { size: 2, ..config() });
    let first = open(&pool, "text").await;
    let _second = open(&pool, "text").await;
    tokio::time::timeout(Duration::from_millis(50), open(&pool, "text")).await.unwrap_err();
    drop(first);
    open(&pool, "text").await;
}

#[tokio::test]
async fn a_child_that_cannot_be_had_is_unavailable() {
    let missing = Pool::new(PoolConfig { child: "/nonexistent/lazaret-media".into(), ..config() });
    let why = missing.check().await.unwrap_err().to_string();
    assert!(why.contains("/nonexistent/lazaret-media") && why.contains("install"), "{why}");
    let no_child = Pool::new(PoolConfig { child: "/bin/true".into(), ..config() });
    assert!(no_child.open(&text(), 9, "text").await.is_err());
    let setup = ChildSetup { mark: Some("the font is gone".into()), ..ChildSetup::default() };
    let why = Pool::new(PoolConfig { setup, ..config() }).check().await.unwrap_err().to_string();
    assert!(why.contains("the font is gone"), "{why}");
}

#[tokio::test]
async fn frames_come_in_order_and_wait_for_their_reader() {
    // Less wall clock time than the reader takes: waiting for the reader does not count.
    let pool = Pool::new(PoolConfig { wall: Duration::from_millis(400), ..config() });
    let mut session = open(&pool, "frames").await;
    let (frames, mut taken) = mpsc::channel::<Frame>(1);
    let reader = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let mut count = 0u32;
        while let Some(frame) = taken.recv().await {
            tick.tick().await;
            assert_eq!((frame.index, frame.at_ms, frame.target), (count, 7, 0));
            assert_eq!(frame.pixels, vec![count as f32; 8 * 4 * 3]);
            count += 1;
        }
        count
    });
    let picture = session.picture(&request(40), &frames).await.unwrap();
    drop(frames);
    assert_eq!((reader.await.unwrap(), picture.frames_seen), (40, 40));
}

#[tokio::test]
async fn an_answer_that_trickles_in_has_one_deadline_for_all_of_it() {
    let pool = Pool::new(PoolConfig { wall: Duration::from_secs(1), ..config() });
    let (frames, _taken) = mpsc::channel(100);
    let trouble = open(&pool, "trickle").await.picture(&request(100), &frames).await.unwrap_err();
    assert_eq!(trouble, Trouble::WallDeadline);
    is_well(&pool).await;
}

#[tokio::test]
async fn frames_that_were_not_asked_for_are_refused() {
    let pool = pool();
    for what in ["frame-size", "frame-many", "frame-twice", "frame-nan", "frame-target"] {
        let (frames, _taken) = mpsc::channel(9);
        let trouble = open(&pool, what).await.picture(&request(3), &frames).await.unwrap_err();
        assert_eq!(trouble.code(), "child.protocol", "{what}");
        is_well(&pool).await;
    }
    let (frames, taken) = mpsc::channel(1);
    drop(taken);
    let trouble = open(&pool, "frames").await.picture(&request(3), &frames).await.unwrap_err();
    assert_eq!(trouble.code(), "io.output");
    is_well(&pool).await;
}

#[tokio::test]
async fn renditions_are_bounded_and_counted() {
    let pool = pool();
    let mut out = Vec::new();
    let rendition = open(&pool, "text").await.render(&RenditionSpec::Original, &mut out).await.unwrap();
    assert_eq!((out.as_slice(), rendition.bytes), (&b"some text"[..], 9));
    for (what, code) in [("flood", "child.output"), ("padded", "child.output"), ("lie", "child.protocol")] {
        let pool = Pool::new(config());
        let mut out = Vec::new();
        let trouble = open(&pool, what).await.render(&RenditionSpec::Original, &mut out).await.unwrap_err();
        assert_eq!(trouble.code(), code);
        assert!(out.len() <= 1 << 20);
        is_well(&pool).await;
    }
}

#[tokio::test]
async fn a_child_has_little() {
    // Whatever this process may do, so that the child's limits are its own.
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Core).maximum;
    setrlimit(Resource::Core, Rlimit { current: maximum, maximum }).unwrap();
    let pool = pool();
    let allocator = r#"[("MALLOC_MMAP_MAX_", "0"), ("MALLOC_TOP_PAD_", "134217728"), ("MALLOC_TRIM_THRESHOLD_", "134217728")]"#;
    assert_eq!(said(&pool, "environment").await, allocator);
    assert_eq!(said(&pool, "heap").await, "128 MiB, huge pages where there are any");
    assert_eq!(said(&pool, "write").await, "Err(Uncategorized)", "the file is open for reading only");
    assert_eq!(said(&pool, "stderr").await, "wrote");
    assert_eq!(said(&pool, "descriptors").await, "0 1 2 3", "three, and the channel's own copy of the first");
    assert_eq!(said(&pool, "bonds").await, "dies with it: true, NotDumpable");
    let [child] = pool.idle()[..] else { panic!("one child is warm") };
    let about = |what| std::fs::read_to_string(format!("/proc/{child}/{what}")).unwrap();
    let limits = about("limits");
    for line in [
        "Max core file size        0 ",
        "Max file size             0 ",
        "Max address space         1073741824 ",
        "Max processes             0 ",
        "Max open files            32 ",
    ] {
        assert!(limits.contains(line), "{line}\n{limits}");
    }
    let status = about("status");
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "Seccomp_filters:\t2", "CapEff:\t0000000000000000"] {
        assert!(status.contains(line), "{line}\n{status}");
    }
}

#[tokio::test]
async fn the_offset_of_the_file_is_not_shared() {
    let pool = pool();
    let mut file = text();
    file.seek(std::io::SeekFrom::Start(4)).unwrap();
    let mut session = pool.open(&file, 9, "text").await.unwrap();
    assert!(
        matches!(session.walk().await.unwrap().coverage, Coverage::Partial(why) if why.detail == "some text")
    );
    assert_eq!(file.stream_position().unwrap(), 4);
}

/// Children die with the service, however it ends.
#[test]
fn children_die_with_their_pool() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pool = pool();
    runtime.block_on(is_well(&pool));
    let [child] = pool.idle()[..] else { panic!("one child is warm") };
    drop((pool, runtime));
    let child = rustix::process::Pid::from_raw(child as i32).unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while rustix::process::test_kill_process(child).is_ok() {
        // A zombie that this process reaps, or somebody else does.
        let status = std::fs::read_to_string(format!("/proc/{}/stat", child.as_raw_nonzero()));
        if status.is_ok_and(|status| status.contains(") Z ")) {
            break;
        }
        assert!(Instant::now() < deadline, "the child outlives its pool");
        std::thread::yield_now();
    }
}
