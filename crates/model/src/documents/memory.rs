//! `c.memory-*`: samples of the page's JavaScript heap.

use serde::{Deserialize, Serialize};

use super::{Common, OverheadField};
use crate::ActionId;

/// One sample.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    #[serde(flatten)]
    pub common: Common,
    pub uuid_action: ActionId,
    /// Same content as `fullTitle` elsewhere.
    pub test_step: String,
    /// Order of the sample in the run, from 1.
    pub sequence: u32,
    pub data: Heap,
    pub overhead: OverheadField,
}

/// `performance.memory` of the page, bytes; the browser rounds what it tells a page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heap {
    pub js_heap_size_limit: u64,
    #[serde(rename = "totalJSHeapSize")]
    pub total_js_heap_size: u64,
    #[serde(rename = "usedJSHeapSize")]
    pub used_js_heap_size: u64,
}
