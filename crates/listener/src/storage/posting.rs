//! How far the mail of a report came, so that it is sent once, and again when nobody took it.

use std::time::Duration;

use canarytrace_es::EsError;
use canarytrace_model::time::Moment;
use serde::{Deserialize, Serialize};

use super::{Storage, Stored, WriteError};
use crate::{incident::moment, reporters::SendError};

const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum State {
    #[default]
    New,
    /// It was on its way when this was written; whoever finds it so does not know more.
    Sending,
    /// Nobody took it yet.
    Waiting,
    Sent,
    /// It will never be taken, or may have arrived.
    GivenUp,
}

/// `c.listener/report-{day}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Posting {
    kind: String,
    state: State,
    at: String,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    again_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Posting {
    /// Whether it is to be sent now.
    pub fn is_due(&self, now: Moment) -> bool {
        match self.state {
            State::New => true,
            State::Waiting => self
                .again_at
                .as_deref()
                .map(moment)
                .is_none_or(|again| again.0 <= now.0),
            State::Sending | State::Sent | State::GivenUp => false,
        }
    }

    /// It goes now.
    pub fn begin(&mut self, now: Moment) {
        "report".clone_into(&mut self.kind);
        self.state = State::Sending;
        self.at = now.to_string();
        self.attempts += 1;
        self.again_at = None;
    }

    /// What came of it; answers when it is tried again.
    pub fn end(&mut self, result: &Result<(), SendError>, now: Moment) -> Option<Duration> {
        self.reason = result.as_ref().err().map(ToString::to_string);
        let pause = match result {
            Ok(()) => {
                self.state = State::Sent;
                return None;
            }
            Err(SendError::Temporary { after, .. }) => after.unwrap_or_else(|| {
                let doubled = 2_u32.saturating_pow(self.attempts.saturating_sub(1));
                FIRST_PAUSE.saturating_mul(doubled)
            }),
            Err(_) => {
                self.state = State::GivenUp;
                return None;
            }
        };
        let pause = pause.min(LONGEST_PAUSE);
        self.state = State::Waiting;
        self.again_at = now
            .0
            .checked_add(pause)
            .ok()
            .map(|at| Moment(at).to_string());
        Some(pause)
    }
}

impl Storage {
    /// How far the report of a day came.
    pub async fn posting(&self, day: &str) -> Result<Stored<Posting>, EsError> {
        self.read(&format!("report-{day}")).await
    }

    /// Writes it unless somebody else did since it was read; answers its new place.
    pub async fn put_posting(&self, posting: &Stored<Posting>) -> Result<u64, WriteError> {
        let index = self.state_index();
        self.put(&index, &posting.id, &posting.value, posting.seq_no)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Moment {
        Moment::from_epoch_ms(1_800_000_000_000 + second * 1000)
    }

    #[test]
    fn what_nobody_took_goes_again_later_and_what_may_have_arrived_does_not() {
        let busy = Err(SendError::Temporary {
            reason: "451 later".to_owned(),
            after: None,
        });
        let mut posting = Posting::default();
        let mut now = 0;
        for pause in [10, 20, 40, 80, 160, 320, 600, 600] {
            assert!(posting.is_due(at(now)));
            posting.begin(at(now));
            assert!(!posting.is_due(at(now + 100_000)), "somebody is at it");
            assert_eq!(
                posting.end(&busy, at(now)),
                Some(Duration::from_secs(pause))
            );
            now += i64::try_from(pause).unwrap_or(0);
            assert!(!posting.is_due(at(now - 1)));
        }
        let lost = Err(SendError::Uncertain {
            reason: "the answer was lost".to_owned(),
        });
        posting.begin(at(now));
        assert_eq!(posting.end(&lost, at(now)), None);
        assert!(!posting.is_due(at(now + 100_000)));
    }
}
