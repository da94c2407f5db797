//! What a spec declares.

use serde::Deserialize;

/// A `describe`; the root has an empty title.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuiteNode {
    pub title: String,
    pub before: Vec<Callable>,
    pub after: Vec<Callable>,
    pub before_each: Vec<Callable>,
    pub after_each: Vec<Callable>,
    pub tests: Vec<TestNode>,
    pub suites: Vec<SuiteNode>,
    /// Of the root: the first failure ends the run.
    #[serde(default)]
    pub bail: bool,
}

/// A hook.
#[derive(Clone, Debug, Deserialize)]
pub struct Callable {
    pub id: u32,
    /// Such as `"before each" hook: opens the page`.
    pub title: String,
    /// `this.timeout(ms)`.
    pub timeout: Option<u64>,
}

/// An `it`.
#[derive(Clone, Debug, Deserialize)]
pub struct TestNode {
    pub id: u32,
    pub title: String,
    pub timeout: Option<u64>,
    /// How often a failed test is tried again.
    pub retries: u32,
    /// Skipped, or declared without a body.
    pub pending: bool,
}

impl SuiteNode {
    /// How many tests there are, pending ones included.
    pub fn test_count(&self) -> usize {
        self.tests.len() + self.suites.iter().map(SuiteNode::test_count).sum::<usize>()
    }

    /// Whether anything in it would run.
    pub fn has_runnable(&self) -> bool {
        self.tests.iter().any(|test| !test.pending)
            || self.suites.iter().any(SuiteNode::has_runnable)
    }
}
