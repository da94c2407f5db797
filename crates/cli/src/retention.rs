//! What is old is deleted: daily indices, attachments, and run directories that are delivered.

use std::{path::PathBuf, sync::Arc, time::Duration};

use canarytrace_es::{IndexTarget, SearchService};
use canarytrace_evidence::AttachmentStore;
use canarytrace_model::{
    index::{DEFAULT_PREFIX, Service},
    stack::Span,
    time::Moment,
};
use tracing::{info, warn};

use crate::runs;

const INTERVAL: Duration = Duration::from_secs(600);
pub(crate) const DEFAULT_RETENTION: Span = Span(Duration::from_secs(14 * 86_400));

/// Which daily indices are deleted.
pub(crate) struct Retention {
    pub(crate) age: Option<Span>,
    /// Leave indices of others alone.
    pub(crate) only_ours: bool,
}

impl Retention {
    fn has_expired(&self, name: &str, now: Moment) -> bool {
        let Some(age) = self.age else { return false };
        let age_ms = i64::try_from(age.0.as_millis()).unwrap_or(i64::MAX);
        let oldest = Moment::from_epoch_ms(now.epoch_ms() - age_ms).index_date();
        let is_ours = Service::ALL
            .iter()
            .any(|service| name.starts_with(&format!("{DEFAULT_PREFIX}{}-", service.name())));
        (is_ours || !self.only_ours) && is_older(name, &oldest)
    }
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
            tokio::time::sleep(INTERVAL).await;
        }
    }

    async fn remove_indices(&self) {
        let Ok(indices) = self.service.indices(&IndexTarget::new("*")).await else {
            return;
        };
        let expired = |name: &str| self.indices.has_expired(name, Moment::now());
        for index in indices.into_iter().filter(|index| expired(&index.name)) {
            let target = IndexTarget::new(&index.name);
            match self.service.delete_indices(&target).await {
                Ok(_) => info!(index = index.name, "deleted by retention"),
                Err(error) => warn!(%error, index = index.name, "retention failed"),
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
fn is_older(name: &str, oldest: &str) -> bool {
    let Some((_, date)) = name.rsplit_once('-') else {
        return false;
    };
    date.len() == 10
        && date
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && date < oldest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_leaves_indices_of_others_alone() {
        let now = Moment::from_epoch_ms(1_795_305_600_000); // 2026-11-22
        let retention = |only_ours| Retention {
            age: Some(DEFAULT_RETENTION),
            only_ours,
        };
        assert!(retention(true).has_expired("c.report-2026.11.01", now));
        assert!(!retention(true).has_expired("c.report-2026.11.20", now));
        assert!(!retention(true).has_expired("filebeat-2026.11.01", now));
        assert!(retention(false).has_expired("filebeat-2026.11.01", now));
    }

    #[test]
    fn retention_reads_the_date_of_a_name() {
        assert!(is_older("c.report-2026.11.07", "2026.11.08"));
        assert!(!is_older("c.report-2026.11.08", "2026.11.08"));
        assert!(!is_older("c.listener", "2026.11.08"));
        assert!(!is_older("c.request-log-notadate", "2026.11.08"));
    }
}
