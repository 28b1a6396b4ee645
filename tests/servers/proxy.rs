//! A TCP proxy that breaks what goes through it, as the test says.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::sleep,
};

/// What happens to connections from now on, those that are open included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Pass,
    /// New connections end at once.
    Refuse,
    /// A connection ends once so many bytes went to the server.
    CutUp(u64),
    /// A connection ends once so many bytes came from the server.
    CutDown(u64),
    /// Of what goes to the server, the byte at this place of each connection comes as another.
    FlipUp(u64),
    /// Bytes a second, each way and each connection.
    Slow(u64),
    /// Every piece waits so long, each way.
    Delay(Duration),
}

pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    mode: Mutex<Mode>,
    /// Counts the times that all connections were cut.
    cuts: watch::Sender<u64>,
    up: AtomicU64,
    down: AtomicU64,
    broken: AtomicU64,
}

impl Proxy {
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            mode: Mutex::new(Mode::Pass),
            cuts: watch::Sender::new(0),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            broken: AtomicU64::new(0),
        });
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(connection(Arc::clone(&shared), client, server));
                }
            }
        });
        Self { address, shared, task }
    }

    pub fn set(&self, mode: Mode) {
        *self.shared.mode.lock().unwrap() = mode;
    }

    /// Ends all connections that are open now.
    pub fn cut_all(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Bytes that went to the server so far.
    pub fn up(&self) -> u64 {
        self.shared.up.load(Ordering::SeqCst)
    }

    /// Bytes that came from the server so far.
    pub fn down(&self) -> u64 {
        self.shared.down.load(Ordering::SeqCst)
    }

    /// Connections that were refused or cut so far.
    pub fn broken(&self) -> u64 {
        self.shared.broken.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut_all();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

async fn connection(shared: Arc<Shared>, client: TcpStream, server: SocketAddr) {
    let mut cuts = shared.cuts.subscribe();
    if *shared.mode.lock().unwrap() == Mode::Refuse {
        shared.broken.fetch_add(1, Ordering::SeqCst);
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    // Pieces are to go as they come.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let both = async {
        tokio::try_join!(
            copy(&shared, Way::Up, &mut from_client, &mut to_server),
            copy(&shared, Way::Down, &mut from_server, &mut to_client),
        )
    };
    let cut = tokio::select! {
        both = both => both.is_err(),
        _ = cuts.changed() => true,
    };
    if cut {
        shared.broken.fetch_add(1, Ordering::SeqCst);
    }
}

/// The connection is to end, both ways.
struct Cut;

async fn copy(
    shared: &Shared,
    way: Way,
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
) -> Result<(), Cut> {
    let (mut buffer, mut passed) = (vec![0; 16 * 1024], 0);
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => {
                // The other way may still have something to say.
                let _ = to.shutdown().await;
                return Ok(());
            }
            Ok(read) => read,
        };
        let mode = *shared.mode.lock().unwrap();
        let allowed = match (mode, way) {
            (Mode::CutUp(most), Way::Up) | (Mode::CutDown(most), Way::Down) => most,
            _ => u64::MAX,
        };
        if let (Mode::FlipUp(place), Way::Up) = (mode, way)
            && let Some(byte) = place.checked_sub(passed).and_then(|at| buffer[..read].get_mut(at as usize))
        {
            *byte ^= 1;
        }
        let now = (read as u64).min(allowed.saturating_sub(passed)) as usize;
        match mode {
            Mode::Slow(rate) => sleep(Duration::from_secs_f64(read as f64 / rate as f64)).await,
            Mode::Delay(time) => sleep(time).await,
            _ => {}
        }
        if to.write_all(&buffer[..now]).await.is_err() {
            return Ok(());
        }
        passed += now as u64;
        let total = if way == Way::Up { &shared.up } else { &shared.down };
        total.fetch_add(now as u64, Ordering::SeqCst);
        if now < read {
            return Err(Cut);
        }
    }
}
