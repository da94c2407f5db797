//! What is to be quiet, as somebody wrote it in the UI: silences until a time, and windows of maintenance.

use bytes::Bytes;
use canarytrace_es::{
    EsError, Refresh,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_model::{alerting::MaintenanceConfig, time::Moment};
use serde::Serialize;
use serde_json::json;

use super::Storage;
use crate::calendar::{Maintenance, Silence};

const SILENCES: &str = ".canarytrace-silences";
const MAINTENANCE: &str = ".canarytrace-maintenance";
const MOST: usize = 1000;

impl Storage {
    pub(super) async fn prepare_quiet(&self) -> Result<(), EsError> {
        let silences = json!({"dynamic": false, "properties": {"until": {"type": "date"}}});
        self.ensure(SILENCES, &silences).await?;
        self.ensure(MAINTENANCE, &json!({"dynamic": false})).await
    }

    /// Those that are not over.
    pub async fn silences(&self, now: Moment) -> Result<Vec<Silence>, EsError> {
        let body = json!({
            "size": MOST, "query": {"range": {"until": {"gt": now.to_string()}}},
            "sort": [{"until": {"order": "asc", "unmapped_type": "date"}}],
        });
        let answer = self.search(SILENCES, body).await?;
        Ok(answer
            .hits
            .into_iter()
            .filter_map(|hit| {
                let silence: Silence = serde_json::from_value(hit.source?).ok()?;
                Some(Silence {
                    id: Some(hit.id),
                    ..silence
                })
            })
            .collect())
    }

    pub async fn add_silence(&self, silence: &Silence) -> Result<String, EsError> {
        self.add(SILENCES, silence).await
    }

    pub async fn remove_silence(&self, id: &str) -> Result<(), EsError> {
        self.remove(SILENCES, id).await
    }

    /// Windows that were written in the UI; those of canarytrace.yaml are not among them.
    pub async fn maintenance(&self) -> Result<Vec<Maintenance>, EsError> {
        let answer = self.search(MAINTENANCE, json!({"size": MOST})).await?;
        let stored = answer.hits.into_iter().filter_map(|hit| {
            let config: MaintenanceConfig = serde_json::from_value(hit.source?).ok()?;
            match Maintenance::parse(&config) {
                Ok(mut window) => {
                    window.id = Some(hit.id);
                    Some(window)
                }
                Err(error) => {
                    tracing::warn!("{error}");
                    None
                }
            }
        });
        Ok(stored.collect())
    }

    pub async fn add_maintenance(&self, window: &MaintenanceConfig) -> Result<String, EsError> {
        self.add(MAINTENANCE, window).await
    }

    pub async fn remove_maintenance(&self, id: &str) -> Result<(), EsError> {
        self.remove(MAINTENANCE, id).await
    }

    /// Answers the id that the store gave.
    async fn add(&self, index: &str, value: &impl Serialize) -> Result<String, EsError> {
        let item = BulkItem {
            operation: BulkOperation::Index,
            index: index.to_owned(),
            id: None,
            if_seq_no: None,
            source: Bytes::from(serde_json::to_vec(value).unwrap_or_default()),
        };
        let results = self.service.bulk(vec![item], Refresh::Now).await?;
        let result = results.into_iter().next();
        let result = result.ok_or_else(|| EsError::internal("the store answered nothing"))?;
        result.outcome?;
        Ok(result.id)
    }

    async fn remove(&self, index: &str, id: &str) -> Result<(), EsError> {
        let item = BulkItem {
            operation: BulkOperation::Delete,
            index: index.to_owned(),
            id: Some(id.to_owned()),
            if_seq_no: None,
            source: Bytes::new(),
        };
        self.service.bulk(vec![item], Refresh::Now).await.map(drop)
    }
}
