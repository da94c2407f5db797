//! What is known about a step when it ends: everything the judge decides on, and nothing it would have to ask for.

use std::time::Duration;

use canarytrace_script::ScriptErrorKind;
use serde::{Deserialize, Serialize};

/// The facts of one step.
#[derive(Clone, Debug, Default)]
pub struct StepFacts {
    /// The page that was opened, if one was.
    pub url: Option<String>,
    /// Of the first navigate request.
    pub status: Option<u16>,
    /// The status of a navigation that the step made by itself is one of these facts.
    pub status_counts: bool,
    /// The navigation had no answer yet when the step ended.
    pub unanswered: bool,
    /// `net::ERR_…` of the navigation.
    pub net_error: Option<String>,
    /// What the page should have been and was not.
    pub unmet: Option<Unmet>,
    /// A limit that passed, and what was awaited.
    pub deadline: Option<(String, Duration)>,
    /// The browser or its driver ended or is silent; why, if known.
    pub browser_gone: Option<String>,
    pub script: Option<ScriptFailure>,
    /// The URL that was asked for cannot be one.
    pub invalid: Option<String>,
    /// Requests that failed, were answered by an error, or took long; at most a few.
    pub requests: Vec<RequestFact>,
    /// Uncaught exceptions of the page, at most a few.
    pub exceptions: Vec<ExceptionFact>,
    /// The page as it was when the step failed.
    pub page: Option<PageLook>,
    /// The text of a dialog that the page showed when the step ended.
    pub dialog: Option<String>,
    /// A form was sent to the site in this run before the step failed.
    pub posted: bool,
    /// The control URL, asked when the step failed.
    pub control: Option<ControlAnswer>,
    /// What our own resolver says of the host.
    pub lookup: Option<Lookup>,
    /// The site's clock less ours, seconds; asked when a certificate is not valid now.
    pub site_clock_ahead_s: Option<f64>,
    pub host: HostFacts,
    /// The browser's processes, asked when the step failed.
    pub browser: Option<BrowserFacts>,
}

/// An expectation that did not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Unmet {
    /// In words.
    pub text: String,
    /// The page came, but too late: time is what is wrong.
    pub slow: bool,
}

impl Unmet {
    pub(crate) fn wrong(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            slow: false,
        }
    }
}

/// An error of a script.
#[derive(Clone, Debug)]
pub struct ScriptFailure {
    pub kind: ScriptErrorKind,
    pub name: String,
    pub message: String,
    pub place: Option<String>,
    /// The line of the place with its neighbours.
    pub excerpt: Option<String>,
    /// The command that was under way when the step's limit passed.
    pub awaiting: Option<String>,
}

/// Whose a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    First,
    Third,
}

/// A request that is not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestFact {
    pub url: String,
    pub party: Party,
    /// `Document`, `Script`, `XHR`, …
    #[serde(rename = "type")]
    pub kind: String,
    pub method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `net::ERR_…` or why it was blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// No end was seen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// From its start to its end, or to now; ms.
    pub duration_ms: u64,
}

/// A request is slow from here on.
pub(crate) const SLOW_REQUEST_MS: u64 = 1000;

impl RequestFact {
    /// It failed or was answered by an error (not: it was slow).
    pub(crate) fn is_failed(&self) -> bool {
        self.error.is_some() || self.status.is_some_and(|status| status > 399)
    }

    /// A page may need what it brings: not an image, a font or a beacon.
    pub(crate) fn is_essential(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "Document" | "Script" | "Stylesheet" | "XHR" | "Fetch" | "EventSource"
        )
    }

    /// In words: `http://h/api answered 500`.
    pub(crate) fn in_words(&self) -> String {
        match (&self.error, self.status) {
            (Some(error), _) => format!("{} failed ({error})", self.url),
            (None, Some(status)) if status > 399 => format!("{} answered {status}", self.url),
            (_, status) if self.pending => format!(
                "{} had no {} after {:.1}s",
                self.url,
                if status.is_some() { "end" } else { "answer" },
                self.duration_ms as f64 / 1000.0
            ),
            _ => format!("{} took {:.1}s", self.url, self.duration_ms as f64 / 1000.0),
        }
    }
}

/// An uncaught exception.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExceptionFact {
    pub text: String,
    /// The script it came from, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub party: Party,
}

/// What a page looks like when a step failed on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PageLook {
    pub href: String,
    pub title: String,
    pub ready_state: String,
    /// A password field is shown.
    pub password_field: bool,
    /// A person is asked to prove being one.
    pub captcha: bool,
}

/// What became of a request to the control URL.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlAnswer {
    pub url: String,
    pub reachable: bool,
    pub detail: String,
    /// Its clock less ours, seconds, as its `Date` says.
    pub clock_ahead_s: Option<f64>,
}

/// What our resolver says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lookup {
    Resolves,
    NoSuchName,
    /// It could not be asked, or did not answer.
    ResolverSilent,
}

/// The machine while the step ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostFacts {
    /// Share of time in which some task waited for a CPU, percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_pressure_percent: Option<f64>,
    /// Share of all CPUs' time that others than this run have used, percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others_cpu_percent: Option<f64>,
    /// Share of time in which the run's own CPU limit held it back, percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled_percent: Option<f64>,
    /// Processes of this run that were killed because its memory limit was reached.
    pub oom_kills: u64,
}

/// Above this the machine, not the site, decides how long things take.
const STARVED_PERCENT: f64 = 75.0;
const THROTTLED_PERCENT: f64 = 40.0;
/// Below this the page itself is what keeps the machine busy.
const OTHERS_PERCENT: f64 = 40.0;

impl HostFacts {
    pub(crate) fn is_starved(&self) -> bool {
        let by_others = self
            .others_cpu_percent
            .is_none_or(|percent| percent >= OTHERS_PERCENT);
        let is_tight = self
            .cpu_pressure_percent
            .is_some_and(|percent| percent >= STARVED_PERCENT);
        is_tight && by_others
            || self
                .throttled_percent
                .is_some_and(|percent| percent >= THROTTLED_PERCENT)
    }
}

/// Whether the browser's parts still answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrowserFacts {
    /// The browser process answers DevTools.
    pub answers: bool,
    /// The page's main thread answers.
    pub page_answers: bool,
    /// Processes of the browser that are stopped by a signal.
    pub stopped: Vec<String>,
}
