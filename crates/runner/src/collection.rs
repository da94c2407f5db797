//! The documents of a step beside its report: timeline, vitals, requests, memory, coverage.

use canarytrace_evidence::EvidenceError;
use canarytrace_model::documents::HostPressure;

use crate::{
    collect::{
        bodies,
        coverage::{self, Covered},
        network::Exchange,
        performance::Timeline,
        weight::weigh,
    },
    step::{OpenStep, Stage},
};

/// What a step has seen of its page.
#[derive(Debug)]
pub(crate) struct Visit {
    /// A page was opened in this step.
    pub(crate) navigated: bool,
    pub(crate) timeline: Option<Timeline>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) host: HostPressure,
}

impl Stage {
    pub(crate) async fn read_timeline(&mut self, navigated: bool) -> Option<Timeline> {
        self.performance
            .read(&self.browser, navigated, self.switches.hero_elements)
            .await
    }

    /// Writes what was seen; `is_page` when there is a page that can still be asked.
    pub(crate) async fn collect(
        &mut self,
        step: &mut OpenStep,
        visit: Visit,
        is_page: bool,
    ) -> Result<(), EvidenceError> {
        let Visit {
            navigated,
            timeline,
            exchanges,
            host,
        } = visit;
        let name = step.name.clone();
        let heap = timeline.as_ref().and_then(|timeline| timeline.heap);
        if let Some(timeline) = timeline {
            let is_visit = navigated && timeline.vitals.load.is_some();
            let inp = timeline.vitals.inp;
            if is_visit && self.vitals.is_none() {
                self.vitals = Some(timeline.vitals.clone());
            }
            self.reporter.performance(&name, timeline.entries)?;
            if let (Some(vitals), Some(inp)) = (&mut self.vitals, inp) {
                // Of the run: the longest of all its steps.
                vitals.inp = Some(vitals.inp.map_or(inp, |longest| longest.max(inp)));
            }
            if is_visit || inp.is_some() {
                let weight = weigh(&self.page, &exchanges, self.reporter.clock.now());
                self.reporter
                    .vitals(&name, timeline.vitals, timeline.detail, weight, host)?;
            }
        }
        if self.switches.request_log {
            self.reporter.exchanges(&name, &exchanges)?;
        }
        if self.switches.bodies && is_page {
            let caller = self.browser.devtools.clone();
            let fetched = bodies::fetch(&caller, &exchanges, &mut self.bodies_left).await;
            self.reporter.bodies(&fetched)?;
        }
        if let Some(sampler) = step.memory.take().filter(|_| is_page) {
            self.reporter.memory(&name, sampler.finish(heap).await)?;
        }
        let taken = std::mem::take(&mut self.coverage_taken);
        if self.switches.coverage && is_page && !taken {
            let covered = self.take_coverage().await;
            self.reporter.coverage(&name, covered)?;
        }
        Ok(())
    }

    /// What was used so far counts no more.
    pub(crate) async fn forget_coverage(&mut self) {
        self.take_coverage().await;
    }

    /// Stores what was used since the start, or since the last time, of addresses that contain a text.
    pub(crate) async fn store_coverage(
        &mut self,
        filter: Option<&str>,
    ) -> Result<(), EvidenceError> {
        let mut covered = self.take_coverage().await;
        covered.retain(|part| filter.is_none_or(|filter| part.url.contains(filter)));
        self.coverage_taken = true;
        match self.step.clone() {
            Some(step) => self.reporter.coverage(&step, covered),
            None => Ok(()),
        }
    }

    async fn take_coverage(&mut self) -> Vec<Covered> {
        let sheets = self.collectors.take_sheets();
        let taken = coverage::take(&self.browser.devtools, &sheets).await;
        taken.unwrap_or_else(|error| {
            self.reporter
                .line(format!("coverage could not be taken: {error}"));
            Vec::new()
        })
    }
}
