//! Helpers that drive the built binary: run it, serve it, kill it, and a small site for it to watch.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking, and starts real programs"
)]

pub mod alerts;
pub mod dashboards;
pub mod faults;
pub mod generated_searches;
mod git_server;
pub mod judge;
pub mod judged;
pub mod kills;
pub mod opensearch;
pub mod s3;
pub mod scenarios;
pub mod store_kills;
pub mod telemetry_searches;
pub mod tls;
pub mod web;

pub use git_server::GitServer;

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;

/// The binary beside this program, or beside the tests' own folder.
pub fn binary() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let found = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("canarytrace"))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "no canarytrace beside {}: cargo build --package canarytrace",
            own.display()
        )
    })
}

/// `canarytrace` with an environment that names nothing but the basics.
pub fn canarytrace(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env_clear().stdin(Stdio::null());
    for name in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("CANARYTRACE_BROWSER_FLAGS", "--disable-gpu --disable-quic");
    command
}

/// What a finished command said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Said {
    /// `run.json`, the last line of a run with `--json`.
    pub fn record(&self) -> Value {
        serde_json::from_str(self.stdout.lines().last().unwrap_or_default())
            .unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs a command to its end.
pub fn say(arguments: &[&str]) -> Said {
    canarytrace(arguments).output().unwrap().into()
}

/// The user's cache folder, for what is fetched once.
pub fn cache() -> PathBuf {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    let cache = named.or_else(usual);
    cache
        .expect("HOME names where fetched things are kept")
        .join("canarytrace")
}

/// A Python with a package of PyPI, made once.
pub fn python(package: &str) -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    let _one = MAKING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = cache().join(package.replace("==", "-"));
    let (python, stamp) = (folder.join("bin/python"), folder.join("installed"));
    if !stamp.exists() {
        let perform = |command: &mut Command| {
            let said = command.output().unwrap_or_else(|error| {
                panic!("{command:?}: {error}; Python 3 with its venv is needed")
            });
            assert!(
                said.status.success(),
                "{command:?}\n{}",
                String::from_utf8_lossy(&said.stderr)
            );
        };
        perform(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        perform(Command::new(&python).args(["-m", "pip", "install", "--quiet", package]));
        std::fs::write(stamp, "").unwrap();
    }
    python
}

/// A run of one page with `--json` into `out`, with these variables.
pub fn check(out: &Path, url: &str, variables: &[(&str, &str)]) -> Said {
    let mut command = canarytrace(&["run", "--json", "--out", out.to_str().unwrap(), url]);
    command.envs(variables.iter().copied());
    command.output().unwrap().into()
}

/// A run of the site with `--json` into `out`.
pub fn run(out: &Path, arguments: &[&str]) -> Said {
    let mut all = vec!["run", "--json", "--out", out.to_str().unwrap()];
    all.extend(arguments);
    say(&all)
}

const JOURNEY: &str = "
const { word } = require('./lib/words');
describe('Shop', () => {
  before(async () => { await browser.url('/'); });
  it('greets', async () => {
    await expect(browser).toHaveTitle('Shop');
    await $('#q').setValue(word + process.env.SUFFIX);
    $('#go').click();
    await expect($('h1')).toHaveText('hello!');
    console.log('password is', browser.config.password);
  });
  it('fails', async () => { await expect($('h1')).toHaveText('bye', { wait: 100 }); });
  it('is wrong', async () => { undefinedFunction(); });
  after(async () => { console.log('after ran'); });
});";

/// A folder with a journey of the shop and what it imports.
pub fn scripts() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lib")).unwrap();
    std::fs::write(
        folder.path().join("lib/words.js"),
        "exports.word = 'hello';",
    )
    .unwrap();
    std::fs::write(folder.path().join("shop.js"), JOURNEY).unwrap();
    folder
}

/// A site on a free port; paths say what they answer.
pub struct Site {
    pub url: String,
}

const SHOP: &str = "<!doctype html><title>Shop</title><h1>Welcome</h1><input id=q><button id=go onclick=\"document.querySelector('h1').textContent=document.querySelector('#q').value\">Go</button><script>performance.mark('HE-start-head')</script>";

/// Takes memory until it is stopped, beginning after the milliseconds of its query.
const GREEDY: &str = "<!doctype html><title>Greedy</title><script>\
    const kept = []; const take = () => { kept.push(new Uint8Array(64 << 20).fill(1)); setTimeout(take, 5); };\
    setTimeout(take, Number(location.search.slice(1)));</script><img src=/hang>";

impl Site {
    /// The serving thread ends with the test process.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || answer(stream));
            }
        });
        Self { url }
    }

    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

fn answer(mut stream: TcpStream) {
    let mut request = [0; 8192];
    let length = stream.read(&mut request).unwrap_or(0);
    let text = String::from_utf8_lossy(&request[..length]).into_owned();
    let path = text.split_whitespace().nth(1).unwrap_or("/").to_owned();
    let (status, body) = match path.as_str() {
        "/" => ("200 OK", SHOP),
        "/error" => ("500 Internal Server Error", "<title>Error</title>"),
        "/untitled" => ("200 OK", "<p>no title"),
        "/talkative" => (
            "200 OK",
            "<title>Talk</title><script>for (let i = 0; i < 2000; i++) console.log(i, ' '.repeat(200))</script>",
        ),
        path if path.starts_with("/greedy") => ("200 OK", GREEDY),
        "/hang" => {
            // Answers nothing until the browser goes away.
            stream.read_exact(&mut [0; 1]).ok();
            return;
        }
        _ => ("404 Not Found", "<title>Missing</title>"),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body.as_bytes()))
        .ok();
}

/// A running `serve`; killed when dropped.
pub struct Server {
    child: Child,
    pub url: String,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::start_with(data, arguments, &[])
    }

    /// With these variables.
    pub fn start_with(data: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let data = data.to_str().unwrap();
        let mut all = vec!["serve", "--data", data];
        if !arguments.contains(&"--listen") {
            all.extend(["--listen", "127.0.0.1:0"]);
        }
        all.extend(arguments);
        let mut child = canarytrace(&all)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stderr, said) = (child.stderr.take().unwrap(), Arc::clone(&lines));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                said.lock().unwrap().push(line);
            }
        });
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some(url) = line.trim().strip_prefix("ready: ") else {
            panic!(
                "serve did not become ready: {line} {:?}",
                lines.lock().unwrap()
            )
        };
        Self {
            url: url.trim_end_matches('/').to_owned(),
            child,
            lines,
        }
    }

    /// Documents of a run in the store.
    pub fn count(&self, uuid: &Value) -> usize {
        let uuid = uuid.as_str().unwrap();
        assert_eq!(
            request("POST", &format!("{}/_refresh", self.url), &[], "").0,
            200
        );
        let path = format!("{}/c.*/_count?q=uuid:{uuid}", self.url);
        let (status, answer) = request("GET", &path, &[], "");
        assert_eq!(status, 200, "{answer}");
        usize::try_from(answer["count"].as_u64().unwrap()).unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// SIGTERM, and the exit code.
    pub fn stop(mut self) -> Option<i32> {
        signal(self.child.id(), "TERM");
        self.child.wait().unwrap().code()
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// One request with whatever headers; answers status and JSON.
pub fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client
            .request(method.parse().unwrap(), url)
            .body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap_or_else(|error| {
            let asked: String = body.chars().take(2000).collect();
            panic!("{method} {url}: {error:?}\n{asked}")
        });
        let status = response.status().as_u16();
        (
            status,
            serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null),
        )
    })
}

/// Sends a signal by name.
pub fn signal(pid: u32, name: &str) {
    Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status()
        .unwrap();
}

/// Waits until `check` answers something, at most `limit`.
pub fn eventually<T>(what: &str, limit: Duration, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = check() {
            return value;
        }
        assert!(
            Instant::now() < deadline,
            "{what} did not happen within {limit:?}"
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Living processes whose command line contains `text`.
pub fn processes(text: &str) -> BTreeSet<u32> {
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        *pid != std::process::id()
            && String::from_utf8_lossy(&line)
                .replace('\0', " ")
                .contains(text)
    })
    .collect()
}

/// Browsers, drivers and runners that are alive, and folders of browsers.
pub fn leftovers() -> Vec<String> {
    let mut found: Vec<String> = ["chromedriver --port", "canarytrace runner", "scoped_dir"]
        .iter()
        .flat_map(|text| processes(text))
        .map(|pid| format!("process {pid}"))
        .collect();
    for folder in ["/dev/shm", "/tmp"] {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        found.extend(
            entries
                .filter_map(|entry| entry.file_name().into_string().ok())
                .filter(|name| name.starts_with("canarytrace-") && name.len() > 40),
        );
    }
    found
}

/// The only run directory below `out`.
pub fn only_run(out: &Path) -> PathBuf {
    let folders: Vec<PathBuf> = std::fs::read_dir(out)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    folders[0].clone()
}

/// `run.json` of a run directory.
pub fn record(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("run.json")).unwrap()).unwrap()
}

/// The documents of a run directory whose index contains `part`.
pub fn documents(folder: &Path, part: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("documents.ndjson")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let pairs = lines.chunks_exact(2).filter(|pair| {
        serde_json::from_str::<Value>(pair[0]).unwrap()["create"]["_index"]
            .as_str()
            .unwrap()
            .contains(part)
    });
    pairs
        .map(|pair| serde_json::from_str(pair[1]).unwrap())
        .collect()
}
