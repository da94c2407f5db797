//! The one loop that owns the monitors of this machine.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use canarytrace_model::{
    RunId,
    documents::{LedgerEntry, LedgerEvent},
    stack::Schedule,
    time::Moment,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    child::{ChildEvent, RunCommand, RunningChild},
    due,
};

/// A monitor as the executor needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct MonitorPlan {
    pub id: String,
    pub schedule: Option<Schedule>,
    /// Arguments of `canarytrace run`.
    pub arguments: Vec<String>,
    /// `smoke` or `user-journey`.
    pub kind: &'static str,
    /// URLs or script, for people.
    pub target: String,
}

/// Where a monitor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunPhase {
    Waiting,
    /// Asked for or due, and waiting for its turn.
    Queued,
    Running,
}

/// What the executor says of a monitor.
#[derive(Clone, Debug)]
pub struct MonitorStatus {
    pub plan: MonitorPlan,
    pub next_due: Option<Moment>,
    pub phase: RunPhase,
    pub running: Option<String>,
}

/// Takes note of expected, started, finished and skipped runs; must not block.
pub trait Ledger: Send + Sync {
    fn record(&self, entry: LedgerEntry);
}

/// How the executor works.
pub struct ExecutorConfig {
    pub command: RunCommand,
    /// Timed checks at a time: one per two cores.
    pub slots: usize,
    /// Runs that go on when it stops may take so long.
    pub grace: Duration,
    pub ledger: Arc<dyn Ledger>,
}

enum Request {
    Replace(Vec<MonitorPlan>),
    RunNow(String, oneshot::Sender<Option<String>>),
    Status(oneshot::Sender<Vec<MonitorStatus>>),
}

/// Speaks to a running executor.
#[derive(Clone, Debug)]
pub struct ExecutorHandle {
    requests: mpsc::Sender<Request>,
}

impl ExecutorHandle {
    /// Puts other monitors in force; runs that go on end as they began.
    pub async fn replace(&self, plans: Vec<MonitorPlan>) {
        self.requests.send(Request::Replace(plans)).await.ok();
    }

    /// Queues a run and answers its id; none when there is no such monitor.
    pub async fn run_now(&self, id: &str) -> Option<String> {
        let (reply, answer) = oneshot::channel();
        self.requests
            .send(Request::RunNow(id.to_owned(), reply))
            .await
            .ok()?;
        answer.await.ok()?
    }

    pub async fn status(&self) -> Vec<MonitorStatus> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Status(reply)).await.ok();
        answer.await.unwrap_or_default()
    }
}

/// A browser is started this long before its second comes.
const PREPARE_AHEAD: Duration = Duration::from_secs(3);
/// Prepared browsers that wait.
const MAX_PREPARED: usize = 2;
const REQUEST_QUEUE: usize = 64;
const EVENT_QUEUE: usize = 256;

/// A monitor with its state.
struct Entry {
    plan: MonitorPlan,
    next_due: Option<Moment>,
    /// The run that is prepared, queued or going on.
    active: Option<String>,
}

/// A run that was started.
struct ActiveRun {
    monitor: String,
    due: Moment,
    child: RunningChild,
    prepared: bool,
    /// Its first navigation was allowed.
    gone: bool,
}

/// The executor; [`Executor::run`] is its loop.
pub struct Executor {
    config: ExecutorConfig,
    requests: mpsc::Receiver<Request>,
    events: mpsc::Receiver<ChildEvent>,
    event_sender: mpsc::Sender<ChildEvent>,
    monitors: BTreeMap<String, Entry>,
    runs: BTreeMap<String, ActiveRun>,
    /// Runs asked for by people, by monitor with the id promised.
    asked: VecDeque<(String, String)>,
    tasks: JoinSet<()>,
}

impl Executor {
    pub fn new(config: ExecutorConfig) -> (Self, ExecutorHandle) {
        let (request_sender, requests) = mpsc::channel(REQUEST_QUEUE);
        let (event_sender, events) = mpsc::channel(EVENT_QUEUE);
        let executor = Self {
            config,
            requests,
            events,
            event_sender,
            monitors: BTreeMap::new(),
            runs: BTreeMap::new(),
            asked: VecDeque::new(),
            tasks: JoinSet::new(),
        };
        (
            executor,
            ExecutorHandle {
                requests: request_sender,
            },
        )
    }

    /// Works until `stop`, then lets runs end within the grace period.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            self.start_what_is_due();
            self.let_go().await;
            let pause = self.until_next();
            tokio::select! {
                () = stop.cancelled() => break,
                Some(request) = self.requests.recv() => self.serve(request),
                Some(event) = self.events.recv() => self.receive(event),
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.stop().await;
    }

    fn serve(&mut self, request: Request) {
        match request {
            Request::Replace(plans) => self.replace(plans),
            Request::RunNow(id, reply) => {
                let uuid = self.monitors.contains_key(&id).then(|| self.ask(id));
                reply.send(uuid).ok();
            }
            Request::Status(reply) => drop(reply.send(self.status())),
        }
    }

    /// A monitor that is asked for twice runs once.
    fn ask(&mut self, id: String) -> String {
        if let Some((_, uuid)) = self.asked.iter().find(|(monitor, _)| *monitor == id) {
            return uuid.clone();
        }
        let uuid = RunId::random().to_string();
        self.asked.push_back((id, uuid.clone()));
        uuid
    }

    fn replace(&mut self, plans: Vec<MonitorPlan>) {
        let now = Moment::now();
        let mut old = std::mem::take(&mut self.monitors);
        for plan in plans {
            let before = old.remove(&plan.id);
            let same_schedule = before
                .as_ref()
                .is_some_and(|before| before.plan.schedule == plan.schedule);
            let next_due = match (&before, &plan.schedule) {
                (Some(before), _) if same_schedule => before.next_due,
                (_, Some(schedule)) => due::first(schedule, &plan.id, now),
                (_, None) => None,
            };
            let active = before.and_then(|before| before.active);
            self.monitors.insert(
                plan.id.clone(),
                Entry {
                    plan,
                    next_due,
                    active,
                },
            );
        }
        // What is prepared for a monitor that is gone is not wanted any more.
        for entry in old.into_values() {
            if let Some(run) = entry
                .active
                .and_then(|uuid| self.runs.get_mut(&uuid))
                .filter(|run| !run.gone)
            {
                run.child.stop();
            }
        }
        info!(monitors = self.monitors.len(), "monitors are in force");
    }

    fn status(&self) -> Vec<MonitorStatus> {
        self.monitors
            .values()
            .map(|entry| {
                let run = entry.active.as_ref().and_then(|uuid| self.runs.get(uuid));
                let asked = self
                    .asked
                    .iter()
                    .any(|(monitor, _)| *monitor == entry.plan.id);
                let overdue = run.is_some_and(|run| run.due <= Moment::now());
                let phase = match run {
                    Some(run) if run.gone => RunPhase::Running,
                    Some(_) if overdue => RunPhase::Queued,
                    _ if asked => RunPhase::Queued,
                    _ => RunPhase::Waiting,
                };
                MonitorStatus {
                    plan: entry.plan.clone(),
                    next_due: entry.next_due,
                    phase,
                    running: entry.active.clone().filter(|_| phase == RunPhase::Running),
                }
            })
            .collect()
    }

    fn timed(&self) -> usize {
        self.runs.values().filter(|run| run.gone).count()
    }

    fn may_prepare(&self) -> bool {
        // A browser that starts costs a timed check its calm.
        let waiting = self.runs.values().filter(|run| !run.gone).count();
        self.timed() == 0 && waiting < MAX_PREPARED.min(self.config.slots + 1)
    }

    fn start_what_is_due(&mut self) {
        let now = Moment::now();
        self.skip_overlaps(now);
        while self.may_prepare() {
            let asked = self.asked.iter().position(|(monitor, _)| {
                self.monitors
                    .get(monitor)
                    .is_some_and(|entry| entry.active.is_none())
            });
            if let Some((monitor, uuid)) = asked.and_then(|position| self.asked.remove(position)) {
                self.start(&monitor, uuid, now, now);
                continue;
            }
            let horizon = Moment::from_epoch_ms(
                now.epoch_ms() + i64::try_from(PREPARE_AHEAD.as_millis()).unwrap_or(0),
            );
            let next = self
                .monitors
                .values()
                .filter(|entry| entry.active.is_none())
                .filter_map(|entry| Some((entry.next_due?, entry.plan.id.clone())))
                .min();
            match next {
                Some((due, monitor)) if due <= horizon => {
                    self.start(&monitor, RunId::random().to_string(), due, now)
                }
                _ => break,
            }
        }
    }

    /// A monitor whose last run still goes on when it is due again is skipped, and the ledger says so.
    fn skip_overlaps(&mut self, now: Moment) {
        for entry in self.monitors.values_mut() {
            let (Some(due), Some(schedule), Some(active)) =
                (entry.next_due, &entry.plan.schedule, &entry.active)
            else {
                continue;
            };
            if due <= now {
                let reason = format!("run {active} of this monitor is still going on");
                record(
                    &*self.config.ledger,
                    &entry.plan.id,
                    LedgerEvent::Expected,
                    due,
                    None,
                    None,
                );
                record(
                    &*self.config.ledger,
                    &entry.plan.id,
                    LedgerEvent::Skipped,
                    due,
                    None,
                    Some(reason),
                );
                entry.next_due = due::next(schedule, due, now);
            }
        }
    }

    fn start(&mut self, monitor: &str, uuid: String, due: Moment, now: Moment) {
        let Some(entry) = self.monitors.get_mut(monitor) else {
            return;
        };
        if entry.next_due == Some(due) {
            entry.next_due = entry
                .plan
                .schedule
                .as_ref()
                .and_then(|schedule| due::next(schedule, due, now));
        }
        record(
            &*self.config.ledger,
            monitor,
            LedgerEvent::Expected,
            due,
            Some(&uuid),
            None,
        );
        match RunningChild::start(
            &self.config.command,
            &entry.plan.arguments,
            &uuid,
            self.event_sender.clone(),
            &mut self.tasks,
        ) {
            Ok(child) => {
                entry.active = Some(uuid.clone());
                self.runs.insert(
                    uuid,
                    ActiveRun {
                        monitor: monitor.to_owned(),
                        due,
                        child,
                        prepared: false,
                        gone: false,
                    },
                );
            }
            Err(reason) => {
                warn!(monitor, reason, "a run could not be started");
                record(
                    &*self.config.ledger,
                    monitor,
                    LedgerEvent::Skipped,
                    due,
                    Some(&uuid),
                    Some(format!("the run could not be started: {reason}")),
                );
            }
        }
    }

    /// Lets prepared runs begin whose moment has come, as long as there are slots; the longest overdue first.
    async fn let_go(&mut self) {
        while self.timed() < self.config.slots {
            let now = Moment::now();
            let ready = self
                .runs
                .iter()
                .filter(|(_, run)| run.prepared && !run.gone && run.due <= now);
            let Some(uuid) = ready
                .min_by_key(|(_, run)| run.due)
                .map(|(uuid, _)| uuid.clone())
            else {
                return;
            };
            let Some(run) = self.runs.get_mut(&uuid) else {
                return;
            };
            run.gone = true;
            run.child.go().await;
            let entry = LedgerEntry {
                timestamp: now,
                monitor: run.monitor.clone(),
                event: LedgerEvent::Started,
                due_at: run.due,
                uuid: Some(uuid),
                reason: None,
                exit_code: None,
                delay_ms: Some(now.epoch_ms() - run.due.epoch_ms()),
            };
            self.config.ledger.record(entry);
        }
    }

    fn receive(&mut self, event: ChildEvent) {
        match event {
            ChildEvent::Prepared { uuid } => {
                if let Some(run) = self.runs.get_mut(&uuid) {
                    run.prepared = true;
                }
            }
            ChildEvent::Ended { uuid, code, said } => self.ended(&uuid, code, said),
        }
    }

    fn ended(&mut self, uuid: &str, code: Option<i32>, said: String) {
        let Some(run) = self.runs.remove(uuid) else {
            return;
        };
        if let Some(entry) = self
            .monitors
            .get_mut(&run.monitor)
            .filter(|entry| entry.active.as_deref() == Some(uuid))
        {
            entry.active = None;
        }
        let reason = match code {
            Some(0 | 1) => None,
            Some(_) => Some(said),
            None => Some(
                "the run's supervisor was killed; its record is completed at the next start"
                    .to_owned(),
            ),
        };
        if let Some(reason) = &reason {
            warn!(monitor = run.monitor, uuid, reason, "a run is broken");
        }
        self.config.ledger.record(LedgerEntry {
            timestamp: Moment::now(),
            monitor: run.monitor,
            event: LedgerEvent::Finished,
            due_at: run.due,
            uuid: Some(uuid.to_owned()),
            reason: reason.filter(|reason| !reason.is_empty()),
            exit_code: code.and_then(|code| u8::try_from(code).ok()),
            delay_ms: None,
        });
    }

    fn until_next(&self) -> Duration {
        let now = Moment::now().epoch_ms();
        let ahead = i64::try_from(PREPARE_AHEAD.as_millis()).unwrap_or(0);
        let prepare = self
            .monitors
            .values()
            .filter(|entry| entry.active.is_none())
            .filter_map(|entry| Some(entry.next_due?.epoch_ms() - ahead));
        let overlap = self
            .monitors
            .values()
            .filter(|entry| entry.active.is_some())
            .filter_map(|entry| Some(entry.next_due?.epoch_ms()));
        let go = self
            .runs
            .values()
            .filter(|run| run.prepared && !run.gone)
            .map(|run| run.due.epoch_ms());
        let next = prepare
            .chain(overlap)
            .chain(go)
            .filter(|at| *at > now)
            .min()
            .unwrap_or(now + 60_000);
        // Checked at least once a second: the wall clock may jump.
        Duration::from_millis(u64::try_from(next - now).unwrap_or(0).clamp(1, 1000))
    }

    /// Nothing new is started; prepared runs are withdrawn, others may end within the grace period.
    async fn stop(mut self) {
        for run in self.runs.values_mut().filter(|run| !run.gone) {
            run.child.stop();
        }
        let deadline = tokio::time::Instant::now() + self.config.grace;
        let mut asked = false;
        while !self.runs.is_empty() {
            tokio::select! {
                Some(event) = self.events.recv() => self.receive(event),
                () = tokio::time::sleep_until(deadline), if !asked => {
                    asked = true;
                    self.runs.values_mut().for_each(|run| run.child.stop());
                }
            }
        }
        while self.tasks.join_next().await.is_some() {}
    }
}

fn record(
    ledger: &dyn Ledger,
    monitor: &str,
    event: LedgerEvent,
    due_at: Moment,
    uuid: Option<&str>,
    reason: Option<String>,
) {
    ledger.record(LedgerEntry {
        timestamp: Moment::now(),
        monitor: monitor.to_owned(),
        event,
        due_at,
        uuid: uuid.map(str::to_owned),
        reason,
        exit_code: None,
        delay_ms: None,
    });
}
