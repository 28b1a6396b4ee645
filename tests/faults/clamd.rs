//! A clamd on a TCP port, with the test signatures: one that can be killed and started again.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

const START: Duration = Duration::from_secs(60);

pub struct Clamd {
    pub address: SocketAddr,
    settings: PathBuf,
    process: Mutex<Child>,
}

impl Clamd {
    /// Its files are in `folder`.
    pub fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        let (temporary, settings) = (folder.join("clamd-tmp"), folder.join("clamd.conf"));
        fs::create_dir(&temporary).expect("a folder");
        let text = format!(
            "TCPSocket {}\nTCPAddr 127.0.0.1\nForeground yes\nDatabaseDirectory {}/fixtures/signatures\n\
             TemporaryDirectory {}\nDisableCache yes\nAlertExceedsMax yes\nAlertEncrypted yes\nMaxFileSize 16M\n\
             MaxScanSize 16M\nStreamMaxLength 16M\n",
            address.port(),
            env!("CARGO_MANIFEST_DIR"),
            temporary.display()
        );
        fs::write(&settings, text).expect("its settings");
        let process = Mutex::new(spawn(&settings));
        let clamd = Self { address, settings, process };
        clamd.wait();
        clamd
    }

    pub fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill().expect("it runs");
        process.wait().expect("it ends");
    }

    pub fn again(&self) {
        *self.process.lock().unwrap() = spawn(&self.settings);
        self.wait();
    }

    fn wait(&self) {
        let until = Instant::now() + START;
        while TcpStream::connect(self.address).is_err() {
            let ended = self.process.lock().unwrap().try_wait().expect("its state");
            assert!(ended.is_none() && Instant::now() < until, "clamd does not start: {ended:?}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ended_already = process.kill();
        let _buried_already = process.wait();
    }
}

fn spawn(settings: &Path) -> Child {
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("clamd");
    command.env("PATH", path).arg("--config-file").arg(settings).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("clamav-daemon is installed")
}
