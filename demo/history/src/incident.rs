//! What goes wrong in a history, and how it shows.

use canarytrace_model::{time::Moment, verdict::Cause};

use crate::{
    Plan, Random,
    world::{Monitor, THIRD_PARTIES},
};

/// What kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// The site answers with 503.
    Outage,
    /// Every third run or so fails, the others pass.
    Flap,
    /// Pages get slower day by day, up to twice as slow.
    SlowDrift,
    /// A new release: half as slow again from one moment on, and an error on the console.
    Regression,
    /// A host of a third party does not answer; all monitors that use it are slower, and those that need it fail.
    ThirdParty(&'static str),
    /// The log-in is refused.
    Login,
    /// The machine the runner is on is away: runs are expected and do not happen.
    RunnerDown,
}

/// Trouble of a monitor for a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    pub trouble: Trouble,
    /// Numbers of the monitors, from 0.
    pub monitors: Vec<u64>,
    pub from: Moment,
    pub until: Moment,
}

impl Incident {
    pub(crate) fn concerns(&self, monitor: u64, at: Moment) -> bool {
        self.from <= at && at < self.until && self.monitors.contains(&monitor)
    }

    /// Who is to blame for failed runs; none where runs only get slower.
    pub fn cause(&self) -> Option<Cause> {
        match self.trouble {
            Trouble::Outage | Trouble::Flap => Some(Cause::Site),
            Trouble::ThirdParty(_) => Some(Cause::ThirdParty),
            Trouble::Login => Some(Cause::Login),
            Trouble::RunnerDown => Some(Cause::Runner),
            Trouble::SlowDrift | Trouble::Regression => None,
        }
    }
}

const HOUR_MS: i64 = 3_600_000;

/// Trouble for a plan: each kind at least once when there are enough monitors, none of two kinds at once.
pub(crate) fn planted(plan: &Plan, monitors: &[Monitor]) -> Vec<Incident> {
    let mut random = Random::of(&[plan.seed, 2]);
    let mut at = |day: f64, hours: f64, trouble: Trouble, monitors: Vec<u64>| {
        let day = day * f64::from(plan.days) / 30.0 + random.unit() * 0.3;
        let from = plan.from.epoch_ms() + (day * 24.0 * HOUR_MS as f64) as i64;
        Incident {
            trouble,
            monitors,
            from: Moment::from_epoch_ms(from),
            until: Moment::from_epoch_ms(from + (hours * HOUR_MS as f64) as i64),
        }
    };
    let blocked = THIRD_PARTIES[2];
    let uses = |monitor: &&Monitor| {
        monitor
            .steps
            .iter()
            .flat_map(|step| &step.resources)
            .any(|resource| resource.url.contains(blocked))
    };
    let users = monitors
        .iter()
        .filter(uses)
        .map(|monitor| monitor.number)
        .collect();
    let everyone = monitors.iter().map(|monitor| monitor.number).collect();
    vec![
        at(2.0, 3.0, Trouble::Outage, vec![0]),
        at(4.0, 30.0, Trouble::Flap, vec![3]),
        at(6.0, 14.0 * 24.0, Trouble::SlowDrift, vec![4]),
        at(9.0, 6.0, Trouble::ThirdParty(blocked), users),
        at(12.0, 4.0, Trouble::Login, vec![5]),
        at(15.0, 15.0 * 24.0, Trouble::Regression, vec![1]),
        at(21.0, 5.0, Trouble::RunnerDown, everyone),
        at(24.0, 2.0, Trouble::Outage, vec![2, 7]),
        at(29.0, 8.0, Trouble::Outage, vec![6]),
    ]
}
