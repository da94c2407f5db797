//! Sending what was written down: marked first, sent, marked again. Whoever finds a mark of the first kind after a kill
//! sends once more and says so.

use std::{collections::BTreeMap, time::Duration};

use canarytrace_es::EsError;
use canarytrace_model::time::Moment;
use serde_json::{Value, json};

use super::Listener;
use crate::{
    incident::{Incident, Notice, NoticeKind, NoticeState, What},
    message::{self, Message},
    reporters::{Channel, RATE, RATE_WINDOW, SendError},
    score,
    storage::WriteError,
};

/// First pause after a failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(900);
const MOST_ATTEMPTS: u32 = 20;

/// Which notice, and whose.
#[derive(Clone)]
struct Due {
    owner: Owner,
    id: String,
    notice: String,
    channel: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Incident,
    Overview,
}

fn later(at: Moment, pause: Duration) -> Moment {
    Moment::from_epoch_ms(at.epoch_ms() + i64::try_from(pause.as_millis()).unwrap_or(0))
}

/// Changes the notices of an overview.
pub(super) fn each_notice(overview: &mut Value, mut change: impl FnMut(&mut Notice)) {
    let Some(own) = overview.get("notices").cloned() else {
        return;
    };
    let mut notices: Vec<Notice> = serde_json::from_value(own).unwrap_or_default();
    notices.iter_mut().for_each(&mut change);
    let pending = notices.iter().any(Notice::is_waiting);
    if let Some(map) = overview.as_object_mut() {
        map.insert("notices".to_owned(), json!(notices));
        map.insert("pending".to_owned(), json!(pending));
    }
}

impl Listener {
    /// Lists of what is open, for those who read them; written down like all else.
    pub(super) async fn overview(&mut self, now: Moment) -> Result<(), EsError> {
        let overviews = self.settings.overviews;
        let emergency = self.pointers.last_emergency_overview.clone();
        if self.is_time(
            "lastEmergencyOverview",
            emergency,
            overviews.emergency_after,
            now,
        ) {
            self.pointers.last_emergency_overview = Some(now.to_string());
            self.add_overview("Emergency overview", "emergency", now, |incident| {
                score::is_emergency(incident.score)
            })
            .await?;
        }
        let stage1 = self.pointers.stage1.clone();
        if self.is_time("stage1", stage1, overviews.stage1_after, now) {
            self.pointers.stage1 = Some(now.to_string());
            let most = overviews.stage1_repetition;
            self.add_overview("Overview of open incidents", "stage1", now, |incident| {
                !score::is_emergency(incident.score) || incident.repetition > most
            })
            .await?;
        }
        Ok(())
    }

    fn is_time(&self, name: &str, last: Option<String>, after: Duration, now: Moment) -> bool {
        if after.is_zero() {
            return false;
        }
        let Some(last) = last else {
            self.say(&format!(
                "Listener:overview:{name}: check after {} minutes",
                after.as_secs() / 60
            ));
            return true;
        };
        let passed = message::age_of(&last, now);
        let word = if name == "stage1" {
            "stage1"
        } else {
            "emergency"
        };
        match passed >= after {
            true => self.say(&format!(
                "Listener:overview:{name}: check after {} minutes",
                after.as_secs() / 60
            )),
            false => self.say(&format!(
                "Listener:overview:{name}: last {word} check has taken place before {} minutes",
                passed.as_secs() / 60
            )),
        }
        passed >= after
    }

    async fn add_overview(
        &mut self,
        name: &str,
        kind: &str,
        now: Moment,
        wanted: impl Fn(&Incident) -> bool,
    ) -> Result<(), EsError> {
        let open: Vec<(&str, &Incident)> = self
            .incidents
            .iter()
            .filter(|(_, stored)| {
                let incident = &stored.value;
                // What was told a moment ago needs no list.
                incident.is_open()
                    && incident.held.is_none()
                    && wanted(incident)
                    && !(incident.told && message::age_of(&incident.start_time, now) < FRESH)
            })
            .map(|(id, stored)| (id.as_str(), &stored.value))
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        let slot = now.epoch_ms() / 600_000;
        let id = format!("overview-{kind}-{slot}");
        let message = message::overview(name, &id, &open, &self.settings.origin, now);
        let mut notices = Vec::new();
        for channel in ["slack", "email-emergency"] {
            let is_wanted = channel == "slack" || kind == "emergency";
            if is_wanted
                && self
                    .settings
                    .channels
                    .contains_key(self.settings.route(channel))
            {
                notices.push(Notice {
                    id: format!("{id}-{channel}"),
                    kind: NoticeKind::Overview,
                    channel: channel.to_owned(),
                    recipients: Vec::new(),
                    state: NoticeState::Pending,
                    made_at: now.to_string(),
                    attempts: 0,
                    next_at: None,
                    sent_at: None,
                    error: None,
                    uncertain: false,
                });
            }
        }
        let document = json!({"kind": "overview", "pending": !notices.is_empty(), "message": message, "notices": notices});
        match self.storage.put_overview(&id, &document, None).await {
            Ok(seq_no) => {
                let stored = crate::storage::Stored {
                    id: id.clone(),
                    seq_no: Some(seq_no),
                    value: document,
                };
                self.overviews.insert(id, stored);
                self.storage.set_pointers(&self.pointers).await
            }
            // It was written before we were killed.
            Err(WriteError::Conflict) => Ok(()),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    fn due(&self, now: Moment) -> Vec<Due> {
        let of_incidents = self.incidents.iter().flat_map(|(id, stored)| {
            stored
                .value
                .notices
                .iter()
                .map(move |notice| (Owner::Incident, id, notice.clone()))
        });
        let of_overviews = self.overviews.iter().flat_map(|(id, stored)| {
            let notices = stored.value.get("notices").cloned();
            let notices: Vec<Notice> = notices
                .and_then(|own| serde_json::from_value(own).ok())
                .unwrap_or_default();
            notices
                .into_iter()
                .map(move |notice| (Owner::Overview, id, notice))
        });
        let mut due: Vec<(String, Due)> = of_incidents
            .chain(of_overviews)
            .filter(|(_, _, notice)| {
                notice.is_due(now) && self.is_within_hours(&notice.channel, now)
            })
            .map(|(owner, id, notice)| {
                let due = Due {
                    owner,
                    id: id.clone(),
                    notice: notice.id,
                    channel: self.settings.route(&notice.channel).to_owned(),
                };
                (notice.made_at, due)
            })
            .collect();
        due.sort_by(|(one, _), (other, _)| one.cmp(other));
        due.into_iter().map(|(_, due)| due).collect()
    }

    fn is_within_hours(&self, channel: &str, now: Moment) -> bool {
        let hours = self.settings.hours.get(self.settings.route(channel));
        hours.is_none_or(|hours| hours.end_at(now).is_some())
    }

    /// Sends what is due; answers how many messages went out.
    pub async fn deliver(&mut self, now: Moment) -> Result<usize, EsError> {
        let mut by_channel: BTreeMap<String, Vec<Due>> = BTreeMap::new();
        for due in self.due(now) {
            by_channel.entry(due.channel.clone()).or_default().push(due);
        }
        let mut sent = 0;
        for (channel, due) in by_channel {
            let budget = self.budget(&channel, now);
            if due.len() <= budget {
                for one in &due {
                    sent += self.send_one(one, now).await?;
                }
            } else if budget > 0 {
                // A flood: the first ones by themselves, the rest in one.
                let (alone, rest) = due.split_at(budget - 1);
                for one in alone {
                    sent += self.send_one(one, now).await?;
                }
                sent += self.send_summary(&channel, rest, now).await?;
            }
        }
        Ok(sent)
    }

    /// How many messages a channel may get now.
    fn budget(&mut self, channel: &str, now: Moment) -> usize {
        let sent = self.sent.entry(channel.to_owned()).or_default();
        let oldest = now.epoch_ms() - i64::try_from(RATE_WINDOW.as_millis()).unwrap_or(0);
        while sent.front().is_some_and(|at| at.epoch_ms() < oldest) {
            sent.pop_front();
        }
        RATE.saturating_sub(sent.len())
    }

    async fn send_one(&mut self, due: &Due, now: Moment) -> Result<usize, EsError> {
        let is_marked = self
            .change(due, |notice| {
                notice.state = NoticeState::Sending;
                notice.attempts += 1;
            })
            .await?;
        if !is_marked {
            return Ok(0);
        }
        let Some(message) = self.message(due, now).await else {
            return Ok(0);
        };
        let result = self.send(&due.channel, &message).await;
        self.settle(due, result, now).await
    }

    async fn send(
        &mut self,
        channel: &str,
        message: &Message,
    ) -> Result<Option<String>, SendError> {
        let Some(own) = self.settings.channels.get(channel).cloned() else {
            return Err(SendError::refused(format!(
                "channel `{channel}` is not set up"
            )));
        };
        let sent = self.sent.entry(channel.to_owned()).or_default();
        if let Ok(at) = message.at.parse() {
            sent.push_back(Moment(at));
        }
        let result = own.send(message).await;
        if let Err(error) = &result {
            tracing::warn!(channel, %error, "a notice was not sent");
        }
        result
    }

    async fn message(&self, due: &Due, now: Moment) -> Option<Message> {
        if due.owner == Owner::Overview {
            let stored = self.overviews.get(&due.id)?;
            let mut message: Message =
                serde_json::from_value(stored.value.get("message")?.clone()).ok()?;
            message.id.clone_from(&due.notice);
            message.at = now.to_string();
            return Some(message);
        }
        let incident = &self.incidents.get(&due.id)?.value;
        let notice = incident
            .notices
            .iter()
            .find(|notice| notice.id == due.notice)?;
        let others = self
            .incidents
            .iter()
            .filter(|(id, stored)| **id != due.id && stored.value.is_open() && stored.value.told)
            .count();
        let origin = &self.settings.origin;
        let mut message = message::of_incident(incident, &due.id, notice, others, origin, now);
        if !message.kind.is_good_news()
            && let Some(blame) = &incident.blame
        {
            if let Some(name) = &blame.screenshot {
                message.picture = self.surroundings.picture(&blame.uuid, name).await;
            }
            if let Some(changed) = self.surroundings.what_changed(&blame.uuid).await {
                message.facts.push(("What changed".to_owned(), changed));
            }
        }
        Some(message)
    }

    /// Marks a notice in its document; false: somebody else has it.
    async fn change(&mut self, due: &Due, change: impl Fn(&mut Notice)) -> Result<bool, EsError> {
        match due.owner {
            Owner::Incident => {
                let Some(stored) = self.incidents.get_mut(&due.id) else {
                    return Ok(false);
                };
                let own = stored
                    .value
                    .notices
                    .iter_mut()
                    .find(|notice| notice.id == due.notice);
                let Some(own) = own else {
                    return Ok(false);
                };
                change(own);
                self.write_incident(&due.id).await
            }
            Owner::Overview => {
                let Some(stored) = self.overviews.get_mut(&due.id) else {
                    return Ok(false);
                };
                each_notice(&mut stored.value, |notice| {
                    if notice.id == due.notice {
                        change(notice);
                    }
                });
                let is_over = stored.value.get("pending") == Some(&json!(false));
                let written = self
                    .storage
                    .put_overview(&due.id, &stored.value, stored.seq_no)
                    .await;
                match written {
                    Ok(seq_no) => {
                        stored.seq_no = Some(seq_no);
                        if is_over {
                            self.overviews.remove(&due.id);
                        }
                        Ok(true)
                    }
                    Err(WriteError::Conflict) => {
                        self.overviews.remove(&due.id);
                        Ok(false)
                    }
                    Err(WriteError::Store(error)) => Err(error),
                }
            }
        }
    }

    async fn settle(
        &mut self,
        due: &Due,
        result: Result<Option<String>, SendError>,
        now: Moment,
    ) -> Result<usize, EsError> {
        let is_sent = result.is_ok();
        if let (Ok(Some(reference)), Some(stored)) = (&result, self.incidents.get_mut(&due.id)) {
            let threads = &mut stored.value.threads;
            threads
                .entry(due.channel.clone())
                .or_insert_with(|| reference.clone());
        }
        self.change(due, |notice| judge(notice, &result, now))
            .await?;
        if let Some(stored) = self.incidents.get_mut(&due.id) {
            let given_up = stored
                .value
                .notices
                .iter()
                .find(|notice| notice.id == due.notice && notice.state == NoticeState::Dead)
                .map(|notice| notice.error.clone().unwrap_or_default());
            if let Some(error) = given_up {
                let text = format!("{}: {error}", due.channel);
                stored.value.record(now, What::Undelivered, "", text);
                self.write_incident(&due.id).await?;
            }
        }
        Ok(usize::from(is_sent))
    }

    /// Many notices of a channel as one.
    async fn send_summary(
        &mut self,
        channel: &str,
        due: &[Due],
        now: Moment,
    ) -> Result<usize, EsError> {
        let mut marked = Vec::new();
        for one in due {
            let is_marked = self
                .change(one, |notice| {
                    notice.state = NoticeState::Sending;
                    notice.attempts += 1;
                })
                .await?;
            if is_marked {
                marked.push(one.clone());
            }
        }
        let incidents: Vec<(&str, &Incident)> = marked
            .iter()
            .filter_map(|one| Some((one.id.as_str(), &self.incidents.get(&one.id)?.value)))
            .collect();
        let id = format!("summary-{channel}-{}", now.epoch_ms());
        let name = format!("{} more notices in one", marked.len());
        let mut message = message::overview(&name, &id, &incidents, &self.settings.origin, now);
        message.text = format!(
            "More than {RATE} messages in {} minutes: these come as one.",
            RATE_WINDOW.as_secs() / 60
        );
        let result = self.send(channel, &message).await;
        for one in &marked {
            self.settle(one, result.clone(), now).await?;
        }
        Ok(usize::from(result.is_ok()))
    }

    /// Sends a message to a channel by name, with nothing written down.
    pub async fn send_test(&mut self, channel: &str, now: Moment) -> Result<(), SendError> {
        let message = message::test(&self.settings.origin, now);
        let channel = self.settings.route(channel).to_owned();
        self.send(&channel, &message).await.map(drop)
    }

    /// Sends a message when nothing can be written down.
    pub async fn send_directly(
        &mut self,
        channel: &str,
        message: &Message,
    ) -> Result<(), SendError> {
        let channel = self.settings.route(channel).to_owned();
        self.send(&channel, message).await.map(drop)
    }

    /// Channels by name, as they may be shown.
    pub fn channels(&self) -> Vec<(String, String)> {
        let channels = self.settings.channels.iter();
        channels
            .map(|(name, channel): (&String, &Channel)| (name.clone(), channel.describe()))
            .collect()
    }
}

/// What becomes of a notice after it was tried.
fn judge(notice: &mut Notice, result: &Result<Option<String>, SendError>, now: Moment) {
    let error = match result {
        Ok(_) => {
            notice.state = NoticeState::Sent;
            notice.sent_at = Some(now.to_string());
            notice.error = None;
            return;
        }
        Err(error) => error,
    };
    notice.error = Some(error.to_string());
    let doubled = FIRST_PAUSE * 2u32.saturating_pow(notice.attempts.saturating_sub(1).min(10));
    let pause = doubled.min(LONGEST_PAUSE);
    let pause = match error {
        SendError::Refused { .. } => None,
        SendError::Temporary { after, .. } => Some(after.unwrap_or(pause)),
        SendError::Uncertain { .. } => {
            notice.uncertain = true;
            Some(pause)
        }
    };
    match pause.filter(|_| notice.attempts < MOST_ATTEMPTS) {
        Some(pause) => {
            notice.state = NoticeState::Pending;
            notice.next_at = Some(later(now, pause).to_string());
        }
        None => notice.state = NoticeState::Dead,
    }
}

/// An incident that was told within this is not listed right away.
const FRESH: Duration = Duration::from_secs(600);
