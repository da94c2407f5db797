//! What is old is deleted: daily indices, attachments, and run directories that are delivered.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use canarytrace_es::{
    IndexSummary, IndexTarget, Refresh, SearchService,
    bulk::{BulkItem, BulkOperation},
    query::wildcard_matches,
};
use canarytrace_evidence::AttachmentStore;
use canarytrace_model::{
    index::{DEFAULT_PREFIX, Service},
    stack::{Bytes as ByteSize, IndexRule, Span},
    time::Moment,
};
use serde_json::json;
use tracing::{info, warn};

use crate::{runs, watch::STATE_INDEX};

const INTERVAL: Duration = Duration::from_secs(600);
pub(crate) const DEFAULT_RETENTION: Span = Span(Duration::from_secs(14 * 86_400));

/// Which daily indices are deleted.
pub(crate) struct Retention {
    pub(crate) age: Option<Span>,
    pub(crate) max_size: Option<ByteSize>,
    pub(crate) rules: Vec<IndexRule>,
    /// Leave indices of others alone.
    pub(crate) only_ours: bool,
}

impl Retention {
    fn rule_of(&self, name: &str) -> Option<&IndexRule> {
        let mut rules = self.rules.iter();
        rules.find(|rule| wildcard_matches(&rule.pattern, name))
    }

    fn is_meant(&self, name: &str) -> bool {
        let mut services = Service::ALL.iter();
        !self.only_ours
            || services
                .any(|service| name.starts_with(&format!("{DEFAULT_PREFIX}{}-", service.name())))
    }

    fn has_expired(&self, name: &str, now: Moment) -> bool {
        let rule = self.rule_of(name);
        let age = rule.and_then(|rule| rule.retention).or(self.age);
        let Some(age) = age else { return false };
        let age_ms = i64::try_from(age.0.as_millis()).unwrap_or(i64::MAX);
        let oldest = Moment::from_epoch_ms(now.epoch_ms() - age_ms).index_date();
        self.is_meant(name) && day_of(name).is_some_and(|day| *day < *oldest)
    }

    /// Those to delete: too old, or beyond the size that is allowed, the oldest first.
    fn doomed(&self, indices: &[IndexSummary], now: Moment) -> BTreeSet<String> {
        let (expired, mut kept): (Vec<&IndexSummary>, Vec<&IndexSummary>) = indices
            .iter()
            .filter(|index| self.is_meant(&index.name) && day_of(&index.name).is_some())
            .partition(|index| self.has_expired(&index.name, now));
        let mut doomed: BTreeSet<String> = expired
            .into_iter()
            .map(|index| index.name.clone())
            .collect();
        for rule in &self.rules {
            let is_own = |index: &&IndexSummary| {
                let own = self.rule_of(&index.name);
                own.is_some_and(|own| std::ptr::eq(own, rule))
            };
            let own: Vec<&IndexSummary> = kept.iter().copied().filter(is_own).collect();
            doomed.extend(beyond(rule.max_size, own));
        }
        kept.retain(|index| !doomed.contains(&index.name));
        doomed.extend(beyond(self.max_size, kept));
        doomed
    }
}

/// The days that do not fit any more; the newest day stays whatever its size.
fn beyond(max_size: Option<ByteSize>, indices: Vec<&IndexSummary>) -> Vec<String> {
    let Some(max_size) = max_size else {
        return Vec::new();
    };
    let mut days: BTreeMap<&str, Vec<&IndexSummary>> = BTreeMap::new();
    for index in indices {
        days.entry(day_of(&index.name).unwrap_or_default())
            .or_default()
            .push(index);
    }
    let (mut size, mut doomed) = (0, Vec::new());
    for (position, own) in days.into_values().rev().enumerate() {
        size += own.iter().map(|index| index.size_bytes).sum::<u64>();
        if position > 0 && size > max_size.0 {
            doomed.extend(own.into_iter().map(|index| index.name.clone()));
        }
    }
    doomed
}

/// Keeps what is stored within its age.
pub(crate) struct Keeper {
    pub(crate) service: Arc<dyn SearchService>,
    pub(crate) indices: Retention,
    pub(crate) attachments: AttachmentStore,
    pub(crate) attachments_age: Option<Span>,
    pub(crate) runs: PathBuf,
    pub(crate) undelivered_budget: u64,
}

impl Keeper {
    pub(crate) async fn keep(self) {
        loop {
            self.remove_indices().await;
            self.remove_attachments().await;
            runs::remove_delivered(&self.runs);
            runs::keep_within(&self.runs, self.undelivered_budget);
            self.leave_a_trace().await;
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// The listener tells when this does not happen any more.
    async fn leave_a_trace(&self) {
        let item = BulkItem {
            operation: BulkOperation::Index,
            index: STATE_INDEX.to_owned(),
            id: Some("retention".to_owned()),
            if_seq_no: None,
            source: Bytes::from(json!({"ranAt": Moment::now()}).to_string()),
        };
        if let Err(error) = self.service.bulk(vec![item], Refresh::Later).await {
            warn!(%error, "that old data was looked for is not written down");
        }
    }

    async fn remove_indices(&self) {
        let Ok(indices) = self.service.indices(&IndexTarget::new("*")).await else {
            return;
        };
        for name in self.indices.doomed(&indices, Moment::now()) {
            match self.service.delete_indices(&IndexTarget::new(&name)).await {
                Ok(_) => info!(index = name, "deleted by retention"),
                Err(error) => warn!(%error, index = name, "retention failed"),
            }
        }
    }

    async fn remove_attachments(&self) {
        let Some(age) = &self.attachments_age else {
            return;
        };
        match self.attachments.remove_older(age.0).await {
            Ok(0) => {}
            Ok(removed) => info!(removed, "attachments deleted by retention"),
            Err(error) => warn!(%error, "retention of attachments failed"),
        }
    }
}

/// Daily names end in `-YYYY.MM.DD`, which sorts as text.
fn day_of(name: &str) -> Option<&str> {
    let (_, date) = name.rsplit_once('-')?;
    let is_date = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    (date.len() == 10 && date.bytes().all(is_date)).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_leaves_indices_of_others_alone() {
        let now = Moment::from_epoch_ms(1_795_305_600_000); // 2026-11-22
        let retention = |only_ours| Retention {
            age: Some(DEFAULT_RETENTION),
            max_size: None,
            rules: Vec::new(),
            only_ours,
        };
        assert!(retention(true).has_expired("c.report-2026.11.01", now));
        assert!(!retention(true).has_expired("c.report-2026.11.20", now));
        assert!(!retention(true).has_expired("filebeat-2026.11.01", now));
        assert!(retention(false).has_expired("filebeat-2026.11.01", now));
    }

    #[test]
    fn retention_reads_the_date_of_a_name() {
        assert_eq!(day_of("c.report-2026.11.07"), Some("2026.11.07"));
        assert_eq!(day_of("c.listener"), None);
        assert_eq!(day_of("c.request-log-notadate"), None);
    }

    #[test]
    fn what_is_too_large_goes_the_oldest_day_first() {
        let now = Moment::from_epoch_ms(1_795_305_600_000); // 2026-11-22
        let indices: Vec<IndexSummary> = ["report", "request-log"]
            .iter()
            .flat_map(|service| (18..23).map(move |day| format!("c.{service}-2026.11.{day}")))
            .map(|name| IndexSummary {
                name,
                uuid: String::new(),
                documents: 1,
                deleted: 0,
                size_bytes: 10,
            })
            .collect();
        let mut retention = Retention {
            age: Some(DEFAULT_RETENTION),
            max_size: None,
            rules: vec![IndexRule {
                pattern: "c.request-log-*".to_owned(),
                retention: Some(Span(Duration::from_secs(3 * 86_400))),
                max_size: Some(ByteSize(25)),
            }],
            only_ours: true,
        };
        let doomed = |retention: &Retention| -> Vec<String> {
            retention.doomed(&indices, now).into_iter().collect()
        };
        // One is too old, two are too much.
        let by_rule = ["18", "19", "20"].map(|day| format!("c.request-log-2026.11.{day}"));
        assert_eq!(doomed(&retention), by_rule);
        // 70 are left: the oldest day goes until 60 are.
        retention.max_size = Some(ByteSize(60));
        let mut with_oldest = vec!["c.report-2026.11.18".to_owned()];
        with_oldest.extend(by_rule);
        assert_eq!(doomed(&retention), with_oldest);
        // The newest day stays.
        retention.max_size = Some(ByteSize(0));
        assert!(!doomed(&retention).iter().any(|name| name.ends_with("22")));
    }
}
