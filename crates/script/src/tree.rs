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
}

/// A hook.
#[derive(Clone, Debug, Deserialize)]
pub struct Callable {
    pub id: u32,
    /// `this.timeout(ms)`.
    pub timeout: Option<u64>,
}

/// An `it`.
#[derive(Clone, Debug, Deserialize)]
pub struct TestNode {
    pub id: u32,
    pub title: String,
    pub timeout: Option<u64>,
    /// Skipped, or declared without a body.
    pub pending: bool,
}

impl SuiteNode {
    /// How many tests there are, pending ones included.
    pub fn test_count(&self) -> usize {
        self.tests.len() + self.suites.iter().map(SuiteNode::test_count).sum::<usize>()
    }
}
