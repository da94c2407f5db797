//! A real OpenSearch on a free port: fetched from Maven Central into the user's cache folder, ended when dropped.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{eventually, signal};

const VERSION: &str = "3.8.0";
/// Of the plugin that copies an artefact.
const DEPENDENCY_PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";
const JAVA: u32 = 21;
const READY: Duration = Duration::from_secs(120);

pub struct OpenSearch {
    child: Child,
    pub url: String,
    heap_mb: u32,
    address: String,
    home: tempfile::TempDir,
}

impl OpenSearch {
    /// Panics with what is missing.
    pub fn start() -> Self {
        Self::start_with(512)
    }

    /// With so much heap, MiB. Panics with what is missing.
    pub fn start_with(heap_mb: u32) -> Self {
        let distribution = fetched();
        let home = tempfile::tempdir().unwrap();
        let (http, transport) = (free_port(), free_port());
        let config = home.path().join("config");
        copy(&distribution.join("config"), &config);
        let place = |name: &str| home.path().join(name).display().to_string();
        let text = format!(
            "cluster.name: judge\nnode.name: judge\ndiscovery.type: single-node\nnetwork.host: 127.0.0.1\nhttp.port: {http}\ntransport.port: {transport}\npath.data: {}\npath.logs: {}\ncluster.routing.allocation.disk.threshold_enabled: false\nnode.processors: 2\n",
            place("data"),
            place("logs")
        );
        fs::write(config.join("opensearch.yml"), text).unwrap();
        // The distribution is not its own to write a log of collections into.
        let options = fs::read_to_string(config.join("jvm.options")).unwrap();
        let options: Vec<&str> = options
            .lines()
            .filter(|line| !line.contains("gc.log"))
            .collect();
        fs::write(config.join("jvm.options"), options.join("\n")).unwrap();
        let server = Self {
            child: spawn(home.path(), heap_mb),
            url: format!("http://127.0.0.1:{http}"),
            address: format!("127.0.0.1:{http}"),
            heap_mb,
            home,
        };
        server.wait();
        server
    }

    /// Kills it without a chance to write anything, and starts it again.
    pub fn kill_and_start(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(self.home.path(), self.heap_mb);
        self.wait();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn wait(&self) {
        let health = "_cluster/health?wait_for_status=yellow&timeout=30s";
        let health = format!("{}/{health}", self.url);
        eventually("OpenSearch", READY, || {
            let open = std::net::TcpStream::connect(&self.address).is_ok();
            (open && crate::request("GET", &health, &[], "").0 == 200).then_some(())
        });
    }
}

impl Drop for OpenSearch {
    fn drop(&mut self) {
        signal(self.child.id(), "TERM");
        self.child.wait().ok();
    }
}

fn spawn(home: &Path, heap_mb: u32) -> Child {
    as_nobody(&fetched().join("bin/opensearch"), home)
        .env("OPENSEARCH_JAVA_HOME", java())
        .env("OPENSEARCH_PATH_CONF", home.join("config"))
        .env("OPENSEARCH_TMPDIR", home)
        .env(
            "OPENSEARCH_JAVA_OPTS",
            format!("-Xms{heap_mb}m -Xmx{heap_mb}m -XX:-AlwaysPreTouch"),
        )
        .env("HOME", home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// It refuses to run as root.
fn as_nobody(program: &Path, home: &Path) -> Command {
    let owner = Command::new("chown")
        .args(["-R", "nobody:"])
        .arg(home)
        .status();
    if !owner.is_ok_and(|status| status.success()) {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"])
        .arg(program);
    command
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A Java that is new enough.
fn java() -> PathBuf {
    let named = std::env::var_os("JAVA_HOME").map(PathBuf::from);
    let installed = fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten();
    let candidates = named.into_iter().chain(installed.map(|entry| entry.path()));
    let is_new = |home: &PathBuf| {
        let release = fs::read_to_string(home.join("release")).unwrap_or_default();
        let version = release
            .lines()
            .find_map(|line| line.strip_prefix("JAVA_VERSION=\""));
        let major = version.and_then(|version| version.split(['.', '"']).next()?.parse().ok());
        major.is_some_and(|major: u32| major >= JAVA)
    };
    let found = candidates.filter(is_new).last();
    found.unwrap_or_else(|| {
        panic!("OpenSearch {VERSION} needs a JDK {JAVA} or newer: set JAVA_HOME")
    })
}

/// The unpacked distribution.
fn fetched() -> PathBuf {
    // Readable by whom it runs as: root's own folder is not.
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let cache = if is_root {
        std::env::temp_dir().join("canarytrace-cache")
    } else {
        crate::cache()
    };
    let distribution = cache.join(format!("opensearch-{VERSION}"));
    if distribution.join("bin/opensearch").exists() {
        return distribution;
    }
    fs::create_dir_all(&cache).unwrap();
    let artefact = format!("org.opensearch.distribution.integ-test-zip:opensearch:{VERSION}:zip");
    run(Command::new("mvn").args(["-B", "-q"]).args([
        format!("{DEPENDENCY_PLUGIN}:copy"),
        format!("-Dartifact={artefact}"),
        format!("-DoutputDirectory={}", cache.display()),
        "-Dmdep.useBaseVersion=true".to_owned(),
    ]));
    let archive = cache.join(format!("opensearch-{VERSION}.zip"));
    run(Command::new("unzip")
        .arg("-q")
        .arg(&archive)
        .arg("-d")
        .arg(&cache));
    fs::remove_file(archive).ok();
    // Slow to start, and of no use here: tables of places, another protocol.
    for module in ["ingest-geoip", "transport-grpc"] {
        fs::remove_dir_all(distribution.join("modules").join(module)).ok();
    }
    distribution
}

fn run(command: &mut Command) {
    let status = command
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; OpenSearch needs mvn and unzip"));
    assert!(status.success(), "{command:?}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
