//! HTTP by hand, for requests that no client would send and answers of which every byte counts.

use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An answer as it came, less its Date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// As written, in order.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

/// Sends these bytes and reads to the end of the connection.
pub async fn send(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    read(&mut stream).await
}

pub async fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("an answer has a head") + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let keep = |line: &&str| !line.is_empty() && !line.to_lowercase().starts_with("date:");
    Answer { status, headers: lines.filter(keep).map(str::to_owned).collect(), body: bytes[end..].to_vec() }
}

/// A request of `method` for exactly this target.
pub async fn request(address: SocketAddr, method: &str, target: &str) -> Answer {
    send(address, format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
        .await
}
