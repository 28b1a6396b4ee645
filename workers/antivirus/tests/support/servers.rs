//! Daemons that are not ours: real ones with another configuration, and listeners that play one badly.

use super::files::eicar;
use std::{
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A real clamd on a Unix socket, or also on a TCP port.
pub struct RealClamd {
    child: Child,
    _folder: TempDir,
    pub address: String,
}

impl RealClamd {
    /// `config` is added to sockets, folders and nothing else; without `signatures` it loads a useless one.
    pub async fn start(config: &str, signatures: Option<&Path>, tcp_port: Option<u16>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("db");
        std::fs::create_dir(&database).unwrap();
        std::fs::write(database.join("other.ndb"), "Other:0:*:6e6f626f6479206861732074686973\n").unwrap();
        let database = signatures.unwrap_or(&database);
        let socket = folder.path().join("s");
        let mut text = format!(
            "LocalSocket {}\nDatabaseDirectory {}\nForeground yes\n{config}\n",
            socket.display(),
            database.display()
        );
        if let Some(port) = tcp_port {
            text += &format!("TCPSocket {port}\nTCPAddr 127.0.0.1\n");
        }
        let path = folder.path().join("clamd.conf");
        std::fs::write(&path, text).unwrap();
        let child = Command::new("/usr/sbin/clamd")
            .arg("--config-file")
            .arg(path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("clamd is needed: install clamav-daemon");
        super::until("the real clamd's socket", || socket.exists()).await;
        let address =
            tcp_port.map_or_else(|| format!("unix:{}", socket.display()), |p| format!("127.0.0.1:{p}"));
        Self { child, _folder: folder, address }
    }
}

impl Drop for RealClamd {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

pub async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// What a played daemon does with a file that is no canary.
#[derive(Debug, Clone, Copy)]
pub enum Plays {
    Says(&'static [u8]),
    Closes,
    Hangs,
    /// Talks until nobody listens.
    Floods,
}

/// A listener that passes every canary, with this VERSION, and then plays.
pub async fn fake(version: &'static str, plays: Plays) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut command = Vec::new();
                while !command.ends_with(b"\0") {
                    command.push(stream.read_u8().await?);
                }
                match command.as_slice() {
                    b"zPING\0" => stream.write_all(b"PONG\0").await,
                    b"zVERSION\0" => stream.write_all(format!("{version}\0").as_bytes()).await,
                    _ => {
                        let mut body = Vec::new();
                        loop {
                            let length = stream.read_u32().await? as usize;
                            if length == 0 {
                                break;
                            }
                            let start = body.len();
                            body.resize(start + length, 0);
                            stream.read_exact(&mut body[start..]).await?;
                        }
                        if body == eicar() {
                            return stream.write_all(b"stream: Eicar FOUND\0").await;
                        }
                        if body.starts_with(b"PK") {
                            return stream.write_all(b"stream: Heuristics.Limits.Exceeded.X FOUND\0").await;
                        }
                        match plays {
                            Plays::Says(words) => stream.write_all(words).await,
                            Plays::Closes => Ok(()),
                            Plays::Hangs => std::future::pending().await,
                            Plays::Floods => loop {
                                stream.write_all(&[b'x'; 65536]).await?;
                            },
                        }
                    }
                }
            });
        }
    });
    address
}
