//! A small RTSP server: it hands on, on the connection itself, the packets that ffmpeg sends of a clip.

use crate::sources::Publisher;
use md5::{Digest, Md5};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::mpsc,
};

/// How it behaves.
#[derive(Clone)]
pub enum Manner {
    /// Plays the clip, once, to whoever proves to be `me` with this password, or to anybody. Then there is nothing.
    Plays { clip: PathBuf, password: Option<&'static str> },
    /// Answers every request so.
    Says(Vec<u8>),
    /// Plays until so many packets are sent, and then sends nothing more.
    Stalls { clip: PathBuf, after: usize },
}

pub struct Rtsp {
    pub address: SocketAddr,
    /// First lines of requests.
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Rtsp {
    pub async fn start(folder: &Path, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let (asked, folder) = (Arc::clone(&server.asked), folder.to_owned());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (manner, asked, folder) = (manner.clone(), Arc::clone(&asked), folder.clone());
                // A player that hangs up ends it.
                tokio::spawn(async move {
                    let _hung_up = serve(stream, &manner, &asked, &folder).await;
                });
            }
        });
        server
    }

    pub fn asked(&self, method: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|line| line.starts_with(method)).count()
    }
}

async fn serve(
    stream: TcpStream,
    manner: &Manner,
    asked: &Mutex<Vec<String>>,
    folder: &Path,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut playing: Option<Playing> = None;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let first = head.lines().next().unwrap_or_default().to_owned();
        let header =
            |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
        asked.lock().unwrap().push(first.clone());
        let number = header("CSeq:").to_owned();
        let (clip, password, after) = match manner {
            Manner::Says(bytes) => {
                stream.write_all(bytes).await?;
                // It stays on the line.
                stream.read_to_end(&mut Vec::new()).await?;
                return Ok(());
            }
            Manner::Plays { clip, password } => (clip, *password, usize::MAX),
            Manner::Stalls { clip, after } => (clip, None, *after),
        };
        if password.is_some_and(|password| !proves(header("Authorization:"), &first, password)) {
            let challenge = "WWW-Authenticate: Digest realm=\"cam\", nonce=\"a nonce\"\r\n";
            say(&mut stream, &number, "401 Unauthorized", challenge, "").await?;
            continue;
        }
        let is_over =
            after == usize::MAX && asked.lock().unwrap().iter().any(|line| line.starts_with("PLAY "));
        match first.split(' ').next().unwrap_or_default() {
            "DESCRIBE" if is_over => {
                say(&mut stream, &number, "404 Not Found", "", "").await?;
            }
            "DESCRIBE" => {
                let begun = Playing::begin(clip, folder).await;
                say(&mut stream, &number, "200 OK", "Content-Type: application/sdp\r\n", &begun.described)
                    .await?;
                playing = Some(begun);
            }
            "SETUP" => {
                let transport = "Transport: RTP/AVP/TCP;unicast;interleaved=4-5\r\nSession: 42;timeout=4\r\n";
                say(&mut stream, &number, "200 OK", transport, "").await?;
            }
            "PLAY" => {
                say(&mut stream, &number, "200 OK", "", "").await?;
                let mut playing = playing.expect("it was described");
                return playing.relay(&mut stream, after, asked).await;
            }
            _ => say(&mut stream, &number, "405 Method Not Allowed", "", "").await?,
        }
    }
}

async fn say(
    stream: &mut BufReader<TcpStream>,
    number: &str,
    status: &str,
    more: &str,
    body: &str,
) -> std::io::Result<()> {
    let length = body.len();
    let text = format!("RTSP/1.0 {status}\r\nCSeq: {number}\r\n{more}Content-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await
}

/// The proof of RFC 2069.
fn proves(said: &str, first: &str, password: &str) -> bool {
    let hash = |text: String| lazaret::hex(&Md5::digest(text));
    let mut words = first.split(' ');
    let (method, to) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (who, what) = (hash(format!("me:cam:{password}")), hash(format!("{method}:{to}")));
    said.contains(&format!("response=\"{}\"", hash(format!("{who}:a nonce:{what}"))))
}

/// ffmpeg sends a clip to two ports of this machine.
struct Playing {
    described: String,
    /// With the channel that each goes on.
    packets: mpsc::UnboundedReceiver<(u8, Vec<u8>)>,
    _publisher: Publisher,
}

/// Takes what comes at once: a socket holds little, and drops the rest.
fn take(socket: UdpSocket, channel: u8, packets: mpsc::UnboundedSender<(u8, Vec<u8>)>) {
    tokio::spawn(async move {
        let mut packet = vec![0; 2048];
        while let Ok(length) = socket.recv(&mut packet).await {
            if packets.send((channel, packet[..length].to_vec())).is_err() {
                return;
            }
        }
    });
}

impl Playing {
    async fn begin(clip: &Path, folder: &Path) -> Self {
        let (pictures, reports) = loop {
            let first = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let next = first.local_addr().unwrap().port().wrapping_add(1);
            if let Ok(second) = UdpSocket::bind(("127.0.0.1", next)).await {
                break (first, second);
            }
        };
        let port = pictures.local_addr().unwrap().port();
        let (sender, packets) = mpsc::unbounded_channel();
        take(pictures, 4, sender.clone());
        take(reports, 5, sender);
        let described = folder.join(format!("{port}.sdp"));
        let to = format!("rtp://127.0.0.1:{port}?pkt_size=1200");
        let arguments =
            ["-re", "-i", clip.to_str().unwrap(), "-an", "-c", "copy", "-f", "rtp", "-rtpflags", "send_bye"];
        let publisher =
            Publisher::start(&[&arguments[..], &["-sdp_file", described.to_str().unwrap(), &to]].concat());
        let describing = async {
            loop {
                match std::fs::read_to_string(&described) {
                    Ok(text) if text.contains("a=fmtp") => break text,
                    _ => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let described =
            tokio::time::timeout(Duration::from_secs(60), describing).await.expect("ffmpeg describes it");
        let described = format!("{}\r\na=control:streamid=0\r\n", described.trim_end());
        Self { described, packets, _publisher: publisher }
    }

    async fn relay(
        &mut self,
        stream: &mut BufReader<TcpStream>,
        after: usize,
        asked: &Mutex<Vec<String>>,
    ) -> std::io::Result<()> {
        let (mut heard, mut sent) = (String::new(), 0);
        loop {
            let (channel, bytes) = tokio::select! {
                packet = self.packets.recv() => packet.expect("ffmpeg sends"),
                read = stream.read_line(&mut heard) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    asked.lock().unwrap().push(std::mem::take(&mut heard));
                    continue;
                }
            };
            sent += usize::from(channel == 4);
            if sent > after {
                std::future::pending::<()>().await;
            }
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            stream.write_all(&[&[b'$', channel, length[0], length[1]], &bytes[..]].concat()).await?;
        }
    }
}
