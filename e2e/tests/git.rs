//! Scripts that are cloned: at a revision, over https with a password, over ssh with a key.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts real programs"
)]

use std::{path::Path, process::Command, time::Duration};

use canarytrace_e2e::{GitServer, Said, Site, canarytrace, eventually, leftovers, run, scripts};
use serde_json::Value;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=t", "-c", "user.email=t@t"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn repository() -> (tempfile::TempDir, String) {
    let folder = scripts();
    std::fs::write(
        folder.path().join("shop.js"),
        "describe('v1', () => { it('one', async () => { await browser.url('/'); }); });",
    )
    .unwrap();
    git(folder.path(), &["init", "-q", "-b", "main"]);
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "-qm", "one"]);
    let first = git(folder.path(), &["rev-parse", "HEAD"]);
    std::fs::write(
        folder.path().join("shop.js"),
        "describe('v2', () => { it('two', async () => { await browser.url('/'); }); });",
    )
    .unwrap();
    git(folder.path(), &["commit", "-qam", "two"]);
    (folder, first)
}

fn title(record: &Value) -> &str {
    record["steps"][0]["fullTitle"].as_str().unwrap_or_default()
}

#[test]
fn scripts_are_cloned_at_a_revision() {
    let (site, out) = (Site::start(), tempfile::tempdir().unwrap());
    let (repository, first) = repository();
    let base = site.page("/");
    let url = repository.path().to_str().unwrap();
    let clone = |revision: &[&str]| {
        let mut arguments = vec!["--script", "shop.js", "--base-url", &base, "--git", url];
        arguments.extend(revision);
        run(out.path(), &arguments)
    };
    assert_eq!(title(&clone(&[]).record()), "v2 two");
    assert_eq!(title(&clone(&["--revision", &first]).record()), "v1 one");
    assert_eq!(
        title(&clone(&["--revision", first.get(..8).unwrap()]).record()),
        "v1 one"
    );
    let wrong = clone(&["--revision", "no-such-branch"]);
    assert_eq!(
        (wrong.code, wrong.record()["verdict"]["cause"].as_str()),
        (Some(2), Some("configuration"))
    );
    assert!(
        wrong.record()["verdict"]["detail"]
            .as_str()
            .unwrap()
            .contains("no-such-branch")
    );
    let away = run(
        out.path(),
        &["--script", "shop.js", "--git", "http://127.0.0.1:1/x.git"],
    );
    assert_eq!(
        (away.code, away.record()["verdict"]["cause"].as_str()),
        (Some(3), Some("network")),
        "{away:?}"
    );
    assert_eq!(leftovers(), Vec::<String>::new());
}

#[test]
fn scripts_are_cloned_over_https_with_a_password() {
    let (site, out) = (Site::start(), tempfile::tempdir().unwrap());
    let (repository, first) = repository();
    let served = tempfile::tempdir().unwrap();
    let bare = served.path().join("shop.git").display().to_string();
    let source = repository.path().display().to_string();
    git(served.path(), &["clone", "-q", "--bare", &source, &bare]);
    let password = "sesame/öffne+dich";
    let server = GitServer::start(served.path(), password);
    let clone = |password: &str, trusted: bool, name: &str, revision: &str| -> Said {
        let mut address = url::Url::parse(&format!("https://{}/{name}", server.address)).unwrap();
        address.set_username("robot").unwrap();
        address.set_password(Some(password)).unwrap();
        let mut command = canarytrace(&["run", "--json", "--script", "shop.js"]);
        command.args(["--out", out.path().to_str().unwrap(), "--base-url"]);
        command.args([&site.page("/"), "--git", address.as_str()]);
        command.args(["--revision", revision]);
        if trusted {
            command.env("GIT_SSL_CAINFO", &server.certificate);
        }
        command.output().unwrap().into()
    };
    let said = clone(password, true, "shop.git", &first);
    assert_eq!(
        (said.code, title(&said.record())),
        (Some(0), "v1 one"),
        "{said:?}"
    );
    let faults = [
        (clone("wrong", true, "shop.git", "main"), "refuses us"),
        (clone(password, true, "other.git", "main"), "refuses us"),
        (
            clone(password, true, "shop.git", "nowhere"),
            "no revision `nowhere`",
        ),
        (clone(password, false, "shop.git", "main"), "certificate"),
    ];
    for (said, part) in faults {
        let verdict = &said.record()["verdict"];
        assert_eq!(
            (said.code, verdict["cause"].as_str()),
            (Some(2), Some("configuration")),
            "{said:?}"
        );
        assert!(
            verdict["detail"].as_str().unwrap().contains(part),
            "{verdict}"
        );
        let all = format!("{said:?}");
        assert!(!all.contains("sesame") && !all.contains("wrong@"), "{all}");
    }
    for entry in std::fs::read_dir(out.path()).unwrap().flatten() {
        for file in ["documents.ndjson", "log.ndjson", "run.json"] {
            let text = std::fs::read_to_string(entry.path().join(file)).unwrap();
            assert!(!text.contains("sesame"), "{file}: {text}");
        }
    }
    assert_eq!(leftovers(), Vec::<String>::new());
}

/// A real sshd with its own configuration; ended by pid.
struct Sshd {
    child: std::process::Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Sshd {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host", "user"] {
            assert!(
                Command::new("ssh-keygen")
                    .args(["-q", "-t", "ed25519", "-N", "", "-f", &at(key)])
                    .status()
                    .unwrap()
                    .success()
            );
        }
        std::fs::copy(at("user.pub"), at("authorized_keys")).unwrap();
        std::fs::create_dir_all("/run/sshd").unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nUsePAM no\nStrictModes no\nPidFile none\nPermitRootLogin yes\n",
            at("host"),
            at("authorized_keys")
        );
        std::fs::write(at("config"), config).unwrap();
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-f", &at("config"), "-E", &at("log")])
            .spawn()
            .unwrap();
        eventually("sshd", Duration::from_secs(10), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self {
            child,
            folder,
            port,
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn scripts_are_cloned_over_ssh_with_a_key() {
    let (site, out, sshd) = (Site::start(), tempfile::tempdir().unwrap(), Sshd::start());
    let (repository, _) = repository();
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let config = tempfile::tempdir().unwrap();
    let write = |key: &str| {
        let text = format!(
            "version: 1\nmonitors:\n  - id: shop\n    script: shop.js\n    base_url: {}\n    git: {{ url: \"ssh://{}@127.0.0.1:{}{}\", ssh_key: {{ file: \"{key}\" }} }}\n",
            site.page("/"),
            user.trim(),
            sshd.port,
            repository.path().display()
        );
        let path = config.path().join("canarytrace.yaml");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let key = sshd.folder.path().join("user").display().to_string();
    let said = run(out.path(), &["--config", &write(&key), "--monitor", "shop"]);
    assert_eq!(
        (said.code, title(&said.record())),
        (Some(0), "v2 two"),
        "{said:?}"
    );
    let said = run(
        out.path(),
        &["--config", &write("/no/such/key"), "--monitor", "shop"],
    );
    assert_eq!(
        (said.code, said.record()["verdict"]["cause"].as_str()),
        (Some(2), Some("configuration")),
        "{said:?}"
    );
    let stranger = sshd.folder.path().join("host").display().to_string();
    let said = run(
        out.path(),
        &["--config", &write(&stranger), "--monitor", "shop"],
    );
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.record()["verdict"]["detail"]
            .as_str()
            .unwrap()
            .contains("refuses us"),
        "{said:?}"
    );
}
