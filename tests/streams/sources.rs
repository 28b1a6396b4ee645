//! Sources that real software makes: clips by ffmpeg, published by it or lying on a small web server.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

/// Of four seconds each: grey, red and grey again, ten frames a second.
pub const CLIP: &str = "color=0x5a5a5a:s=320x180:r=10:d=4[a];color=0xfa0505:s=320x180:r=10:d=4[b];\
    color=0x5a5a5a:s=320x180:r=10:d=4[c];[a][b][c]concat=n=3";

/// Runs ffmpeg to its end.
pub fn ffmpeg(arguments: &[&str]) {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-v", "error", "-y"])
        .args(arguments)
        .output()
        .expect("ffmpeg is not installed; run scripts/setup.sh");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A file that ffmpeg makes of a graph of filters, with these arguments; its bytes.
pub fn film(folder: &Path, name: &str, graph: &str, arguments: &[&str]) -> (PathBuf, Vec<u8>) {
    let path = folder.join(name);
    let graph = format!("{graph}[out]");
    let mut all = vec!["-filter_complex", &graph, "-map", "[out]", "-pix_fmt", "yuv420p"];
    all.extend(arguments);
    all.push(path.to_str().unwrap());
    ffmpeg(&all);
    (path.clone(), std::fs::read(path).unwrap())
}

/// As encoders of live streams do: no frames out of order, a key frame a second.
pub const LIVE: [&str; 8] = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10"];

/// Between two bytes of what drips.
const DRIP: std::time::Duration = std::time::Duration::from_millis(200);

/// ffmpeg in the background; it does not outlive its test.
pub struct Publisher(Child);

impl Publisher {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-hide_banner", "-v", "error", "-y"]).args(arguments);
        Self(command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap())
    }
}

impl Publisher {
    /// It is there still, and does nothing.
    pub fn stop(&self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _buried_already = self.0.wait();
    }
}

/// A port that nobody listens on at this moment.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What there is at a path.
#[derive(Clone)]
pub enum Page {
    Bytes(Vec<u8>),
    /// These, and then nothing, without an end.
    Stalls(Vec<u8>),
    /// The same again and again.
    Endless(Vec<u8>),
    /// A byte at a time.
    Drips(Vec<u8>),
    /// A file, as it is when it is asked for.
    File(PathBuf),
    Redirect(String),
}

/// A web server with pages; it knows what it was asked for.
pub struct Web {
    pub address: SocketAddr,
    pub asked: Arc<Mutex<Vec<String>>>,
    folder: Arc<Mutex<Vec<(String, Page)>>>,
}

impl Web {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let web =
            Self { address: listener.local_addr().unwrap(), asked: Arc::default(), folder: Arc::default() };
        let (asked, folder) = (Arc::clone(&web.asked), Arc::clone(&web.folder));
        let answer = move |request: Request| async move {
            let path = request.uri().path().to_owned();
            asked.lock().unwrap().push(path.clone());
            let found =
                folder.lock().unwrap().iter().find(|(at, _)| *at == path).map(|(_, page)| page.clone());
            let folder = folder.lock().unwrap().iter().find_map(|(at, page)| match page {
                Page::File(root) if at.ends_with('/') && path.starts_with(at.as_str()) => {
                    Some(Page::File(root.join(&path[at.len()..])))
                }
                _ => None,
            });
            served(found.or(folder))
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        web
    }

    /// Puts a page there; of a file whose path ends with a slash all that lies below.
    pub fn put(&self, path: &str, page: Page) -> String {
        self.folder.lock().unwrap().push((path.to_owned(), page));
        format!("http://{}{path}", self.address)
    }

    /// Another page, from the next request on.
    pub fn swap(&self, path: &str, page: Page) {
        let mut folder = self.folder.lock().unwrap();
        folder.retain(|(at, _)| at != path);
        folder.push((path.to_owned(), page));
    }

    pub fn take(&self, path: &str) {
        self.folder.lock().unwrap().retain(|(at, _)| at != path);
    }
}

fn served(page: Option<Page>) -> Response {
    match page {
        Some(Page::Bytes(bytes)) => bytes.into_response(),
        Some(Page::Stalls(bytes)) => {
            let begin = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from(bytes))]);
            let never = futures_util::stream::pending();
            Body::from_stream(futures_util::StreamExt::chain(begin, never)).into_response()
        }
        Some(Page::Endless(bytes)) => {
            let bytes = Bytes::from(bytes.repeat((64 << 10) / bytes.len() + 1));
            Body::from_stream(futures_util::stream::repeat_with(move || {
                Ok::<_, std::io::Error>(bytes.clone())
            }))
            .into_response()
        }
        Some(Page::Drips(bytes)) => {
            let drops = futures_util::stream::unfold((Bytes::from(bytes), 0), |(bytes, n)| async move {
                tokio::time::sleep(DRIP).await;
                let drop = (n < bytes.len()).then(|| bytes.slice(n..=n))?;
                Some((Ok::<_, std::io::Error>(drop), (bytes, n + 1)))
            });
            Body::from_stream(drops).into_response()
        }
        Some(Page::File(path)) => match std::fs::read(path) {
            Ok(bytes) => bytes.into_response(),
            Err(_) => StatusCode::NOT_FOUND.into_response(),
        },
        Some(Page::Redirect(to)) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
