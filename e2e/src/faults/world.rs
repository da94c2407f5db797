//! The servers that faults are made of.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::{
    Said, canarytrace, eventually, only_run, record,
    tls::Authority,
    web::{Asked, Reply, Web},
};

/// A shop, a third party, a control server, and an address where nobody answers.
pub struct World {
    pub shop: Web,
    pub third: Web,
    pub control: Web,
    blackhole: Blackhole,
    /// Bound and not listening: connections are refused, and nobody else gets the port.
    nobody: Socket,
    home: tempfile::TempDir,
    pub authority: Authority,
}

impl Default for World {
    fn default() -> Self {
        let third = Web::start(third_party);
        let elsewhere = third.url.clone();
        Self {
            shop: Web::start(move |asked| super::pages::shop(asked, &elsewhere)),
            third,
            control: Web::start(|_| Reply::page("control")),
            blackhole: Blackhole::open(),
            nobody: bound(),
            home: tempfile::tempdir().unwrap(),
            authority: Authority::trusted(),
        }
    }
}

fn third_party(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/hang.js" => Reply::Hang,
        "/reset.js" => Reply::Reset,
        "/throws.js" => Reply::typed("text/javascript", "throw new Error('analytics broke');"),
        "/api" => Reply::status(503, "{}").with("access-control-allow-origin", "*"),
        "/good.js" => Reply::typed("text/javascript", "window.widget = () => 'widget';"),
        _ => Reply::status(404, ""),
    }
}

fn bound() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    socket
}

/// A listener whose queue is full: nobody accepts, and further connections are not even refused.
struct Blackhole {
    address: SocketAddr,
    _sockets: Vec<Socket>,
}

impl Blackhole {
    fn open() -> Self {
        let listener = bound();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut sockets = vec![listener];
        for _ in 0..8 {
            let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            client.set_nonblocking(true).unwrap();
            client.connect(&address.into()).ok();
            sockets.push(client);
        }
        Self {
            address,
            _sockets: sockets,
        }
    }
}

impl World {
    pub fn blackhole(&self) -> String {
        format!("http://{}/", self.blackhole.address)
    }

    /// Where nothing listens.
    pub fn nobody(&self) -> String {
        let address = self.nobody.local_addr().unwrap().as_socket().unwrap();
        format!("http://{address}/")
    }

    /// A folder for one run.
    pub fn folder(&self) -> PathBuf {
        tempfile::tempdir_in(self.home.path()).unwrap().keep()
    }

    /// `canarytrace run` with short limits and the control URL.
    pub fn command(&self, out: &Path, arguments: &[&str]) -> Command {
        let mut command = canarytrace(&["run", "--json", "--out", out.to_str().unwrap()]);
        command.args(arguments);
        self.limits(&mut command);
        command
    }

    pub fn limits(&self, command: &mut Command) {
        command
            .env("CANARYTRACE_CONTROL_URL", &self.control.url)
            .env("CANARYTRACE_OPEN_LIMIT", "2000")
            .env("CANARYTRACE_COMMAND_LIMIT", "3000")
            .env("CANARYTRACE_STEP_TIMEOUT", "4000")
            .env("WAIT_FOR_TIMEOUT", "1000")
            // Timings are of no interest here.
            .env("CANARYTRACE_SETTLE", "0")
            .env("PERFORMANCE_ENTRIES_INTERCEPT", "no");
    }

    /// One URL in smoke mode.
    pub fn smoke(&self, url: &str) -> Value {
        self.smoke_with(url, &[])
    }

    pub fn smoke_with(&self, url: &str, variables: &[(&str, &str)]) -> Value {
        let mut command = self.command(&self.folder(), &[url]);
        command.envs(variables.iter().copied());
        Said::from(command.output().unwrap()).record()
    }

    /// One URL of a canarytrace.yaml; `check` is what stands under `urls`, `more` what stands beside.
    pub fn monitor(&self, check: &str, more: &str) -> Value {
        let folder = self.folder();
        let config = folder.join("canarytrace.yaml");
        let text = format!("version: 1\nmonitors:\n  - id: fault\n    urls: [{check}]\n{more}");
        std::fs::write(&config, text).unwrap();
        let arguments = ["--config", config.to_str().unwrap(), "--monitor", "fault"];
        Said::from(self.command(&folder, &arguments).output().unwrap()).record()
    }

    /// A server behind TLS, in a browser that trusts its authority and with this control URL.
    pub fn vouched(&self, url: &str, control: Option<&str>) -> Value {
        let folder = self.folder();
        let config = folder.join("canarytrace.yaml");
        let text = format!("version: 1\nmonitors:\n  - id: fault\n    urls: [\"{url}\"]\n");
        std::fs::write(&config, text).unwrap();
        let arguments = ["--config", config.to_str().unwrap(), "--monitor", "fault"];
        let mut command = self.command(&folder, &arguments);
        command.env("HOME", self.authority.home());
        match control {
            Some(control) => command.env("CANARYTRACE_CONTROL_URL", control),
            None => command.env_remove("CANARYTRACE_CONTROL_URL"),
        };
        Said::from(command.output().unwrap()).record()
    }

    /// A script against the shop.
    pub fn journey(&self, script: &str) -> Value {
        self.journey_with(script, &[])
    }

    pub fn journey_with(&self, script: &str, arguments: &[&str]) -> Value {
        let folder = self.folder();
        let path = folder.join("fault.js");
        let text =
            format!("describe('shop', () => {{ it('works', async () => {{ {script} }}); }});");
        std::fs::write(&path, text).unwrap();
        let mut all = vec![
            "--script",
            path.to_str().unwrap(),
            "--base-url",
            &self.shop.url,
        ];
        all.extend(arguments);
        Said::from(self.command(&folder, &all).output().unwrap()).record()
    }

    /// A run of a page that takes its time and would pass, handed over when the page is being loaded.
    pub fn during(&self, arguments: &[&str], act: impl FnOnce(&Child)) -> Value {
        let out = self.folder();
        let page = self.shop.page("/lingers");
        let before = self.shop.count("/slow-image");
        let mut all = vec![page.as_str()];
        all.extend(arguments);
        let mut child = self
            .command(&out, &all)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        eventually("the page's image", Duration::from_secs(30), || {
            (self.shop.count("/slow-image") > before).then_some(())
        });
        let run = only_run(&out);
        act(&child);
        child.wait().unwrap();
        record(&run)
    }
}
