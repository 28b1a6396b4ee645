//! A private RabbitMQ node on ports of its own, in a temporary folder, with a vhost for each test. It ends with the test
//! process, however that ends.

#[path = "certificates.rs"]
mod certificates;

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const CONTROL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";
/// A cold start on a busy machine.
const START: Duration = Duration::from_secs(120);
/// Vhosts are made some at a time: what takes long is the start of rabbitmqctl.
const VHOSTS: u32 = 16;

// A test binary need not use all of this.
const _: fn(&Rabbit) = Rabbit::restart;
const _: fn() -> Rabbit = Rabbit::start;
const _: fn() -> &'static Rabbit = Rabbit::shared;
const _: fn(&Rabbit) -> Vhost = Rabbit::vhost;
const _: fn(&Rabbit, &[&str]) -> String = Rabbit::control;
const _: fn(&Rabbit) -> (u16, PathBuf) = Rabbit::tls;
const _: fn(&Vhost) -> &String = |vhost| &vhost.name;

pub struct Rabbit {
    folder: PathBuf,
    name: String,
    port: u16,
    tls: u16,
    distribution: u16,
    names: u16,
    node: Mutex<Child>,
    epmd: Mutex<Child>,
    vhosts: Mutex<u32>,
}

/// A vhost of its own, which `guest` may do all in.
pub struct Vhost {
    pub name: String,
    pub url: String,
}

impl Rabbit {
    /// The one node of this test process.
    pub fn shared() -> &'static Self {
        static NODE: OnceLock<Rabbit> = OnceLock::new();
        NODE.get_or_init(Self::start)
    }

    /// A node that no other test uses: for those that restart it.
    pub fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        assert!(Path::new(SERVER).exists(), "rabbitmq-server is not installed; scripts/setup.sh does it");
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        for name in ["home", "mnesia", "log"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        certificates::make(&folder);
        let [port, tls, distribution, names] = free_ports();
        let settings = format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\nlisteners.ssl.1 = 127.0.0.1:{tls}\nssl_options.certfile = {0}/server.pem\n\
             ssl_options.keyfile = {0}/server.key\nlog.file.level = warning\nlog.console = false\ndisk_free_limit.absolute = 1MB\n",
            folder.display()
        );
        fs::write(folder.join("rabbitmq.conf"), settings).unwrap();
        fs::write(folder.join("plugins"), "[].").unwrap();
        let name =
            format!("lazaret-{}-{}@localhost", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut epmd = Command::new("setpriv");
        epmd.args(["--pdeathsig=KILL", "epmd", "-port", &names.to_string(), "-address", "127.0.0.1"]);
        let epmd = Mutex::new(spawn(epmd));
        let node = Mutex::new(spawn(command_of_node(&folder, &name, distribution, names)));
        remove_afterwards(&folder);
        let rabbit = Self { folder, name, port, tls, distribution, names, node, epmd, vhosts: Mutex::new(0) };
        rabbit.wait_until_up();
        rabbit
    }

    pub fn vhost(&self) -> Vhost {
        let mut next = self.vhosts.lock().unwrap();
        if next.is_multiple_of(VHOSTS) {
            let last = *next + VHOSTS - 1;
            let add = format!(
                "[begin V = list_to_binary(\"t\" ++ integer_to_list(N)), ok = rabbit_vhost:add(V, <<\"guest\">>), \
                 ok = rabbit_auth_backend_internal:set_permissions(<<\"guest\">>, V, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"guest\">>) \
                 end || N <- lists:seq({next}, {last})], ok."
            );
            assert_eq!(self.control(&["eval", &add]).trim(), "ok");
        }
        let name = format!("t{next}");
        *next += 1;
        Vhost { url: format!("amqp://guest:guest@127.0.0.1:{}/{name}", self.port), name }
    }

    /// The port for amqps, and the certificate that signs the node's.
    pub fn tls(&self) -> (u16, PathBuf) {
        (self.tls, self.folder.join("ca.pem"))
    }

    /// rabbitmqctl's output; panics where it fails.
    pub fn control(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(CONTROL);
        environment(&mut command, &self.folder, &self.name, self.distribution, self.names);
        let output =
            command.arg("--quiet").args(arguments).stdin(Stdio::null()).output().expect("rabbitmqctl runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "rabbitmqctl {arguments:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    /// Killed, not stopped, and up again.
    pub fn restart(&self) {
        let mut node = self.node.lock().unwrap();
        node.kill().unwrap();
        node.wait().unwrap();
        *node = spawn(command_of_node(&self.folder, &self.name, self.distribution, self.names));
        drop(node);
        self.wait_until_up();
    }

    fn wait_until_up(&self) {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let until = Instant::now() + START;
        while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
            let ended = self.node.lock().unwrap().try_wait().unwrap();
            let log = self.folder.join("node.log");
            assert!(
                ended.is_none() && Instant::now() < until,
                "RabbitMQ does not start: {ended:?}\n{}",
                fs::read_to_string(log).unwrap_or_default()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        for process in [&self.node, &self.epmd] {
            let mut process = process.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn command_of_node(folder: &Path, name: &str, distribution: u16, names: u16) -> Command {
    let log = fs::File::create(folder.join("node.log")).unwrap();
    let mut node = Command::new("setpriv");
    environment(&mut node, folder, name, distribution, names);
    // Each executes the next in its place, so the signal of a dead parent reaches the virtual machine itself.
    node.args(["--pdeathsig=KILL", SERVER])
        .env("RABBITMQ_ALLOW_INPUT", "1")
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-noinput -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
        )
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    node
}

fn environment(command: &mut Command, folder: &Path, name: &str, distribution: u16, names: u16) {
    for (key, value) in [
        ("HOME", folder.join("home")),
        ("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf")),
        ("RABBITMQ_MNESIA_BASE", folder.join("mnesia")),
        ("RABBITMQ_LOG_BASE", folder.join("log")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins")),
        ("RABBITMQ_CONF_ENV_FILE", PathBuf::from("/dev/null")),
        ("RABBITMQ_NODENAME", PathBuf::from(name)),
        ("RABBITMQ_DIST_PORT", PathBuf::from(distribution.to_string())),
        ("ERL_EPMD_PORT", PathBuf::from(names.to_string())),
        ("ERL_EPMD_ADDRESS", PathBuf::from("127.0.0.1")),
    ] {
        command.env(key, value);
    }
}

fn free_ports<const N: usize>() -> [u16; N] {
    // All held at once, so that none is given twice.
    let held = [(); N].map(|()| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// The signal of a dead parent comes when the *thread* that spawned ends, so one that never does spawns them all.
fn spawn(command: Command) -> Child {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static ORDERS: OnceLock<Mutex<mpsc::Sender<Order>>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        let (orders, next) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in next {
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(orders)
    });
    let (answer, child) = mpsc::channel();
    orders.lock().unwrap().send((command, answer)).unwrap();
    child.recv().unwrap().expect("setpriv, epmd and rabbitmq-server are installed")
}

/// A shell waits for the end of this process, which holds its input, and then removes the folder.
fn remove_afterwards(folder: &Path) {
    let script = r#"trap '' INT TERM HUP; cat; sleep 1; rm -rf -- "$1""#;
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script, "sh"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // Its input is open for as long as this process lives.
    std::mem::forget(shell.spawn().expect("a shell"));
}
