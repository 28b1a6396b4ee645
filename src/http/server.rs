//! The threads that answer HTTP. Each has connections and a runtime of its own: an answer is made where its request came
//! in. On one runtime of many threads they wake each other for every request, which costs as much as the answer.

use axum::{ServiceExt, extract::Request, response::Response, serve::ListenerExt};
use std::{
    convert::Infallible,
    future::IntoFuture,
    io,
    net::{SocketAddr, TcpListener},
};
use tokio::{runtime::Runtime, sync::mpsc};
use tokio_util::sync::CancellationToken;
use tower::Service;

/// Dropped, it takes its threads along, and what other threads still need of their runtimes: drop it last.
pub struct Server {
    address: SocketAddr,
    /// Closed when the last connection of the last thread has ended.
    ended: mpsc::Receiver<Infallible>,
    signals: Signals,
}

#[derive(Clone, Default)]
struct Signals {
    /// No new connections; those that are idle end.
    stop: CancellationToken,
    gone: CancellationToken,
}

impl Server {
    /// Answers what comes to `listener`, on so many threads.
    pub fn start(
        listener: tokio::net::TcpListener,
        service: impl Answers,
        threads: usize,
    ) -> io::Result<Self> {
        let listener = listener.into_std()?;
        let address = listener.local_addr()?;
        let (open, ended) = mpsc::channel(1);
        // Made first: where a thread cannot be started, its drop ends those that were.
        let server = Self { address, ended, signals: Signals::default() };
        for number in 0..threads.max(1) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let (listener, service) = (listener.try_clone()?, service.clone());
            let (signals, open) = (server.signals.clone(), open.clone());
            std::thread::Builder::new()
                .name(format!("http-{number}"))
                .spawn(move || answer(runtime, listener, service, signals, open))?;
        }
        Ok(server)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connections.
    pub fn stop(&self) {
        self.signals.stop.cancel();
    }

    /// Waits until the last request is answered and the last connection closed.
    pub async fn ended(&mut self) {
        // Nothing is ever sent: it ends when all senders are gone.
        let _ = self.ended.recv().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signals.gone.cancel();
    }
}

/// What requests are answered by: a router, or [`super::Front`].
pub trait Answers:
    Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> Answers for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

fn answer(
    runtime: Runtime,
    listener: TcpListener,
    service: impl Answers,
    signals: Signals,
    open: mpsc::Sender<Infallible>,
) {
    let Signals { stop, gone } = signals;
    let serve = async {
        let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
            // Answers are written whole; waiting for more to send only costs time.
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(stop.cancelled_owned())
            .into_future()
            .await
    };
    runtime.block_on(async {
        tokio::select! {
            served = serve => {
                if let Err(error) = served {
                    tracing::error!(%error, "an HTTP thread ended");
                }
            }
            () = gone.cancelled() => {}
        }
        drop(open);
        gone.cancelled().await;
    });
    // Not waiting for a disk that hangs.
    runtime.shutdown_background();
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, routing::get};
    use std::{
        collections::BTreeSet,
        sync::{Arc, Mutex},
        time::Duration,
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        sync::Notify,
        time::timeout,
    };

    const SOON: Duration = Duration::from_secs(20);

    async fn ask(address: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        stream
    }

    async fn answer(mut stream: TcpStream) -> String {
        let mut text = String::new();
        timeout(SOON, stream.read_to_string(&mut text)).await.unwrap().unwrap();
        text.rsplit("\r\n").next().unwrap().to_owned()
    }

    async fn listener() -> tokio::net::TcpListener {
        tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()
    }

    #[tokio::test]
    async fn several_threads_answer() {
        // The first request blocks its thread until the second is answered, which is for the other thread to do.
        let came = Arc::new(Notify::new());
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let blocked = Arc::new(Mutex::new(Some(blocked)));
        let handler = {
            let came = Arc::clone(&came);
            async move || {
                let first = blocked.lock().unwrap().take();
                if let Some(blocked) = first {
                    came.notify_one();
                    blocked.recv_timeout(SOON).unwrap();
                }
                std::thread::current().name().unwrap_or_default().to_owned()
            }
        };
        let server = Server::start(listener().await, Router::new().route("/", get(handler)), 2).unwrap();
        let one = ask(server.address()).await;
        timeout(SOON, came.notified()).await.unwrap();
        let two = answer(ask(server.address()).await).await;
        release.send(()).unwrap();
        let names = BTreeSet::from([answer(one).await, two]);
        assert_eq!(names, BTreeSet::from(["http-0".to_owned(), "http-1".to_owned()]));
    }

    #[tokio::test]
    async fn what_is_being_answered_when_it_stops_is_answered() {
        let (came, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let router = Router::new().route("/", {
            let (came, go) = (came.clone(), go.clone());
            get(async move || {
                came.notify_one();
                go.notified().await;
                "done"
            })
        });
        let mut server = Server::start(listener().await, router, 2).unwrap();
        let stream = ask(server.address()).await;
        timeout(SOON, came.notified()).await.unwrap();
        server.stop();
        assert!(timeout(Duration::from_millis(50), server.ended()).await.is_err(), "a request is open");
        go.notify_one();
        assert_eq!(answer(stream).await, "done");
        timeout(SOON, server.ended()).await.unwrap();
        assert!(TcpStream::connect(server.address()).await.is_err());
    }
}
