//! One run: its events, its verdict, and what its steps saw.

use std::sync::Arc;

use canarytrace_model::{
    RunId,
    documents::{
        Common, Environment, LedgerEntry, LedgerEvent, Report, ReportEvent, Run, SmokeTitle, Vitals,
    },
    index::Service,
    record::Overhead,
    time::Moment,
    verdict::{Cause, Verdict},
};
use serde_json::json;

use crate::{
    Document, Output, Plan, Random, audit,
    incident::{Incident, Trouble},
    page::{self, Visit},
    world::{Monitor, Step},
};

/// What becomes of a run, decided beforehand.
pub(crate) struct Fate {
    /// Everything takes so much longer.
    pub(crate) slowness: f64,
    /// The step that fails, counted from 0, and whose fault it is.
    failure: Option<(usize, Verdict)>,
    pub(crate) third_party_down: Option<&'static str>,
    pub(crate) has_new_error: bool,
    pub(crate) revision: String,
}

/// What the steps add up to.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) bytes: u64,
    pub(crate) console_errors: u64,
    pub(crate) vitals: Vitals,
}

const DAY_MS: f64 = 24.0 * 3_600_000.0;

pub(crate) fn documents(
    plan: &Plan,
    monitor: &Monitor,
    incidents: &[Incident],
    due: Moment,
    slot: i64,
) -> Vec<Document> {
    let mut random = Random::of(&[plan.seed, 3, monitor.number, slot.unsigned_abs()]);
    let uuid = random.hex(32);
    let mut out = Output {
        run: &uuid,
        documents: Vec::new(),
    };
    let active: Vec<&Incident> = incidents
        .iter()
        .filter(|incident| incident.concerns(monitor.number, due))
        .collect();
    let ledger = |event, at, reason: Option<&str>| LedgerEntry {
        timestamp: at,
        monitor: monitor.name.to_string(),
        event,
        due_at: due,
        uuid: (event != LedgerEvent::Expected && reason.is_none()).then(|| uuid.clone()),
        reason: reason.map(str::to_owned),
        exit_code: None,
        delay_ms: None,
    };
    out.add(
        Service::Ledger,
        due,
        &ledger(LedgerEvent::Expected, due, None),
    );
    let is_away = active
        .iter()
        .any(|incident| incident.trouble == Trouble::RunnerDown);
    if is_away {
        let reason = "the server was not running when it was due";
        let skipped = ledger(LedgerEvent::Skipped, due, Some(reason));
        out.add(Service::Ledger, due, &skipped);
        return out.documents;
    }
    let started = later(due, 20.0 + 400.0 * random.unit());
    out.add(
        Service::Ledger,
        started,
        &ledger(LedgerEvent::Started, started, None),
    );
    let fate = fate(plan, monitor, &active, due, &mut random);
    let ended = one(plan, monitor, &fate, started, slot, &mut random, &mut out);
    let mut finished = ledger(LedgerEvent::Finished, ended, None);
    finished.exit_code = Some(
        fate.failure
            .as_ref()
            .map_or(0, |(_, verdict)| verdict.exit_code()),
    );
    out.add(Service::Ledger, ended, &finished);
    out.documents
}

pub(crate) fn later(at: Moment, milliseconds: f64) -> Moment {
    Moment::from_epoch_ms(at.epoch_ms() + milliseconds as i64)
}

fn fate(
    plan: &Plan,
    monitor: &Monitor,
    active: &[&Incident],
    due: Moment,
    random: &mut Random,
) -> Fate {
    let hour = due.epoch_ms() as f64 % DAY_MS / 3_600_000.0;
    // Busiest in the early afternoon, by UTC.
    let busy = 1.0 + 0.25 * ((hour - 8.0) / 24.0 * std::f64::consts::TAU).sin();
    let mut fate = Fate {
        slowness: monitor.slowness * busy * random.spread(0.12),
        failure: None,
        third_party_down: None,
        has_new_error: false,
        revision: Random::of(&[plan.seed, 4, monitor.number]).hex(40),
    };
    let last = monitor.steps.len() - 1;
    // Now and then something fails that nobody planned.
    if random.chance(0.002) {
        let verdict = Verdict::blame(
            Cause::Network,
            "net::ERR_CONNECTION_RESET at the first page",
        );
        fate.failure = Some((0, verdict));
    }
    for incident in active {
        match incident.trouble {
            Trouble::Outage => fate.failure = Some((0, outage(monitor))),
            Trouble::Flap if random.chance(0.35) => fate.failure = Some((0, outage(monitor))),
            Trouble::Flap | Trouble::RunnerDown => {}
            Trouble::SlowDrift => {
                let passed = due.epoch_ms() - incident.from.epoch_ms();
                let whole = incident.until.epoch_ms() - incident.from.epoch_ms();
                fate.slowness *= 1.0 + passed as f64 / whole as f64;
            }
            Trouble::Regression => {
                fate.slowness *= 1.5;
                fate.has_new_error = true;
                fate.revision = Random::of(&[plan.seed, 5, monitor.number]).hex(40);
            }
            Trouble::ThirdParty(host) => {
                fate.third_party_down = Some(host);
                if !monitor.is_smoke {
                    let detail = format!("element not interactable: {host} did not answer");
                    let verdict = Verdict::blame(Cause::ThirdParty, detail).with_fact("host", host);
                    fate.failure = Some((last.min(2), verdict));
                }
            }
            Trouble::Login => {
                let verdict = Verdict::blame(Cause::Login, "the log-in was refused with 401")
                    .with_fact("status", 401);
                fate.failure = Some((last.min(1), verdict));
            }
        }
    }
    fate
}

fn outage(monitor: &Monitor) -> Verdict {
    let url = monitor.steps.first().map_or("", |step| &step.url);
    Verdict::blame(Cause::Site, format!("{url} answered 503"))
        .with_fact("status", 503)
        .with_fact("url", url)
}

fn one(
    plan: &Plan,
    monitor: &Monitor,
    fate: &Fate,
    started: Moment,
    slot: i64,
    random: &mut Random,
    out: &mut Output<'_>,
) -> Moment {
    let uuid = RunId::parse(out.run).unwrap_or_else(RunId::random);
    let common = |at| Common {
        uuid: uuid.clone(),
        labels: Arc::clone(&monitor.labels),
        spec: Arc::clone(&monitor.spec),
        monitor: Arc::clone(&monitor.name),
        timestamp: at,
    };
    let mut sequence = 0;
    let mut report = |event, at| {
        sequence += 1;
        Report::new(common(at), event, sequence)
    };
    let mut start = report(ReportEvent::TestStart, started);
    begin(&mut start, monitor, random);
    out.add(Service::Report, started, &start);
    let environment = Environment {
        common: common(started),
        masked_variables: vec!["PASSWORD".to_owned()],
        variables: [
            ("SPEC".to_owned(), monitor.spec.to_string()),
            ("PASSWORD".to_owned(), "******".to_owned()),
        ]
        .into(),
    };
    out.add(Service::Env, started, &environment);
    let mut now = later(started, 900.0 + 300.0 * random.unit());
    let mut totals = Totals::default();
    let (mut spent, mut failed, mut done) = (0, 0, 0);
    for (position, step) in monitor.steps.iter().enumerate() {
        let failure = fate
            .failure
            .as_ref()
            .filter(|(at, _)| *at == position)
            .map(|(_, verdict)| verdict);
        let action = random.hex(20);
        let mut suite = report(ReportEvent::TestStepStart, now);
        describe(&mut suite, step, &action);
        out.add(Service::Report, now, &suite);
        let visit = Visit {
            monitor,
            step,
            fate,
            action: &action,
            at: now,
            failure,
        };
        let took = page::visit(&visit, &common, random, &mut totals, out);
        now = later(now, took);
        let mut end = report(ReportEvent::TestStepEnd, now);
        describe(&mut end, step, &action);
        end.test_step_duration = Some(took as u64);
        end.passed = Some(failure.is_none());
        end.attachments = Some("no".to_owned());
        end.verdict = Some(failure.cloned().unwrap_or_else(Verdict::passed));
        if let Some(verdict) = failure {
            end.err_message.clone_from(&verdict.detail);
            end.err_type = Some("Error".to_owned());
            end.attachments = Some(format!("attachment-screenshot-{action}.png"));
        }
        out.add(Service::Report, now, &end);
        if monitor.is_smoke {
            out.add(
                Service::SmokeTitle,
                now,
                &title(step, failure, &action, common(now)),
            );
        }
        (spent, done) = (spent + took as u64, done + 1);
        if failure.is_some() {
            failed += 1;
            // What follows in a journey builds on what failed.
            if !monitor.is_smoke {
                break;
            }
        }
    }
    // Audits run four times a day.
    if slot % (6 * 3600 / i64::from(plan.interval_s)).max(1) == 0
        && let Some(step) = monitor.steps.first()
        && fate.failure.is_none()
    {
        audit::add(&common(now), step, fate, random, out);
    }
    let ended = later(now, 300.0 + 100.0 * random.unit());
    let duration_ms = (ended.epoch_ms() - started.epoch_ms()).unsigned_abs();
    let mut end = report(ReportEvent::TestEnd, ended);
    end.total_test_steps_duration = Some(spent);
    end.total_runner_duration = Some(duration_ms);
    out.add(Service::Report, ended, &end);
    let run = summary(
        monitor,
        fate,
        (started, ended),
        (done, failed),
        totals,
        common(ended),
        random,
    );
    out.add(Service::Run, ended, &run);
    ended
}

fn describe(report: &mut Report, step: &Step, action: &str) {
    report.uuid_action = page::action_id(action);
    report.title = Some(step.title.clone());
    report.full_title = Some(step.full_title.clone());
    report.parent = Some(step.parent.clone());
}

fn title(step: &Step, failure: Option<&Verdict>, action: &str, common: Common) -> SmokeTitle {
    let status = if failure.is_some() { 503 } else { 200 };
    SmokeTitle {
        common,
        uuid_action: page::action_id(action).unwrap_or_else(canarytrace_model::ActionId::random),
        url: step.url.clone(),
        entry_url: step.url.clone(),
        entry_url_upper: step.url.clone(),
        response_url: step.url.clone(),
        title: if status == 200 {
            "Welcome"
        } else {
            "Service Unavailable"
        }
        .to_owned(),
        response_status: status,
        response_status_text: if status == 200 {
            "OK"
        } else {
            "Service Unavailable"
        }
        .to_owned(),
    }
}

fn begin(start: &mut Report, monitor: &Monitor, random: &mut Random) {
    start.selenium_cluster = Some("127.0.0.1".to_owned());
    start.base_url = monitor.steps.first().map(|step| step.url.clone());
    start.session_id = Some(random.hex(32));
    start.capabilities = Some(
        json!({"browserName": "chrome", "goog:chromeOptions": {"args": ["--headless=new", "--window-size=1920,1080"]}}),
    );
}

fn summary(
    monitor: &Monitor,
    fate: &Fate,
    (started, ended): (Moment, Moment),
    (done, failed): (u32, u32),
    totals: Totals,
    common: Common,
    random: &mut Random,
) -> Run {
    let verdict = fate
        .failure
        .as_ref()
        .filter(|_| failed > 0)
        .map_or_else(Verdict::passed, |(_, verdict)| verdict.clone());
    Run {
        common,
        mode: if monitor.is_smoke { "smoke" } else { "script" }.to_owned(),
        started_at: started,
        ended_at: ended,
        duration_ms: (ended.epoch_ms() - started.epoch_ms()).unsigned_abs(),
        passed: verdict.is_passed(),
        exit_code: verdict.exit_code(),
        verdict,
        vitals: Some(totals.vitals),
        steps_total: done,
        steps_failed: failed,
        requests: totals.requests,
        transfer_bytes: totals.bytes,
        requests_failed: totals.failed,
        console_errors: totals.console_errors,
        screenshot: None,
        attachments: Vec::new(),
        overhead: Overhead {
            class: "light".to_owned(),
            runner_cpu_s: Some(0.05 * random.spread(0.2)),
            runner_peak_rss_bytes: Some(17_000_000 + random.below(6_000_000)),
            browser_cpu_s: Some(1.4 * random.spread(0.2)),
            settled_ms: Some(400 + random.below(300)),
            ..Overhead::default()
        },
        host: None,
        browser_version: Some("156.0.7500.12".to_owned()),
        version: "1.4.0".to_owned(),
        revision: (!monitor.is_smoke).then(|| fate.revision.clone()),
    }
}
