//! `c.smoke-title-*`: the check of the navigate request, one document per URL of a smoke run.

use serde::Serialize;

use super::Common;
use crate::ActionId;

/// Title and status of a page; the URL is written under each of its established names.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SmokeTitle {
    #[serde(flatten)]
    pub common: Common,
    pub uuid_action: ActionId,
    pub url: String,
    pub entry_url: String,
    #[serde(rename = "entryURL")]
    pub entry_url_upper: String,
    /// The URL after redirects.
    pub response_url: String,
    pub title: String,
    /// Status of the first navigate request; 0 when there was no response.
    pub response_status: u16,
    pub response_status_text: String,
}
