//! Four runs and what watched them from outside; every field that a comparison reads is noted.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use canarytrace_e2e::{Said, canarytrace, check, only_run, record, tls::serve_tls_page, web::Web};
use canarytrace_model::time::Moment;
use serde_json::Value;

use crate::pages::{Told, shop, third, told};

/// A document of a run, and the family of indices it went to.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) service: String,
    pub(crate) value: Value,
}

/// One run, seen from outside.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) said: Said,
    pub(crate) folder: PathBuf,
    pub(crate) record: Value,
    /// Before its command and after it, epoch ms.
    pub(crate) began: f64,
    pub(crate) ended: f64,
    documents: Vec<Document>,
    _out: tempfile::TempDir,
}

impl Run {
    fn of(start: impl FnOnce(&std::path::Path) -> Said) -> Self {
        let out = tempfile::tempdir().unwrap();
        let began = now();
        let said = start(out.path());
        let ended = now();
        let folder = only_run(out.path());
        Self {
            said,
            record: record(&folder),
            documents: read(&folder.join("documents.ndjson")),
            folder,
            began,
            ended,
            _out: out,
        }
    }

    /// All documents of one family.
    pub(crate) fn all(&self, service: &str) -> Vec<&Document> {
        let own = self.documents.iter().filter(|own| own.service == service);
        own.collect()
    }

    /// The one document of a family for which this holds.
    pub(crate) fn one(&self, service: &str, holds: impl Fn(&Value) -> bool) -> &Document {
        let found = self.all(service).into_iter().find(|own| holds(&own.value));
        found.unwrap_or_else(|| {
            let all: Vec<String> = self
                .all(service)
                .iter()
                .map(|own| own.value.to_string())
                .collect();
            panic!("no such {service}: {all:#?}")
        })
    }

    pub(crate) fn request(&self, url: &str) -> &Document {
        self.one("request-log", |own| own["url"] == url)
    }

    pub(crate) fn event(&self, name: &str) -> &Document {
        self.one("report", |own| own["event"] == name)
    }
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs_f64() * 1000.0
}

fn read(path: &std::path::Path) -> Vec<Document> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let document = |pair: &[&str]| {
        let action: Value = serde_json::from_str(pair[0]).unwrap();
        let index = action["create"]["_index"].as_str().unwrap();
        let (name, _date) = index.rsplit_once('-').unwrap();
        Document {
            service: name.trim_start_matches("c.").to_owned(),
            value: serde_json::from_str(pair[1]).unwrap(),
        }
    };
    lines.chunks_exact(2).map(document).collect()
}

pub(crate) struct Evidence {
    pub(crate) shop: Web,
    pub(crate) third: Web,
    /// What the page itself measured on its first visit.
    pub(crate) told: Told,
    /// One page with the variables of the established product, and all that is collected.
    pub(crate) smoke: Run,
    /// A script by a configuration; its last step fails.
    pub(crate) journey: Run,
    /// A page behind TLS.
    pub(crate) tls: Run,
    /// Its script does not exist.
    pub(crate) broken: Run,
    source: Cell<&'static str>,
    read: RefCell<BTreeMap<(String, String), BTreeSet<&'static str>>>,
}

pub(crate) const LABEL: &str = "team=checkout";
pub(crate) const MEMORY_MIB: u64 = 1500;
pub(crate) const SECRET: &str = "tok-1234567";
pub(crate) const SCRIPT: &str = "describe('Shop', () => {
  it('opens', async () => {
    await browser.url('/');
    await browser.waitUntil(() => browser.execute(() => window.told === true), { timeout: 10000 });
  });
  it('comes again', async () => {
    await browser.url('/again');
    await browser.waitUntil(() => browser.execute(() => window.told === true), { timeout: 10000 });
    await browser.execute((session) => console.info('session', session), browser.sessionId);
  });
  it('fails', async () => { await expect($('h1')).toHaveText('Cart', { wait: 300 }); });
});";

impl Evidence {
    pub(crate) fn gather() -> Self {
        let third = third();
        let shop = shop(&third.url);
        let journey = journey(&shop);
        let told = told(&shop);
        let smoke = Run::of(|out| check(out, &shop.page("/"), &SMOKE));
        let url = serve_tls_page(
            "127.0.0.1",
            2040,
            "<!doctype html><title>Safe</title><h1>Safe</h1>",
        );
        let tls = Run::of(|out| check(out, &url, &[]));
        let broken = Run::of(|out| {
            let folder = tempfile::tempdir().unwrap();
            let script = folder.path().join("broken.js");
            std::fs::write(&script, "describe('Broken', () => {").unwrap();
            canarytrace_e2e::run(out, &["--script", script.to_str().unwrap()])
        });
        Self {
            shop,
            third,
            told,
            smoke,
            journey,
            tls,
            broken,
            source: Cell::new(""),
            read: RefCell::default(),
        }
    }

    pub(crate) fn runs(&self) -> [&Run; 4] {
        [&self.smoke, &self.journey, &self.tls, &self.broken]
    }

    /// What is read from now on is compared with this source.
    pub(crate) fn compare_with(&self, source: &'static str) {
        self.source.set(source);
    }

    /// A field that is compared now; `null` when it is absent.
    pub(crate) fn field<'a>(&self, document: &'a Document, path: &str) -> &'a Value {
        let key = (document.service.clone(), path.to_owned());
        let mut read = self.read.borrow_mut();
        read.entry(key).or_default().insert(self.source.get());
        at(&document.value, path)
    }

    pub(crate) fn number(&self, document: &Document, path: &str) -> f64 {
        let value = self.field(document, path);
        value
            .as_f64()
            .unwrap_or_else(|| panic!("{path} is {value}: {document:#?}"))
    }

    pub(crate) fn text<'a>(&self, document: &'a Document, path: &str) -> &'a str {
        let value = self.field(document, path);
        value
            .as_str()
            .unwrap_or_else(|| panic!("{path} is {value}: {document:#?}"))
    }

    /// An instant, epoch ms.
    pub(crate) fn instant(&self, document: &Document, path: &str) -> f64 {
        instant(self.text(document, path))
    }

    /// The sources that each field was compared with.
    pub(crate) fn compared(&self) -> BTreeMap<(String, String), BTreeSet<&'static str>> {
        self.read.borrow().clone()
    }

    /// Every field of every document, those with free keys as one.
    pub(crate) fn present(&self) -> BTreeSet<(String, String)> {
        let mut present = BTreeSet::new();
        for document in self.runs().iter().flat_map(|run| &run.documents) {
            let mut paths = Vec::new();
            flatten(&document.value, "", &mut paths);
            present.extend(
                paths
                    .into_iter()
                    .map(|path| (document.service.clone(), path)),
            );
        }
        present
    }
}

const SMOKE: [(&str, &str); 7] = [
    ("LABELS", LABEL),
    ("COVERAGE_AUDIT", "allow"),
    ("ENV_PRINT", "allow"),
    ("HERO_ELEMENTS", "allow"),
    ("SHOP_TOKEN", SECRET),
    ("POST_DATA_PATH", "data.order.id"),
    ("TRACE_ID_NAME", "canary-trace-id"),
];

fn journey(shop: &Web) -> Run {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.js"), SCRIPT).unwrap();
    let config = folder.path().join("canarytrace.yaml");
    let text = format!(
        "version: 1\nmonitors:\n  - id: checkout\n    script: shop.js\n    base_url: {}\n    labels: [{LABEL}]\n\
         \x20   browser: {{ memory: {MEMORY_MIB}MiB, cpus: 2 }}\n",
        shop.url
    );
    std::fs::write(&config, text).unwrap();
    Run::of(|out| {
        let config = config.to_str().unwrap();
        let mut command =
            canarytrace(&["run", "--json", "--config", config, "--monitor", "checkout"]);
        command.arg("--out").arg(out);
        command.output().unwrap().into()
    })
}

/// `2026-11-23T02:29:56.108Z` as epoch ms.
pub(crate) fn instant(text: &str) -> f64 {
    let moment: Moment = serde_json::from_value(text.into()).unwrap();
    moment.epoch_ms() as f64
}

/// The value below a path of names with dots between them.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| &value[name])
}

/// Trees whose keys are not ours: one field each.
const FREE: [&str; 10] = [
    "request.headers",
    "response.headers",
    "request.initiator.stack",
    "verdict.facts",
    "stackTrace",
    "exception",
    "bytesByType",
    "args",
    "verdict",
    "serverTiming",
];

fn flatten(value: &Value, path: &str, into: &mut Vec<String>) {
    match value.as_object() {
        Some(object) if !FREE.contains(&path) => {
            for (name, value) in object {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                flatten(value, &path, into);
            }
        }
        _ => into.push(path.to_owned()),
    }
}
