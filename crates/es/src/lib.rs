//! The Elasticsearch wire: query DSL and aggregation types, bulk, search, error bodies, and the [`SearchService`] that
//! the embedded store and the HTTP [`Client`] both are.
//!
//! Every query and aggregation type is one file with its parser; what is not known is refused in Elasticsearch's own
//! error shape, never ignored. Semantics are those of 7.10. Start at [`SearchService`].
//!
//! Invariant: this is the only crate that knows Elasticsearch's JSON.

pub mod aggregation;
pub mod bulk;
pub mod date;
pub mod kql;
pub mod query;
pub mod query_string;

mod address;
mod client;
mod cluster_settings;
mod date_format;
mod engine;
mod error;
mod forward;
mod index_name;
mod json;
mod parse;
mod retrieve;
mod search;
mod service;
mod setting_names;
mod simple_query_string;
mod source_filter;

pub use address::ClientConfig;
pub use client::{Client, ClientError};
pub use cluster_settings::ClusterSettings;
pub use date_format::{DateFormat, DateFormats};
pub use engine::{
    Alias, AliasAction, ContextKind, Engine, IndexDetails, SegmentDetails, TemplateKind, Token,
    keep_alive,
};
pub use error::EsError;
pub use forward::{Forwarded, Forwarder};
pub use index_name::with_dates;
pub use json::object_of;
pub use retrieve::{FieldPattern, Highlight, HighlightOptions};
pub use search::{
    Hit, NumericType, PointInTime, SearchRequest, SearchResponse, SortField, SortMode, SortOrder,
    SortTarget, TotalHits, TrackTotalHits, hits_json,
};
pub use service::{
    DocumentLookup, Health, IndexSummary, IndexTarget, IndexTemplate, NodeSummary, Refresh,
    SearchService, TargetOptions, human_bytes,
};
pub use setting_names::{flat_settings, put_nested};
pub use source_filter::SourceFilter;
