//! Chromium, by WebDriver (<https://www.w3.org/TR/webdriver2/>): the few commands that the tests need.

use crate::wait::until;
use reqwest::Client;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// A browser with a profile of its own. It goes when it is dropped.
pub struct Browser {
    driver: Child,
    session: String,
    client: Client,
    _profile: TempDir,
}

/// The name under which WebDriver answers an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

impl Browser {
    pub async fn start() -> Self {
        Self::sized(1360, 900).await
    }

    pub async fn sized(width: u32, height: u32) -> Self {
        Self::with(width, height, json!({})).await
    }

    /// That runs no page's scripts.
    pub async fn without_scripts() -> Self {
        let off = json!({ "profile.managed_default_content_settings.javascript": 2 });
        Self::with(1360, 900, off).await
    }

    async fn with(width: u32, height: u32, preferences: Value) -> Self {
        let profile = tempfile::Builder::new().prefix("lazaret-browser-").tempdir().unwrap();
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("HOME", profile.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = command.spawn().expect("chromedriver; scripts/setup.sh installs chromium-driver");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next().expect("chromedriver says its port").unwrap();
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // It must not block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let mut arguments: Vec<String> = FLAGS.iter().map(|&flag| flag.to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", profile.path().join("profile").display()));
        arguments.push(format!("--window-size={width},{height}"));
        let wanted = json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome",
            // A busy machine takes its time over axe.
            "timeouts": { "script": 120_000 },
            "goog:chromeOptions": { "binary": "/usr/bin/chromium", "args": arguments, "prefs": preferences } } } });
        let client = Client::new();
        let answer =
            client.post(format!("http://127.0.0.1:{port}/session")).json(&wanted).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        let session = format!("http://127.0.0.1:{port}/session/{id}");
        Self { driver, session, client, _profile: profile }
    }

    async fn post(&self, command: &str, body: Value) -> Result<Value, String> {
        let answer =
            self.client.post(format!("{}/{command}", self.session)).json(&body).send().await.unwrap();
        Self::understood(answer).await
    }

    async fn ask(&self, command: &str) -> Result<Value, String> {
        let answer = self.client.get(format!("{}/{command}", self.session)).send().await.unwrap();
        Self::understood(answer).await
    }

    async fn get(&self, command: &str) -> Value {
        self.ask(command).await.unwrap()
    }

    async fn understood(answer: reqwest::Response) -> Result<Value, String> {
        let good = answer.status().is_success();
        let mut body: Value = answer.json().await.unwrap();
        if good { Ok(body["value"].take()) } else { Err(body["value"]["message"].to_string()) }
    }

    pub async fn go(&self, url: &str) {
        self.post("url", json!({ "url": url })).await.unwrap();
    }

    /// Path and query of where it is.
    pub async fn place(&self) -> String {
        let url = self.get("url").await;
        let url = url.as_str().unwrap();
        url.splitn(4, '/').nth(3).map_or_else(String::new, |path| format!("/{path}"))
    }

    /// What a function of the page answers.
    pub async fn eval(&self, script: &str) -> Value {
        self.post("execute/sync", json!({ "script": script, "args": [] })).await.unwrap()
    }

    /// As [`Self::eval`]; the script calls its last argument.
    pub async fn eval_async(&self, script: &str) -> Value {
        self.post("execute/async", json!({ "script": script, "args": [] })).await.unwrap()
    }

    async fn find(&self, css: &str) -> Result<String, String> {
        let found = self.post("element", json!({ "using": "css selector", "value": css })).await?;
        Ok(found[ELEMENT].as_str().unwrap().to_owned())
    }

    /// Finds it anew for each try: the page may go while one looks at it. What was there instead is said.
    async fn on<T>(&self, css: &str, act: impl AsyncFn(String) -> Result<T, String>) -> T {
        let attempt = async || act(self.find(css).await?).await;
        until(css, async || match attempt().await {
            Ok(answer) => Ok(answer),
            Err(why) => {
                let instead = "return location.pathname + ' ' + (document.body?.innerText ?? '')";
                let instead = self.post("execute/sync", json!({ "script": instead, "args": [] })).await;
                Err((why, instead))
            }
        })
        .await
    }

    /// Waits until the page is drawn: before its first frame a browser may drop what is typed.
    async fn drawn(&self) {
        let script = "const done = arguments[arguments.length - 1]; const frame = requestAnimationFrame; \
                      const two = () => frame(() => frame(() => done(true))); \
                      if (document.readyState === 'complete') two(); else addEventListener('load', two);";
        let body = json!({ "script": script, "args": [] });
        until("a drawn page", async || self.post("execute/async", body.clone()).await).await;
    }

    /// Waits until there is one.
    pub async fn element(&self, css: &str) -> String {
        self.on(css, async |id| Ok(id)).await
    }

    pub async fn has(&self, css: &str) -> bool {
        self.find(css).await.is_ok()
    }

    pub async fn click(&self, css: &str) {
        self.on(css, async |id| self.post(&format!("element/{id}/click"), json!({})).await).await;
    }

    pub async fn write(&self, css: &str, text: &str) {
        self.on(css, async |id| self.post(&format!("element/{id}/value"), json!({ "text": text })).await)
            .await;
    }

    pub async fn text(&self, css: &str) -> String {
        let text = self.on(css, async |id| self.ask(&format!("element/{id}/text")).await).await;
        text.as_str().unwrap().to_owned()
    }

    /// Waits until the page shows this.
    pub async fn shows(&self, words: &str) {
        until(words, async || {
            let text = self.eval("return document.body ? document.body.innerText : ''").await;
            let text = text.as_str().unwrap_or_default().to_owned();
            if text.contains(words) { Ok(()) } else { Err(text) }
        })
        .await;
    }

    /// Presses and lets go of a key, wherever the focus is. `\u{E007}` is Enter.
    pub async fn press(&self, key: &str) {
        self.keys(json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }])).await;
    }

    pub async fn hold(&self, key: &str) {
        self.keys(json!([{ "type": "keyDown", "value": key }])).await;
    }

    pub async fn let_go(&self, key: &str) {
        self.keys(json!([{ "type": "keyUp", "value": key }])).await;
    }

    /// Moves the mouse onto an element and presses its button there, until [`Self::release`].
    pub async fn grab(&self, css: &str) {
        self.drawn().await;
        self.on(css, async |id| {
            let at = json!({ ELEMENT: id });
            let seen = "arguments[0].scrollIntoView({ block: 'center' })";
            self.post("execute/sync", json!({ "script": seen, "args": [at] })).await?;
            self.mouse(json!([{ "type": "pointerMove", "duration": 0, "origin": at, "x": 0, "y": 0 },
                { "type": "pointerDown", "button": 0 }]))
                .await
        })
        .await;
    }

    pub async fn release(&self) {
        self.mouse(json!([{ "type": "pointerUp", "button": 0 }])).await.unwrap();
    }

    async fn mouse(&self, actions: Value) -> Result<Value, String> {
        let mouse = json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" },
            "actions": actions });
        self.post("actions", json!({ "actions": [mouse] })).await
    }

    async fn keys(&self, actions: Value) {
        self.drawn().await;
        let body = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.post("actions", body).await.unwrap();
    }

    /// As somebody sees it who likes it dark.
    pub async fn darken(&self) {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
        let body = json!({ "cmd": "Emulation.setEmulatedMedia", "params": media });
        self.post("goog/cdp/execute", body).await.unwrap();
    }

    /// As on a telephone, so many pixels wide: no window is as narrow as that.
    pub async fn shrink(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let body = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics });
        self.post("goog/cdp/execute", body).await.unwrap();
    }

    pub async fn forget_cookies(&self) {
        self.client.delete(format!("{}/cookie", self.session)).send().await.unwrap();
    }

    pub async fn cookie(&self, name: &str) -> Value {
        self.get(&format!("cookie/{name}")).await
    }

    /// A PNG of the page, where `LAZARET_SCREENSHOTS` names a folder.
    pub async fn shoot(&self, name: &str) {
        let Some(folder) = std::env::var_os("LAZARET_SCREENSHOTS") else { return };
        use base64::Engine;
        let picture = self.get("screenshot").await;
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    /// What axe finds wrong with the page, in all of its rules for WCAG up to 2.2 AA.
    pub async fn axe(&self) -> Vec<String> {
        let axe =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".setup/node/node_modules/axe-core/axe.min.js");
        let source = std::fs::read_to_string(axe).expect("axe-core; run scripts/setup.sh");
        self.eval(&format!("{source}; window.axe = axe;")).await;
        let found = self
            .eval_async(
                "const done = arguments[arguments.length - 1]; \
                 axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }) \
                 .then(r => done(r.violations.map(v => v.id + ': ' + v.help + ' at ' + v.nodes.map(n => n.target.join(' ')).join(', '))), \
                 e => done(['axe failed: ' + e]))",
            )
            .await;
        found.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    }
}

impl Browser {
    /// By hand: a destructor has nobody to wait for it.
    fn quit(&self) -> std::io::Result<()> {
        let (host, path) =
            self.session.trim_start_matches("http://").split_once('/').expect("an address and a path");
        let mut socket = TcpStream::connect(host)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        write!(socket, "DELETE /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        BufReader::new(socket).read_line(&mut answer)?;
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The session ends the browser; chromedriver alone would leave it behind.
        if let Err(error) = self.quit() {
            eprintln!("a browser may be left: {error}");
        }
        let pid = rustix::process::Pid::from_raw(self.driver.id().try_into().unwrap_or(0));
        if let Some(pid) = pid {
            let _gone_already = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _buried_already = self.driver.wait();
    }
}
