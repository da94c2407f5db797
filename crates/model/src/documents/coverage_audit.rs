//! `c.coverage-audit-*`: how much of each script and style sheet a visit used.

use serde::Serialize;

use super::{Common, OverheadField};
use crate::ActionId;

/// One covered resource; sizes are characters of its source, which for ASCII are bytes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoverageAudit {
    #[serde(flatten)]
    pub common: Common,
    pub uuid_action: ActionId,
    /// Same content as `fullTitle` elsewhere.
    pub test_step: String,
    /// The page's own URL stands for its inline scripts and styles.
    pub url: String,
    pub total: u64,
    pub unused: u64,
    /// `unused / total * 100`, rounded half up.
    pub percent_unused: u64,
    /// Ours: `script` or `stylesheet`.
    pub kind: &'static str,
    pub overhead: OverheadField,
}

impl CoverageAudit {
    /// The share in percent; nothing of nothing is 0.
    pub fn percent(unused: u64, total: u64) -> u64 {
        if total == 0 {
            return 0;
        }
        (unused * 200 + total) / (total * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_samples_come_out() {
        assert_eq!(CoverageAudit::percent(42, 685), 6);
        assert_eq!(CoverageAudit::percent(903, 2979), 30);
        assert_eq!(CoverageAudit::percent(1, 200), 1);
        assert_eq!(CoverageAudit::percent(0, 0), 0);
    }
}
