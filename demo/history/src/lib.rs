//! Months of telemetry that never happened: every `c.*` index, document by document, from a seed.
//!
//! The same [`History`] gives the same documents on any machine. Monitors have their own pages, hosts and speeds; load follows
//! the hours of the day; and what went wrong is known beforehand ([`History::incidents`]), so that pages, rules and comparisons
//! can be tested against the truth.

mod audit;
mod incident;
mod page;
mod random;
mod run;
mod world;

use canarytrace_model::{
    index::{DEFAULT_PREFIX, Service},
    time::Moment,
};
use serde::Serialize;

pub use incident::{Incident, Trouble};
pub use random::Random;
use world::Monitor;

/// One document as it is sent to a store.
#[derive(Clone, Debug)]
pub struct Document {
    pub index: String,
    pub id: String,
    /// JSON.
    pub source: Vec<u8>,
}

/// What to make up.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    pub from: Moment,
    pub days: u32,
    pub monitors: usize,
    /// Between two runs of one monitor.
    pub interval_s: u32,
}

const DAY_MS: i64 = 24 * 3_600_000;
/// A run leaves about so many documents.
pub const DOCUMENTS_PER_RUN: u64 = 103;

impl Plan {
    /// A month of 24 monitors with about so many documents, its runs as far apart as that takes.
    pub fn of_documents(seed: u64, from: Moment, documents: u64) -> Self {
        let (days, monitors) = (30, 24);
        let runs = (documents / DOCUMENTS_PER_RUN / monitors).max(1);
        Self {
            seed,
            from,
            days,
            monitors: usize::try_from(monitors).unwrap_or(24),
            interval_s: u32::try_from(u64::from(days) * 86_400 / runs).unwrap_or(u32::MAX),
        }
    }

    fn until_ms(&self) -> i64 {
        self.from.epoch_ms() + i64::from(self.days) * DAY_MS
    }
}

/// The runs of a plan in the order of their time; each item is all that one run left.
#[derive(Debug)]
pub struct History {
    plan: Plan,
    monitors: Vec<Monitor>,
    incidents: Vec<Incident>,
    slot: i64,
    position: usize,
}

impl History {
    pub fn new(plan: Plan) -> Self {
        let monitors = world::monitors(&plan);
        let incidents = incident::planted(&plan, &monitors);
        Self {
            plan,
            monitors,
            incidents,
            slot: 0,
            position: 0,
        }
    }

    /// What goes wrong, and when.
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// The names of the monitors.
    pub fn monitors(&self) -> impl Iterator<Item = &str> {
        self.monitors.iter().map(|monitor| &*monitor.name)
    }
}

impl Iterator for History {
    type Item = Vec<Document>;

    fn next(&mut self) -> Option<Self::Item> {
        let step_ms = i64::from(self.plan.interval_s) * 1000;
        // The monitors of a slot start one after another.
        let own = step_ms * i64::try_from(self.position).ok()?
            / i64::try_from(self.monitors.len()).ok()?;
        let due_ms = self.plan.from.epoch_ms() + self.slot * step_ms + own;
        if due_ms >= self.plan.until_ms() {
            return None;
        }
        let monitor = self.monitors.get(self.position)?;
        let ran = run::documents(
            &self.plan,
            monitor,
            &self.incidents,
            Moment::from_epoch_ms(due_ms),
            self.slot,
        );
        self.position += 1;
        if self.position == self.monitors.len() {
            (self.position, self.slot) = (0, self.slot + 1);
        }
        Some(ran)
    }
}

/// Collects the documents of one run.
struct Output<'a> {
    run: &'a str,
    documents: Vec<Document>,
}

impl Output<'_> {
    fn add(&mut self, service: Service, at: Moment, document: &impl Serialize) {
        self.add_named(service.name(), at, document);
    }

    fn add_named(&mut self, service: &str, at: Moment, document: &impl Serialize) {
        let index = format!("{DEFAULT_PREFIX}{service}-{}", at.index_date());
        let id = format!("{}-{service}-{:06}", self.run, self.documents.len() + 1);
        let source = serde_json::to_vec(document).unwrap_or_default();
        self.documents.push(Document { index, id, source });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    fn plan(seed: u64) -> Plan {
        Plan::of_documents(seed, Moment::from_epoch_ms(1_790_812_800_000), 30_000)
    }

    #[test]
    fn a_seed_gives_the_same_documents_and_another_others() {
        let first = |seed| -> Vec<Vec<u8>> {
            let documents = History::new(plan(seed)).flatten().take(300);
            documents.map(|document| document.source).collect()
        };
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn every_index_has_documents_and_ids_are_unique() {
        let mut services: BTreeMap<String, usize> = BTreeMap::new();
        let mut ids = std::collections::BTreeSet::new();
        let (mut documents, mut bytes) = (0, 0);
        for document in History::new(plan(1)).flatten() {
            let service = document.index.split_at(document.index.len() - 11).0;
            *services.entry(service.to_owned()).or_default() += 1;
            documents += 1;
            bytes += document.source.len();
            assert!(ids.insert(document.id));
        }
        let every: Vec<String> = Service::ALL
            .iter()
            .map(|service| format!("c.{}", service.name()))
            .collect();
        assert!(
            every.iter().all(|service| services.contains_key(service)),
            "{services:?}"
        );
        assert!(services.contains_key("c.audit"), "{services:?}");
        assert!((25_000..35_000).contains(&documents), "{documents}");
        assert!(
            (1000..1600).contains(&(bytes / documents)),
            "{}",
            bytes / documents
        );
    }

    #[test]
    fn what_is_planted_shows_in_the_runs() {
        let history = History::new(plan(1));
        let names: Vec<String> = history.monitors().map(str::to_owned).collect();
        let incidents = history.incidents().to_vec();
        let outage = &incidents[0];
        let name = &names[usize::try_from(outage.monitors[0]).unwrap()];
        let (mut inside, mut outside) = ((0, 0), (0, 0));
        for document in history
            .flatten()
            .filter(|document| document.index.starts_with("c.run-"))
        {
            let run: Value = serde_json::from_slice(&document.source).unwrap();
            if run["monitor"] != name.as_str() {
                continue;
            }
            let at: Moment = serde_json::from_value(run["startedAt"].clone()).unwrap();
            let counted = if outage.from <= at && at < outage.until {
                &mut inside
            } else {
                &mut outside
            };
            counted.0 += 1;
            counted.1 += usize::from(run["passed"] == false);
        }
        assert_eq!(inside.0, inside.1, "every run of the outage fails");
        assert!(
            outside.1 * 20 < outside.0,
            "hardly any other does: {outside:?}"
        );
    }
}
