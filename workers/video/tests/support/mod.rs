//! The real pool over the real `lazaret-video`, and films that `ffmpeg` makes for the tests.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses its own part")]

pub mod boxes;
pub mod stills;

use lazaret_sandbox::{
    Budget, ChildSetup, Confinement, Film, FilmRequest, Pool, PoolConfig, Rendition, RenditionSpec, Resize,
    Session, Shot, Target, Trouble,
};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// A white mark in the middle that covers half of the width.
pub fn config() -> PoolConfig {
    let mark = serde_json::json!({
        "content": {"png": {"base64": WHITE}},
        "style": {"position": "center", "scale": 0.5, "opacity": 1.0},
    });
    PoolConfig {
        child: env!("CARGO_BIN_EXE_lazaret-video").into(),
        size: 1,
        wall: Duration::from_secs(60),
        cpu: Duration::from_secs(60),
        memory_bytes: 2 << 30,
        max_output_bytes: 64 << 20,
        max_jobs_per_child: 1000,
        confinement: Confinement::Enforced,
        setup: ChildSetup { mark: Some(mark), budget: Budget::default() },
    }
}

/// A white PNG of one pixel.
const WHITE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC";

pub fn pool() -> Pool {
    Pool::new(config())
}

pub const TARGET: Target = Target { width: 32, height: 32, resize: Resize::BilinearAlignCorners };

pub fn request() -> FilmRequest {
    FilmRequest::new(vec![TARGET])
}

/// A folder for films.
pub struct Studio(TempDir);

impl Studio {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `ffmpeg` with these arguments makes the file `name`.
    pub fn make(&self, name: &str, arguments: &str) -> Vec<u8> {
        let path = self.path(name);
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-y", "-loglevel", "error"])
            .args(arguments.split(' '))
            .arg(&path)
            .current_dir(self.0.path())
            .output()
            .expect("ffmpeg is not installed; run scripts/setup.sh");
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        fs::read(path).unwrap()
    }

    /// H.264 of `seconds`, with a key frame every `gop` frames of 25 a second and at no other place.
    pub fn clip(&self, seconds: u32, gop: u32) -> Vec<u8> {
        let name = format!("clip-{seconds}-{gop}.mp4");
        self.make(
            &name,
            &format!(
                "-f lavfi -i testsrc2=size=320x180:rate=25:duration={seconds} -c:v libx264 -preset veryfast -g {gop} \
                 -sc_threshold 0 -pix_fmt yuv420p"
            ),
        )
    }

    /// What `ffprobe` says of a file, as `key=value` lines.
    pub fn probe(&self, bytes: &[u8], what: &str) -> String {
        let path = self.path("probed");
        fs::write(&path, bytes).unwrap();
        let output = Command::new("ffprobe")
            .args(["-loglevel", "error", "-of", "default=noprint_wrappers=1"])
            .args(what.split(' '))
            .arg(&path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

pub fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

pub async fn open(pool: &Pool, bytes: &[u8], media_type: &str) -> Session {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    pool.open(&file, bytes.len() as u64, media_type).await.unwrap()
}

/// All shots, or as many as are wanted.
pub async fn look(
    session: &mut Session,
    request: &FilmRequest,
    most: usize,
) -> (Result<Film, Trouble>, Vec<Shot>) {
    let (shots, mut taken) = mpsc::channel(4);
    let taking = tokio::spawn(async move {
        let mut all = Vec::new();
        while all.len() < most
            && let Some(shot) = taken.recv().await
        {
            all.push(shot);
        }
        all
    });
    let film = session.film(request, shots).await;
    (film, taking.await.unwrap())
}

pub async fn film(pool: &Pool, bytes: &[u8], media_type: &str) -> (Result<Film, Trouble>, Vec<Shot>) {
    look(&mut open(pool, bytes, media_type).await, &request(), usize::MAX).await
}

pub async fn render(
    pool: &Pool,
    bytes: &[u8],
    media_type: &str,
    spec: RenditionSpec,
) -> Result<(Rendition, Vec<u8>), Trouble> {
    let mut out = Vec::new();
    let rendition = open(pool, bytes, media_type).await.render(&spec, &mut out).await?;
    assert_eq!(rendition.bytes, out.len() as u64);
    Ok((rendition, out))
}

/// Mean colour of a shot.
pub fn colour(shot: &Shot) -> [f32; 3] {
    let (pixels, _) = shot.pixels.as_chunks::<3>();
    let sum = pixels.iter().fold([0.0; 3], |sum, p| [sum[0] + p[0], sum[1] + p[1], sum[2] + p[2]]);
    sum.map(|value: f32| value / pixels.len() as f32)
}

/// The code of a coverage that is not complete.
pub fn code(coverage: &lazaret_sandbox::Coverage) -> &str {
    match coverage {
        lazaret_sandbox::Coverage::Complete => "complete",
        lazaret_sandbox::Coverage::Partial(why) | lazaret_sandbox::Coverage::Failed(why) => &why.code,
    }
}

/// The next file is served, whatever came before.
pub async fn is_well(pool: &Pool, studio: &Studio) {
    let (film, shots) = film(pool, &studio.clip(3, 25), "video/mp4").await;
    assert!(film.unwrap().coverage.is_complete() && !shots.is_empty());
}
