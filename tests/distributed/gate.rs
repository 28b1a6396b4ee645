//! Stands before clamd, and lets as many scans through as the test says: a worker is as slow as it is to be, whatever
//! the machine.

use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
};

pub struct Gate {
    pub address: SocketAddr,
    /// Connections that may pass; each scan is one.
    pub may: Arc<Semaphore>,
    task: JoinHandle<()>,
}

impl Gate {
    /// Open wide.
    pub async fn before(clamd: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let may = Arc::new(Semaphore::new(Self::WIDE));
        let task = tokio::spawn({
            let may = Arc::clone(&may);
            async move {
                while let Ok((mut client, _)) = listener.accept().await {
                    let may = Arc::clone(&may);
                    tokio::spawn(async move {
                        may.acquire().await.unwrap().forget();
                        // Behind it the scanner may be dead.
                        let Ok(mut clamd) = TcpStream::connect(clamd).await else { return };
                        let _either_side_may_leave = copy_bidirectional(&mut client, &mut clamd).await;
                    });
                }
            }
        });
        Self { address, may, task }
    }

    /// More than a test scans.
    pub const WIDE: usize = 1 << 20;

    /// Nothing passes until more is added.
    pub fn close(&self) {
        self.may.forget_permits(usize::MAX);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}
