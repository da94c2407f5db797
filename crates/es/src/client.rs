//! An HTTP client of Elasticsearch, OpenSearch or our own server.

use std::io::Write;

use async_trait::async_trait;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use reqwest::{Method, StatusCode, header};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::{
    ClientConfig, DocumentLookup, EsError, Health, IndexSummary, IndexTarget, IndexTemplate,
    NodeSummary, Refresh, SearchRequest, SearchResponse, SearchService,
    address::Address,
    bulk::{BulkItem, BulkItemResult, BulkOperation, WriteResult, Written},
    query::Query,
    service::Place,
};

/// Why a request did not get its answer.
#[derive(Debug, Error)]
pub enum ClientError {
    #[error("store url `{url}` is not usable: {reason}")]
    Url { url: String, reason: String },
    #[error("store {url} cannot be reached: {reason}")]
    Transport { url: String, reason: String },
    #[error("store {url} answered {status}: {error}")]
    Answer {
        url: String,
        status: u16,
        error: EsError,
    },
}

impl ClientError {
    /// Whether the same request may succeed later.
    pub fn is_temporary(&self) -> bool {
        match self {
            ClientError::Url { .. } => false,
            ClientError::Transport { .. } => true,
            ClientError::Answer { status, .. } => *status == 429 || *status >= 500,
        }
    }

    pub fn status(&self) -> Option<u16> {
        match self {
            ClientError::Answer { status, .. } => Some(*status),
            _ => None,
        }
    }
}

impl From<ClientError> for EsError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Answer { error, .. } => error,
            other => EsError::new(503, "no_node_available_exception", other.to_string()),
        }
    }
}

pub(crate) fn transport(address: &Address, error: reqwest::Error) -> ClientError {
    ClientError::Transport {
        url: address.url().to_owned(),
        reason: chain(&error.without_url()),
    }
}

/// One connection pool to one cluster.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    address: Address,
    gzip: bool,
}

impl Client {
    /// Prepares a client; connects on first use. A TLS provider must have been installed by the program.
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        let address = Address::new(config)?;
        let http = reqwest::Client::builder()
            .timeout(config.timeout)
            .connect_timeout(config.timeout)
            .danger_accept_invalid_certs(config.accept_invalid_certificates)
            .no_proxy()
            .build()
            .map_err(|error| address.unusable(&error.to_string()))?;
        Ok(Self {
            http,
            address,
            gzip: config.gzip,
        })
    }

    /// The cluster's address without credentials.
    pub fn url(&self) -> &str {
        self.address.url()
    }

    /// Sends one request; `path` has no leading slash and is already encoded.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Bytes)>,
    ) -> Result<Value, ClientError> {
        let mut request = self
            .http
            .request(method, self.address.join(path)?)
            .header(header::ACCEPT, "application/json");
        request = self.address.authorize(request);
        if let Some((content_type, body)) = body {
            request = request.header(header::CONTENT_TYPE, content_type);
            request = match self.gzip {
                true => request
                    .header(header::CONTENT_ENCODING, "gzip")
                    .body(compress(&body)),
                false => request.body(body),
            };
        }
        let failed = |error| transport(&self.address, error);
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(failed)?;
        let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() {
            Ok(value)
        } else {
            Err(self.answer(status, &value))
        }
    }

    fn answer(&self, status: StatusCode, body: &Value) -> ClientError {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let kind = text("/error/type").unwrap_or("http_error");
        let reason = text("/error/reason")
            .or_else(|| text("/error"))
            .unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason given"));
        let error = EsError {
            index: text("/error/index").map(str::to_owned),
            ..EsError::new(status.as_u16(), kind, reason)
        };
        ClientError::Answer {
            url: self.url().to_owned(),
            status: status.as_u16(),
            error,
        }
    }

    async fn json(&self, method: Method, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.request(
            method,
            path,
            Some(("application/json", Bytes::from(body.to_string()))),
        )
        .await
    }

    /// `GET /`: whether the cluster is there and lets us in.
    pub async fn ping(&self) -> Result<Value, ClientError> {
        self.request(Method::GET, "", None).await
    }

    /// Sends a bulk body as it is and answers `(status, error)` of each item, in order.
    pub async fn bulk_ndjson(
        &self,
        body: Bytes,
    ) -> Result<Vec<(u16, Option<EsError>)>, ClientError> {
        let answer = self
            .request(Method::POST, "_bulk", Some(("application/x-ndjson", body)))
            .await?;
        let items = answer
            .get("items")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        Ok(items
            .iter()
            .filter_map(|item| item.as_object()?.values().next())
            .map(item_status)
            .collect())
    }

    /// Stores an attachment; only our own server takes these.
    pub async fn put_attachment(
        &self,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<(), ClientError> {
        let plain = Self {
            gzip: false,
            ..self.clone()
        };
        plain
            .request(
                Method::PUT,
                &format!("api/v1/attachments/{path}"),
                Some((content_type, body)),
            )
            .await
            .map(drop)
    }
}

fn item_status(item: &Value) -> (u16, Option<EsError>) {
    let status = item
        .get("status")
        .and_then(Value::as_u64)
        .and_then(|status| u16::try_from(status).ok())
        .unwrap_or(500);
    let error = item.get("error").map(|error| {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or("unknown");
        EsError::new(status, text("type"), text("reason"))
    });
    (status, error)
}

fn compress(body: &Bytes) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .expect("writing to memory cannot fail")
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    text
}

fn action_line(item: &BulkItem) -> Value {
    let mut meta = json!({"_index": item.index});
    if let Some(map) = meta.as_object_mut() {
        if let Some(id) = &item.id {
            map.insert("_id".to_owned(), json!(id));
        }
        if let Some(seq_no) = item.if_seq_no {
            let place = Place::unpack(seq_no);
            map.insert("if_seq_no".to_owned(), json!(place.seq_no));
            map.insert("if_primary_term".to_owned(), json!(place.primary_term));
        }
    }
    json!({item.operation.name(): meta})
}

fn item_result(item: &BulkItem, answer: &Value) -> BulkItemResult {
    let body = answer
        .as_object()
        .and_then(|map| map.values().next())
        .unwrap_or(&Value::Null);
    let (status, error) = item_status(body);
    let number = |name: &str| body.get(name).and_then(Value::as_u64).unwrap_or(0);
    let result = match (status, item.operation) {
        (404, _) => WriteResult::NotFound,
        (201, _) => WriteResult::Created,
        (_, BulkOperation::Delete) => WriteResult::Deleted,
        _ => WriteResult::Updated,
    };
    let outcome = match error {
        Some(error) => Err(error),
        None => Ok(Written {
            result,
            version: number("_version"),
            seq_no: Place::read(body).unwrap_or(0),
        }),
    };
    let id = body
        .get("_id")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    BulkItemResult {
        operation: item.operation,
        index: item.index.clone(),
        id,
        outcome,
    }
}

#[async_trait]
impl SearchService for Client {
    async fn bulk(
        &self,
        items: Vec<BulkItem>,
        refresh: Refresh,
    ) -> Result<Vec<BulkItemResult>, EsError> {
        let mut body = Vec::new();
        for item in &items {
            body.extend_from_slice(action_line(item).to_string().as_bytes());
            body.push(b'\n');
            if item.operation != BulkOperation::Delete {
                body.extend_from_slice(&item.source);
                body.push(b'\n');
            }
        }
        let path = if refresh == Refresh::Now {
            "_bulk?refresh=true"
        } else {
            "_bulk"
        };
        let answer = self
            .request(
                Method::POST,
                path,
                Some(("application/x-ndjson", Bytes::from(body))),
            )
            .await?;
        let results = answer
            .get("items")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if results.len() != items.len() {
            return Err(EsError::internal(
                "the cluster answered a bulk request with another number of items",
            ));
        }
        Ok(items
            .iter()
            .zip(results)
            .map(|(item, answer)| item_result(item, answer))
            .collect())
    }

    async fn search(
        &self,
        target: &IndexTarget,
        request: SearchRequest,
    ) -> Result<SearchResponse, EsError> {
        let path = format!(
            "{}/_search?ignore_unavailable={}",
            target.expression(),
            target.options.ignore_unavailable
        );
        let answer = self.json(Method::POST, &path, &request.raw).await?;
        SearchResponse::from_json(&answer)
    }

    async fn multi_search(
        &self,
        searches: Vec<(IndexTarget, SearchRequest)>,
    ) -> Result<Vec<Result<SearchResponse, EsError>>, EsError> {
        let mut body = String::new();
        for (target, request) in &searches {
            let head = json!({
                "index": target.expression(), "ignore_unavailable": target.options.ignore_unavailable,
            });
            body.push_str(&format!("{head}\n{}\n", request.raw));
        }
        let answer = self
            .request(
                Method::POST,
                "_msearch",
                Some(("application/x-ndjson", Bytes::from(body))),
            )
            .await?;
        let answers = answer.get("responses").and_then(Value::as_array);
        let answers = answers.map(Vec::as_slice).unwrap_or_default();
        if answers.len() != searches.len() {
            return Err(EsError::internal(
                "the cluster answered several searches with another number of answers",
            ));
        }
        Ok(answers
            .iter()
            .map(|answer| match item_status(answer) {
                (_, Some(error)) => Err(error),
                _ => SearchResponse::from_json(answer),
            })
            .collect())
    }

    async fn count(&self, target: &IndexTarget, _query: Query, raw: Value) -> Result<u64, EsError> {
        let answer = self
            .json(
                Method::POST,
                &format!("{}/_count", target.expression()),
                &raw,
            )
            .await?;
        Ok(answer.get("count").and_then(Value::as_u64).unwrap_or(0))
    }

    async fn get(&self, index: &str, id: &str) -> Result<Option<DocumentLookup>, EsError> {
        let answer = match self
            .request(
                Method::GET,
                &format!("{index}/_doc/{}", path_segment(id)),
                None,
            )
            .await
        {
            Ok(answer) => answer,
            Err(error) if error.status() == Some(404) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
        Ok(Some(DocumentLookup {
            index: index.to_owned(),
            id: id.to_owned(),
            version: number("_version"),
            seq_no: Place::read(&answer).unwrap_or(0),
            source: answer.get("_source").cloned().unwrap_or(Value::Null),
        }))
    }

    async fn refresh(&self, target: &IndexTarget) -> Result<(), EsError> {
        self.request(
            Method::POST,
            &format!("{}/_refresh", target.expression()),
            None,
        )
        .await?;
        Ok(())
    }

    async fn create_index(&self, name: &str, body: Value) -> Result<(), EsError> {
        self.json(Method::PUT, name, &body).await?;
        Ok(())
    }

    async fn delete_indices(&self, target: &IndexTarget) -> Result<Vec<String>, EsError> {
        let names: Vec<String> = self
            .indices(target)
            .await?
            .into_iter()
            .map(|index| index.name)
            .collect();
        for name in &names {
            self.request(Method::DELETE, name, None).await?;
        }
        Ok(names)
    }

    async fn indices(&self, target: &IndexTarget) -> Result<Vec<IndexSummary>, EsError> {
        let path = format!("_cat/indices/{}?format=json&bytes=b", target.expression());
        let answer = self.request(Method::GET, &path, None).await?;
        let rows = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(rows.iter().map(summary).collect())
    }

    async fn mappings(&self, target: &IndexTarget) -> Result<Map<String, Value>, EsError> {
        let answer = self
            .request(
                Method::GET,
                &format!("{}/_mapping", target.expression()),
                None,
            )
            .await?;
        Ok(answer.as_object().cloned().unwrap_or_default())
    }

    async fn put_mapping(&self, target: &IndexTarget, body: Value) -> Result<(), EsError> {
        let path = format!("{}/_mapping", target.expression());
        self.json(Method::PUT, &path, &body).await?;
        Ok(())
    }

    async fn put_template(&self, template: IndexTemplate) -> Result<(), EsError> {
        self.json(
            Method::PUT,
            &format!("_index_template/{}", template.name),
            &template.body,
        )
        .await?;
        Ok(())
    }

    async fn templates(&self, names: &str) -> Result<Vec<IndexTemplate>, EsError> {
        let path = format!("_index_template/{names}");
        let answer = match self.request(Method::GET, &path, None).await {
            Err(error) if error.status() == Some(404) => return Ok(Vec::new()),
            answer => answer?,
        };
        let list = answer
            .get("index_templates")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        Ok(list
            .into_iter()
            .map(|entry| IndexTemplate {
                name: entry
                    .get("name")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
                body: entry.get("index_template").cloned().unwrap_or(Value::Null),
            })
            .collect())
    }

    async fn health(&self) -> Result<Health, EsError> {
        let answer = self.request(Method::GET, "_cluster/health", None).await?;
        let text = |name: &str| {
            answer
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(Health {
            status: text("status"),
            cluster_name: text("cluster_name"),
            indices: answer
                .get("active_primary_shards")
                .and_then(Value::as_u64)
                .unwrap_or(0),
            pending_tasks: answer
                .get("number_of_pending_tasks")
                .and_then(Value::as_u64)
                .unwrap_or(0),
        })
    }

    async fn nodes(&self) -> Result<Vec<NodeSummary>, EsError> {
        let answer = self
            .request(Method::GET, "_nodes/stats/jvm,os,fs", None)
            .await?;
        let nodes = answer.get("nodes").and_then(Value::as_object);
        Ok(nodes
            .into_iter()
            .flat_map(|nodes| nodes.values())
            .map(node)
            .collect())
    }
}

fn node(stats: &Value) -> NodeSummary {
    let number = |pointer: &str| stats.pointer(pointer).and_then(Value::as_f64);
    let bytes = |pointer: &str| stats.pointer(pointer).and_then(Value::as_u64);
    let disk_bytes = bytes("/fs/total/total_in_bytes").zip(bytes("/fs/total/available_in_bytes"));
    NodeSummary {
        name: stats
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        heap_percent: number("/jvm/mem/heap_used_percent"),
        memory_percent: number("/os/mem/used_percent"),
        disk_bytes,
        cpu_percent: number("/os/cpu/percent"),
    }
}

fn path_segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

fn summary(row: &Value) -> IndexSummary {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| text(name).parse().unwrap_or(0);
    IndexSummary {
        name: text("index").to_owned(),
        uuid: text("uuid").to_owned(),
        documents: number("docs.count"),
        deleted: number("docs.deleted"),
        size_bytes: number("store.size"),
    }
}
