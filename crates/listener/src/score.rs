//! What a score means: 0 is the worst that can happen to a user, 100 is excellent.

use serde::{Deserialize, Serialize};

/// Below this a notice is sent at once.
pub const EMERGENCY_BELOW: u8 = 30;

/// The three ranges of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// 0 to 30.
    Poor,
    /// 31 to 70.
    Fair,
    /// 71 to 100.
    Good,
}

impl Severity {
    pub fn of(score: u8) -> Self {
        match score {
            0..=30 => Severity::Poor,
            31..=70 => Severity::Fair,
            _ => Severity::Good,
        }
    }

    /// As the established product words it.
    pub fn text(self) -> &'static str {
        match self {
            Severity::Poor => "needs fix!",
            Severity::Fair => "needs improvement!",
            Severity::Good => "good job!",
        }
    }

    /// Red, orange, green, as `#rrggbb`.
    pub fn color(self) -> &'static str {
        match self {
            Severity::Poor => "#c62828",
            Severity::Fair => "#e07b00",
            Severity::Good => "#2e7d32",
        }
    }
}

/// Whether a finding of this score is told at once: 30 itself is red, but no emergency.
pub fn is_emergency(score: u8) -> bool {
    score < EMERGENCY_BELOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_is_red_and_no_emergency() {
        assert_eq!(Severity::of(30).text(), "needs fix!");
        assert!(!is_emergency(30) && is_emergency(29));
        assert_eq!(Severity::of(31).text(), "needs improvement!");
        assert_eq!(Severity::of(71).text(), "good job!");
    }
}
