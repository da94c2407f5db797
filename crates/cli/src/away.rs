//! The store does not answer: nothing can be written there, so whoever looks after us is told directly, once. What was told
//! is kept in a file, so that a listener that is killed meanwhile does not tell it again.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    time::Duration,
};

use canarytrace_listener::message::{Kind, Message};
use canarytrace_model::time::Moment;
use serde::{Deserialize, Serialize};
use tracing::warn;

/// The store is away when so many rounds failed, and for so long.
const ROUNDS: u32 = 3;
const AFTER: Duration = Duration::from_secs(60);

/// How far a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Told {
    No,
    /// It was on its way when it was written down.
    Sending,
    Yes,
}

/// What is in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Absence {
    began: Moment,
    opened: Told,
    closed: Told,
}

pub(crate) struct Away {
    file: PathBuf,
    absence: Option<Absence>,
    rounds: u32,
}

impl Away {
    /// Where a listener without a data folder keeps it, by the store that it watches.
    pub(crate) fn usual_file(store: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        store.hash(&mut hasher);
        std::env::temp_dir().join(format!("canarytrace-away-{:016x}.json", hasher.finish()))
    }

    /// With what the one before has left in `file`.
    pub(crate) fn open(file: PathBuf) -> Self {
        let absence = std::fs::read(&file)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        Self {
            file,
            absence,
            rounds: 0,
        }
    }

    /// A round failed; answers what is to be told now.
    pub(crate) fn failed(&mut self, error: &str, now: Moment) -> Option<Message> {
        self.rounds += 1;
        if self.rounds == 1 {
            warn!(%error, "a round of the listener failed");
        }
        let absence = self.absence.get_or_insert(Absence {
            began: now,
            opened: Told::No,
            closed: Told::No,
        });
        let lasted = now.epoch_ms() - absence.began.epoch_ms();
        let is_long = i128::from(lasted) >= i128::try_from(AFTER.as_millis()).unwrap_or(0);
        if absence.opened == Told::Yes || self.rounds < ROUNDS || !is_long {
            return None;
        }
        let text = format!(
            "The store has not answered since {}: {error}",
            absence.began
        );
        let message = message(
            Kind::Opened,
            absence.began,
            now,
            text,
            absence.opened == Told::Sending,
        );
        absence.opened = Told::Sending;
        self.write();
        Some(message)
    }

    /// A round succeeded; answers what is to be told now.
    pub(crate) fn is_back(&mut self, now: Moment) -> Option<Message> {
        self.rounds = 0;
        let absence = self.absence.as_mut()?;
        if absence.opened == Told::No {
            self.forget();
            return None;
        }
        let seconds = (now.epoch_ms() - absence.began.epoch_ms()) / 1000;
        let text =
            format!("The store answers again after {seconds} s. What it missed is judged now.");
        let message = message(
            Kind::Closed,
            absence.began,
            now,
            text,
            absence.closed == Told::Sending,
        );
        absence.closed = Told::Sending;
        self.write();
        Some(message)
    }

    /// What was to be told has arrived.
    pub(crate) fn arrived(&mut self) {
        match &mut self.absence {
            Some(absence) if absence.closed == Told::No => {
                absence.opened = Told::Yes;
                self.write();
            }
            _ => self.forget(),
        }
    }

    /// It is over: whoever comes next must not take it for his own.
    fn forget(&mut self) {
        self.absence = None;
        std::fs::remove_file(&self.file).ok();
    }

    /// What was to be told was refused, or nobody was there: it did not arrive.
    pub(crate) fn did_not_arrive(&mut self) {
        if let Some(absence) = &mut self.absence {
            match absence.closed {
                Told::Sending => absence.closed = Told::No,
                _ => absence.opened = Told::No,
            }
            self.write();
        }
    }

    /// The answer was lost: it is sent once more, and no third time.
    pub(crate) fn may_have_arrived(&mut self, message: &Message) {
        if message.uncertain {
            self.arrived();
        }
    }

    fn write(&self) {
        let text = serde_json::to_vec(&self.absence).unwrap_or_default();
        if let Err(error) = std::fs::write(&self.file, text) {
            warn!(%error, file = %self.file.display(), "that the store is away cannot be written down");
        }
    }
}

fn message(kind: Kind, began: Moment, now: Moment, text: String, uncertain: bool) -> Message {
    let incident = format!("store-away-{}", began.epoch_ms() / 60_000);
    Message {
        id: format!("{incident}-{kind:?}").to_lowercase(),
        kind,
        incident,
        rule: "Store health".to_owned(),
        title: "The store cannot be reached".to_owned(),
        text,
        score: 0,
        started_at: began.to_string(),
        at: now.to_string(),
        uncertain,
        ..Message::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_epoch_ms(1_790_812_800_000 + seconds * 1000)
    }

    /// Rounds that fail, ten seconds apart; what is to be told.
    fn fail(away: &mut Away, from: i64, until: i64) -> Vec<Message> {
        (from..until)
            .step_by(10)
            .filter_map(|second| away.failed("refused", at(second)))
            .collect()
    }

    #[test]
    fn an_absence_is_told_once_and_its_end_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("away.json");
        let mut away = Away::open(file.clone());
        assert!(
            fail(&mut away, 0, 60).is_empty(),
            "it may come back at once"
        );
        let told = fail(&mut away, 60, 70);
        assert!(told.len() == 1 && !told[0].uncertain);
        away.arrived();
        assert!(fail(&mut away, 70, 300).is_empty());
        drop(away);
        let mut away = Away::open(file.clone());
        assert!(
            fail(&mut away, 300, 400).is_empty(),
            "a new process knows that it was told"
        );
        let back = away.is_back(at(400)).unwrap();
        assert_eq!(back.incident, told[0].incident);
        assert!(back.text.contains("after 400 s"), "{}", back.text);
        away.arrived();
        assert!(!file.exists());
        assert!(away.is_back(at(410)).is_none());
    }

    #[test]
    fn what_may_have_arrived_is_sent_again_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("away.json");
        let mut away = Away::open(file.clone());
        let first = fail(&mut away, 0, 70).remove(0);
        // Killed before the receiver answered.
        let mut away = Away::open(file);
        let again = fail(&mut away, 70, 100).remove(0);
        assert!(again.uncertain && again.id == first.id);
    }

    #[test]
    fn what_was_refused_is_tried_again_without_a_doubt() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("away.json");
        let mut away = Away::open(file.clone());
        let first = fail(&mut away, 0, 70).remove(0);
        away.did_not_arrive();
        let again = fail(&mut away, 70, 80).remove(0);
        assert!(!again.uncertain && again.id == first.id);
        away.did_not_arrive();
        assert!(away.is_back(at(90)).is_none());
        assert!(!file.exists(), "an absence that nobody heard of is over");
    }

    #[test]
    fn an_end_that_was_refused_is_tried_again_also_after_a_doubtful_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let mut away = Away::open(folder.path().join("away.json"));
        fail(&mut away, 0, 70);
        assert!(away.is_back(at(90)).is_some());
        away.did_not_arrive();
        let again = away.is_back(at(92)).unwrap();
        assert!(!again.uncertain);
        away.may_have_arrived(&again);
        let last = away.is_back(at(94)).unwrap();
        assert!(last.uncertain);
        away.may_have_arrived(&last);
        assert!(away.is_back(at(96)).is_none(), "no third time");
    }

    #[test]
    fn a_short_absence_is_nobodys_business() {
        let folder = tempfile::tempdir().unwrap();
        let mut away = Away::open(folder.path().join("away.json"));
        assert!(fail(&mut away, 0, 30).is_empty());
        assert!(away.is_back(at(30)).is_none());
        assert!(fail(&mut away, 40, 90).is_empty());
    }
}
