//! A month of telemetry in the embedded store and in OpenSearch: the same documents, mappings and durability, one after the
//! other on the same machine.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use canarytrace_e2e::{
    Server,
    dashboards::{self, Range},
    opensearch::OpenSearch,
};
use canarytrace_history::{History, Plan};
use canarytrace_model::{index, time::Moment};
use serde_json::{Value, json};
use tokio::task::block_in_place;

/// 2026-10-01, UTC: the night in which Prague's clocks go back is in it.
const FROM_MS: i64 = 1_790_812_800_000;
const DAY_MS: i64 = 24 * 3_600_000;
const HEAP_MB: u32 = 1024;
const BODY_BYTES: usize = 1 << 20;
const SENDERS: usize = 2;
const ROUNDS: usize = 15;
const SAMPLE: Duration = Duration::from_millis(100);
const REST: Duration = Duration::from_secs(60);

/// Bulk bodies in one file.
struct Month {
    file: File,
    /// Offset and length.
    bodies: Vec<(u64, usize)>,
    documents: u64,
    source_bytes: u64,
}

/// What one of the two did.
#[derive(Debug, Default)]
struct Figures {
    wall_s: f64,
    cpu_s: f64,
    peak_anonymous: u64,
    peak_resident: u64,
    rest_anonymous: u64,
    rest_resident: u64,
    disk: u64,
    /// For each dashboard and range: median and 95th percentile, ms.
    queries: Vec<(String, f64, f64)>,
    restart_s: f64,
}

/// With `alone` the embedded store only.
pub(crate) fn month(documents: u64, alone: bool) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    let month = Arc::new(write(&folder.path().join("month"), documents)?);
    println!(
        "{} documents, {:.2} GB of JSON, made up in {:.0} s",
        month.documents,
        month.source_bytes as f64 / 1e9,
        started.elapsed().as_secs_f64()
    );
    let data = folder.path().join("data");
    let own = runtime.block_on(embedded(&month, &data))?;
    fs::remove_dir_all(&data)?;
    if alone {
        print(&month, &own, &own);
        return Ok(());
    }
    // The other one takes an hour with ten million documents: what is known is not lost with it.
    println!("{own:#?}");
    let judge = runtime.block_on(peer(&month))?;
    print(&month, &own, &judge);
    Ok(())
}

fn write(path: &Path, documents: u64) -> Result<Month> {
    let plan = Plan::of_documents(1, Moment::from_epoch_ms(FROM_MS), documents);
    let mut out = BufWriter::new(File::create(path)?);
    let mut month = Month {
        file: File::open(path)?,
        bodies: Vec::new(),
        documents: 0,
        source_bytes: 0,
    };
    let (mut body, mut offset) = (Vec::new(), 0);
    let mut flush = |body: &mut Vec<u8>, month: &mut Month| -> Result<()> {
        out.write_all(body)?;
        month.bodies.push((offset, body.len()));
        offset += body.len() as u64;
        body.clear();
        Ok(())
    };
    for document in History::new(plan).flatten() {
        let action = json!({"create": {"_index": document.index, "_id": document.id}});
        serde_json::to_writer(&mut body, &action)?;
        body.push(b'\n');
        body.extend_from_slice(&document.source);
        body.push(b'\n');
        month.documents += 1;
        month.source_bytes += document.source.len() as u64;
        if body.len() >= BODY_BYTES {
            flush(&mut body, &mut month)?;
        }
    }
    flush(&mut body, &mut month)?;
    out.flush()?;
    Ok(month)
}

async fn embedded(month: &Arc<Month>, data: &Path) -> Result<Figures> {
    // The month is over: what is kept for a fortnight would be deleted.
    let configuration = data.with_extension("yaml");
    fs::write(&configuration, "version: 1\nstore: { retention: 9999d }\n")?;
    let file = configuration.display().to_string();
    let start = || Server::start(data, &["--only", "store", "--config", &file]);
    let server = block_in_place(start);
    let (url, pid) = (server.url.clone(), server.pid());
    let mut figures = measure(month, &url, pid, data).await?;
    server.kill();
    let started = Instant::now();
    let again = block_in_place(start);
    count(&reqwest::Client::new(), &again.url, month.documents).await?;
    figures.restart_s = started.elapsed().as_secs_f64();
    Ok(figures)
}

async fn peer(month: &Arc<Month>) -> Result<Figures> {
    let mut server = block_in_place(|| OpenSearch::start_with(HEAP_MB));
    let (url, data) = (server.url.clone(), server.data());
    let mut figures = measure(month, &url, server.pid(), &data).await?;
    let started = Instant::now();
    block_in_place(|| server.kill_and_start());
    count(&reqwest::Client::new(), &server.url, month.documents).await?;
    figures.restart_s = started.elapsed().as_secs_f64();
    Ok(figures)
}

async fn measure(month: &Arc<Month>, url: &str, pid: u32, data: &Path) -> Result<Figures> {
    let client = reqwest::Client::new();
    for template in index::templates(index::DEFAULT_PREFIX) {
        let address = format!("{url}/_index_template/{}", template.name);
        post(
            &client,
            reqwest::Method::PUT,
            &address,
            template.body.to_string(),
        )
        .await?;
    }
    let watch = Watch::start(pid);
    let (started, before) = (Instant::now(), cpu_s(pid)?);
    fill(month, &client, url).await?;
    post(
        &client,
        reqwest::Method::POST,
        &format!("{url}/_refresh"),
        String::new(),
    )
    .await?;
    let mut figures = Figures {
        wall_s: started.elapsed().as_secs_f64(),
        cpu_s: cpu_s(pid)? - before,
        ..Figures::default()
    };
    (figures.peak_anonymous, figures.peak_resident) = watch.end();
    count(&client, url, month.documents).await?;
    post(
        &client,
        reqwest::Method::POST,
        &format!("{url}/_flush"),
        String::new(),
    )
    .await?;
    tokio::time::sleep(REST).await;
    (figures.rest_anonymous, figures.rest_resident) = memory(pid)?;
    figures.disk = size(data)?;
    let watch = Watch::start(pid);
    figures.queries = ask(&client, url).await?;
    let (anonymous, resident) = watch.end();
    figures.peak_anonymous = figures.peak_anonymous.max(anonymous);
    figures.peak_resident = figures.peak_resident.max(resident);
    Ok(figures)
}

async fn fill(month: &Arc<Month>, client: &reqwest::Client, url: &str) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..SENDERS {
        let (month, next) = (Arc::clone(month), Arc::clone(&next));
        let (client, address) = (client.clone(), format!("{url}/_bulk"));
        senders.spawn(async move {
            while let Some((offset, length)) =
                month.bodies.get(next.fetch_add(1, Ordering::Relaxed))
            {
                let mut body = vec![0; *length];
                month.file.read_exact_at(&mut body, *offset)?;
                let answer = post(&client, reqwest::Method::POST, &address, body).await?;
                ensure!(
                    answer["errors"] == false,
                    "a document was refused: {}",
                    first_error(&answer)
                );
            }
            Ok(())
        });
    }
    while let Some(done) = senders.join_next().await {
        done??;
    }
    Ok(())
}

fn first_error(answer: &Value) -> Value {
    let items = answer["items"].as_array().into_iter().flatten();
    let mut errors = items.filter_map(|item| item["create"].get("error"));
    errors.next().cloned().unwrap_or_default()
}

async fn post(
    client: &reqwest::Client,
    method: reqwest::Method,
    address: &str,
    body: impl Into<reqwest::Body>,
) -> Result<Value> {
    let answer = client
        .request(method, address)
        .header("content-type", "application/x-ndjson")
        .body(body)
        .send()
        .await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(status.is_success(), "{address}: {status} {text}");
    serde_json::from_str(&text).context(text)
}

async fn count(client: &reqwest::Client, url: &str, wanted: u64) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(180);
    loop {
        let answer = client.get(format!("{url}/c.*/_count")).send().await;
        let counted = match answer {
            Ok(answer) => answer.json::<Value>().await.ok(),
            Err(_) => None,
        };
        if counted.as_ref().and_then(|body| body["count"].as_u64()) == Some(wanted) {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "{wanted} documents were sent, counted: {counted:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Each dashboard over the last day and over the month.
async fn ask(client: &reqwest::Client, url: &str) -> Result<Vec<(String, f64, f64)>> {
    let end = FROM_MS + 30 * DAY_MS;
    let mut figures = Vec::new();
    for (days, name, interval) in [(1, "24 h", "30m"), (30, "30 d", "12h")] {
        let mut times: Vec<(&str, Vec<f64>)> = Vec::new();
        for round in 0..ROUNDS + 2 {
            // Another time each round, as `now` is: what was answered before cannot be answered again.
            let shift = i64::try_from(round)? * 7;
            let range = Range {
                from: end - days * DAY_MS + shift,
                to: end + shift,
                interval,
            };
            for (at, dashboard) in dashboards::all(range).into_iter().enumerate() {
                let lines = dashboard
                    .panels
                    .iter()
                    .map(|(index, body)| format!("{}\n{body}\n", json!({"index": index})));
                let started = Instant::now();
                let address = format!("{url}/_msearch");
                let answer = post(
                    client,
                    reqwest::Method::POST,
                    &address,
                    lines.collect::<String>(),
                )
                .await?;
                let took = started.elapsed().as_secs_f64() * 1000.0;
                let answers = answer["responses"].as_array().into_iter().flatten();
                for (panel, answer) in answers.enumerate() {
                    ensure!(
                        answer["status"] == 200,
                        "{} panel {panel}: {answer}",
                        dashboard.name
                    );
                }
                match times.get_mut(at) {
                    Some((_, times)) => times.push(took),
                    None => times.push((dashboard.name, vec![took])),
                }
            }
        }
        for (dashboard, times) in times {
            // The first two only warm up.
            let mut kept = times.get(2..).unwrap_or_default().to_vec();
            kept.sort_by(f64::total_cmp);
            let at = |share: f64| kept.get((share * (kept.len() - 1) as f64).round() as usize);
            figures.push((
                format!("{dashboard}, {name}"),
                at(0.5).copied().unwrap_or(f64::NAN),
                at(0.95).copied().unwrap_or(f64::NAN),
            ));
        }
    }
    Ok(figures)
}

/// The most memory a process had while it was watched.
struct Watch {
    ends: mpsc::SyncSender<()>,
    thread: std::thread::JoinHandle<(u64, u64)>,
}

impl Watch {
    fn start(pid: u32) -> Self {
        let (ends, ended) = mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            let mut most = (0, 0);
            while ended.recv_timeout(SAMPLE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let (anonymous, resident) = memory(pid).unwrap_or_default();
                most = (most.0.max(anonymous), most.1.max(resident));
            }
            most
        });
        Self { ends, thread }
    }

    fn end(self) -> (u64, u64) {
        self.ends.send(()).ok();
        self.thread.join().unwrap_or_default()
    }
}

/// Anonymous and shared memory, and all that is resident, bytes.
fn memory(pid: u32) -> Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let of = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kilobytes.unwrap_or(0) << 10
    };
    Ok((of("RssAnon:") + of("RssShmem:"), of("VmRSS:")))
}

fn cpu_s(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    Ok((ticks(11) + ticks(12)) / 100.0)
}

fn size(folder: &Path) -> Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Files come and go meanwhile.
        let Ok(data) = entry.metadata() else { continue };
        total += if data.is_dir() {
            size(&entry.path())?
        } else {
            data.len()
        };
    }
    Ok(total)
}

fn print(month: &Month, own: &Figures, judge: &Figures) {
    let per_cpu = |figures: &Figures| month.documents as f64 / figures.cpu_s;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{:<34} {:>12} {:>12} {:>8}",
        "", "embedded", "OpenSearch", "ratio"
    );
    let row = |name: &str, own: f64, judge: f64, ratio: f64| {
        println!("{name:<34} {own:>12.1} {judge:>12.1} {ratio:>8.3}");
    };
    row(
        "ingest, s",
        own.wall_s,
        judge.wall_s,
        judge.wall_s / own.wall_s,
    );
    row(
        "ingest, documents per CPU second",
        per_cpu(own),
        per_cpu(judge),
        per_cpu(own) / per_cpu(judge),
    );
    for (name, own, judge) in [
        (
            "anonymous memory at rest, MiB",
            own.rest_anonymous,
            judge.rest_anonymous,
        ),
        (
            "anonymous memory, most, MiB",
            own.peak_anonymous,
            judge.peak_anonymous,
        ),
        (
            "resident at rest, MiB",
            own.rest_resident,
            judge.rest_resident,
        ),
        (
            "resident, most, MiB",
            own.peak_resident,
            judge.peak_resident,
        ),
        ("disk, MiB", own.disk, judge.disk),
    ] {
        row(name, mib(own), mib(judge), own as f64 / judge as f64);
    }
    for ((name, own_p50, own_p95), (_, p50, p95)) in own.queries.iter().zip(&judge.queries) {
        row(&format!("{name} p50, ms"), *own_p50, *p50, own_p50 / p50);
        row(&format!("{name} p95, ms"), *own_p95, *p95, own_p95 / p95);
    }
    row(
        "start after kill -9, s",
        own.restart_s,
        judge.restart_s,
        own.restart_s / judge.restart_s,
    );
}
