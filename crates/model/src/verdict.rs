//! How a run or a step is judged: the outcome, the party to blame, and the facts it was decided on.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What became of a run or step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything was as it should be.
    Passed,
    /// The site (or what it depends on) is at fault.
    Failed,
    /// We, the browser, the script, our network or the machine are at fault: nothing is said about the site.
    Broken,
}

/// The party to blame for what is not `passed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    Site,
    ThirdParty,
    Network,
    Login,
    Script,
    Browser,
    Runner,
    Configuration,
    Inconclusive,
}

impl Cause {
    /// The outcome that a cause implies.
    pub fn outcome(self) -> Outcome {
        match self {
            Cause::Site | Cause::ThirdParty | Cause::Login | Cause::Inconclusive => Outcome::Failed,
            Cause::Network
            | Cause::Script
            | Cause::Browser
            | Cause::Runner
            | Cause::Configuration => Outcome::Broken,
        }
    }

    /// The exit code that a cause implies: 1 the site, 2 configuration, 3 us.
    pub fn exit_code(self) -> u8 {
        match (self, self.outcome()) {
            (Cause::Configuration, _) => 2,
            (_, Outcome::Failed) => 1,
            _ => 3,
        }
    }

    /// As stored in `verdict.cause`.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Site => "site",
            Cause::ThirdParty => "third-party",
            Cause::Network => "network",
            Cause::Login => "login",
            Cause::Script => "script",
            Cause::Browser => "browser",
            Cause::Runner => "runner",
            Cause::Configuration => "configuration",
            Cause::Inconclusive => "inconclusive",
        }
    }
}

/// The judgement of a run or step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    pub outcome: Outcome,
    /// Absent when passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// One sentence for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What the decision rests on; a free-form tree, stored but not indexed.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub facts: Map<String, Value>,
}

impl Verdict {
    pub fn passed() -> Self {
        Self {
            outcome: Outcome::Passed,
            cause: None,
            detail: None,
            facts: Map::new(),
        }
    }

    /// A verdict that blames `cause`; the outcome follows from it.
    pub fn blame(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            outcome: cause.outcome(),
            cause: Some(cause),
            detail: Some(detail.into()),
            facts: Map::new(),
        }
    }

    #[must_use]
    pub fn with_fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    pub fn is_passed(&self) -> bool {
        self.outcome == Outcome::Passed
    }

    pub fn exit_code(&self) -> u8 {
        self.cause.map_or(0, Cause::exit_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_follow_the_cause() {
        assert_eq!(Verdict::passed().exit_code(), 0);
        let expected = [
            (Cause::Site, 1),
            (Cause::ThirdParty, 1),
            (Cause::Login, 1),
            (Cause::Inconclusive, 1),
            (Cause::Network, 3),
            (Cause::Browser, 3),
            (Cause::Runner, 3),
            (Cause::Script, 3),
            (Cause::Configuration, 2),
        ];
        for (cause, code) in expected {
            assert_eq!(Verdict::blame(cause, "x").exit_code(), code, "{cause:?}");
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
        }
    }
}
