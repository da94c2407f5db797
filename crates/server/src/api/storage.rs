//! What is stored: families of indices with their size, how fast they grow, and where that leads.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use canarytrace_es::IndexTarget;
use serde::Serialize;
use utoipa::ToSchema;

use super::Refused;
use crate::AppState;

/// Daily indices of one kind.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Family {
    name: String,
    indices: u64,
    documents: u64,
    bytes: u64,
    /// Bytes of each day that has an index, oldest first.
    days: BTreeMap<String, u64>,
    /// Mean of the last full days.
    bytes_per_day: u64,
}

const DAYS_LOOKED_AT: usize = 7;

impl Family {
    /// Today is not over: it says nothing about a day.
    fn reckon(&mut self) {
        let full: Vec<u64> = self
            .days
            .values()
            .rev()
            .skip(1)
            .take(DAYS_LOOKED_AT)
            .copied()
            .collect();
        let days = u64::try_from(full.len()).unwrap_or(1).max(1);
        self.bytes_per_day = full.iter().sum::<u64>() / days;
    }
}

/// What is stored, bytes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Storage {
    /// `green`, `yellow` or `red`.
    health: String,
    /// Name of the cluster.
    store: String,
    families: Vec<Family>,
    bytes: u64,
    bytes_per_day: u64,
    /// None: nothing is deleted by age.
    #[schema(required)]
    retention_days: Option<u64>,
    /// When the retention is reached.
    #[schema(required)]
    forecast_bytes: Option<u64>,
}

/// The name without its date, and the date.
fn split(name: &str) -> (&str, Option<&str>) {
    let date = name.len().checked_sub(10).and_then(|at| name.get(at..));
    let is_date = |text: &&str| {
        text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'.',
            _ => byte.is_ascii_digit(),
        })
    };
    match date.filter(is_date) {
        Some(date) => (
            name.strip_suffix(date)
                .unwrap_or(name)
                .trim_end_matches('-'),
            Some(date),
        ),
        None => (name, None),
    }
}

/// Families of indices, their size and growth, and where that leads.
#[utoipa::path(get, path = "/storage", responses((status = 200, description = "as JSON", body = Storage)))]
pub(super) async fn storage(State(state): State<AppState>) -> Result<Json<Storage>, Refused> {
    let indices = state.service.indices(&IndexTarget::new("*")).await?;
    let health = state.service.health().await?;
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for index in indices {
        let (name, date) = split(&index.name);
        let family = families.entry(name.to_owned()).or_default();
        name.clone_into(&mut family.name);
        family.indices += 1;
        family.documents += index.documents;
        family.bytes += index.size_bytes;
        if let Some(date) = date {
            *family.days.entry(date.to_owned()).or_default() += index.size_bytes;
        }
    }
    for family in families.values_mut() {
        family.reckon();
    }
    let families: Vec<Family> = families.into_values().collect();
    let per_day: u64 = families.iter().map(|family| family.bytes_per_day).sum();
    Ok(Json(Storage {
        health: health.status,
        store: health.cluster_name,
        bytes: families.iter().map(|family| family.bytes).sum(),
        families,
        bytes_per_day: per_day,
        retention_days: state.retention_days,
        forecast_bytes: state
            .retention_days
            .map(|days| per_day.saturating_mul(days)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_their_date() {
        assert_eq!(
            split("c.report-2026.11.26"),
            ("c.report", Some("2026.11.26"))
        );
        assert_eq!(split("c.listener"), ("c.listener", None));
        assert_eq!(split("x"), ("x", None));
    }

    #[test]
    fn today_does_not_count_as_a_day() {
        let days = [("2026.11.24", 10), ("2026.11.25", 20), ("2026.11.26", 1)];
        let mut family = Family {
            days: days
                .into_iter()
                .map(|(day, bytes)| (day.to_owned(), bytes))
                .collect(),
            ..Family::default()
        };
        family.reckon();
        assert_eq!(family.bytes_per_day, 15);
    }
}
