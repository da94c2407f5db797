//! What a listener is set up with. Read by `cli` from the environment and canarytrace.yaml; nothing here reads either.

use std::{collections::BTreeMap, time::Duration};

use canarytrace_es::query::wildcard_matches;

use crate::{
    calendar::{Maintenance, Weekly},
    incident::Policy,
    message::Origin,
    reporters::Channels,
};

/// All of it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of index names.
    pub prefix: String,
    /// Documents of a search.
    pub query_size: usize,
    /// Print queries.
    pub observability: bool,
    /// Print rules.
    pub print_rules: bool,
    pub policy: Policy,
    pub origin: Origin,
    pub overviews: Overviews,
    pub checks: Checks,
    pub channels: Channels,
    /// A channel that rules name, and where it goes instead.
    pub routes: BTreeMap<String, String>,
    pub maintenance: Vec<Maintenance>,
    /// Monitors (patterns) and those they need.
    pub dependencies: Vec<(String, Vec<String>)>,
    /// The hours of a channel.
    pub hours: BTreeMap<String, Weekly>,
}

/// Lists of what is open.
#[derive(Clone, Copy, Debug)]
pub struct Overviews {
    /// Between two emergency overviews; zero: none.
    pub emergency_after: Duration,
    pub stage1_after: Duration,
    /// An incident that was seen more often is reminded of.
    pub stage1_repetition: u64,
}

impl Default for Overviews {
    fn default() -> Self {
        Self {
            emergency_after: Duration::from_secs(60 * 60),
            stage1_after: Duration::from_secs(180 * 60),
            stage1_repetition: 20,
        }
    }
}

/// The watch over the watchers.
#[derive(Clone, Copy, Debug)]
pub struct Checks {
    /// Newest report at most so old.
    pub canary: Option<Duration>,
    pub lifecycle: bool,
    /// Old data was deleted at most so long ago.
    pub data_manager: Option<Duration>,
    pub store: bool,
    pub nodes: bool,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            canary: Some(Duration::from_secs(300)),
            lifecycle: true,
            data_manager: Some(Duration::from_secs(48 * 3600)),
            store: true,
            nodes: true,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            prefix: canarytrace_model::index::DEFAULT_PREFIX.to_owned(),
            query_size: 1000,
            observability: false,
            print_rules: false,
            policy: Policy {
                close_after: Duration::from_secs(30 * 60),
            },
            origin: Origin::default(),
            overviews: Overviews::default(),
            checks: Checks::default(),
            channels: Channels::new(),
            routes: BTreeMap::new(),
            maintenance: Vec::new(),
            dependencies: Vec::new(),
            hours: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// The monitors that a monitor needs.
    pub fn needed_by<'a>(&'a self, monitor: &'a str) -> impl Iterator<Item = &'a str> {
        self.dependencies
            .iter()
            .filter(move |(pattern, _)| wildcard_matches(pattern, monitor))
            .flat_map(|(_, needed)| needed.iter().map(String::as_str))
            .filter(move |needed| *needed != monitor)
    }

    /// The channel that a rule's name stands for.
    pub fn route<'a>(&'a self, channel: &'a str) -> &'a str {
        self.routes.get(channel).map_or(channel, String::as_str)
    }
}
