use std::sync::mpsc;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

type Start<T> = fn(Command) -> std::io::Result<(Child, T)>;
type Started<T> = std::io::Result<(Child, T)>;

/// Starts processes, on a thread of its own: they die with the *thread* that started them (that is what the kernel's parent
/// death signal means), so it must be one that lives as long as they are wanted.
#[derive(Debug)]
pub(crate) struct Keeper<T> {
    asks: mpsc::Sender<(Command, Handle, oneshot::Sender<Started<T>>)>,
}

impl<T: Send + 'static> Keeper<T> {
    /// What `start` gives beside the process goes to whoever asked.
    pub(crate) fn new(start: Start<T>) -> std::io::Result<Self> {
        let (asks, inbox) = mpsc::channel::<(Command, Handle, oneshot::Sender<Started<T>>)>();
        std::thread::Builder::new().name("sandbox-spawn".into()).spawn(move || {
            for (command, runtime, reply) in inbox {
                let _entered = runtime.enter();
                // Nobody waits any more: the child is dropped, which kills it.
                let _ = reply.send(start(command));
            }
        })?;
        Ok(Self { asks })
    }

    pub(crate) async fn start(&self, command: Command) -> Started<T> {
        let gone = || std::io::Error::other("the thread that starts children is gone");
        let (reply, started) = oneshot::channel();
        self.asks.send((command, Handle::current(), reply)).map_err(|_| gone())?;
        started.await.map_err(|_| gone())?
    }
}
