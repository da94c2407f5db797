//! Tables for people, and the same rows as JSON: `_cat`.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use canarytrace_es::{EsError, IndexDetails, IndexSummary, IndexTarget, TemplateKind, human_bytes};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Checked, Failed, Parameters},
    name, target,
};
use crate::AppState;

/// Rows of one table; every row has all columns, as texts.
struct Table {
    columns: &'static [&'static str],
    rows: Vec<Value>,
}

impl Table {
    fn answer(mut self, parameters: &Parameters) -> Result<Response, Failed> {
        let columns: Vec<&str> = match parameters.get("h") {
            Some(wanted) => wanted
                .split(',')
                .filter(|name| self.columns.contains(name))
                .collect(),
            None => self.columns.to_vec(),
        };
        if let Some(order) = parameters.get("s") {
            sort(&mut self.rows, order);
        }
        if parameters.get("format") == Some("json") {
            let row = |row: &Value| -> Value {
                let cells = columns
                    .iter()
                    .map(|name| ((*name).to_owned(), row[*name].clone()));
                Value::Object(cells.collect())
            };
            let rows: Vec<Value> = self.rows.iter().map(row).collect();
            return Ok(Answer::from(Value::Array(rows))
                .shaped(parameters)
                .into_response());
        }
        Ok(text(&self.rows, &columns, parameters.flag("v")).into_response())
    }
}

/// `s=name,other:desc`; numbers by their size.
fn sort(rows: &mut [Value], order: &str) {
    for part in order.split(',').rev() {
        let (name, descending) = match part.split_once(':') {
            Some((name, direction)) => (name, direction == "desc"),
            None => (part, false),
        };
        let cell = |row: &Value| row[name].as_str().unwrap_or_default().to_owned();
        rows.sort_by(|a, b| {
            let (a, b) = (cell(a), cell(b));
            let ordering = match (a.parse::<f64>(), b.parse::<f64>()) {
                (Ok(a), Ok(b)) => a.total_cmp(&b),
                _ => a.cmp(&b),
            };
            if descending {
                ordering.reverse()
            } else {
                ordering
            }
        });
    }
}

fn text(rows: &[Value], columns: &[&str], head: bool) -> String {
    let cell = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let mut lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| columns.iter().map(|name| cell(row, name)).collect())
        .collect();
    if head {
        lines.insert(0, columns.iter().map(|name| (*name).to_owned()).collect());
    }
    let width = |at: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(at))
            .map(String::len)
            .max()
    };
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| width(at).unwrap_or(0))
        .collect();
    let format = |line: &Vec<String>| {
        let cells = line
            .iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:width$}"));
        cells.collect::<Vec<_>>().join(" ").trim_end().to_owned() + "\n"
    };
    lines.iter().map(format).collect()
}

/// What sizes are told in: `bytes=kb`; without it each in the unit that suits it.
#[derive(Clone, Copy)]
struct Unit(Option<u64>);

impl Unit {
    /// A unit that is not known is none.
    fn of(parameters: &Parameters) -> Self {
        let power = match parameters.get("bytes") {
            Some("b") => 0,
            Some("k" | "kb") => 1,
            Some("m" | "mb") => 2,
            Some("g" | "gb") => 3,
            Some("t" | "tb") => 4,
            Some("p" | "pb") => 5,
            _ => return Self(None),
        };
        Self(Some(1024_u64.pow(power)))
    }

    fn told(self, bytes: u64) -> String {
        match self.0 {
            Some(unit) => (bytes / unit).to_string(),
            None => human_bytes(bytes),
        }
    }
}

pub(crate) async fn indices(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Result<Response, Failed> {
    let list = state
        .service
        .indices(&target(&name(index), &parameters))
        .await?;
    let unit = Unit::of(&parameters);
    let row = |index: &IndexSummary| {
        let mut row = index.to_cat();
        row["store.size"] = json!(unit.told(index.size_bytes));
        row["pri.store.size"] = row["store.size"].clone();
        row
    };
    let columns = &[
        "health",
        "status",
        "index",
        "uuid",
        "pri",
        "rep",
        "docs.count",
        "docs.deleted",
        "store.size",
        "pri.store.size",
    ];
    Table {
        columns,
        rows: list.iter().map(row).collect(),
    }
    .answer(&parameters)
}

pub(crate) async fn count(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Result<Response, Failed> {
    let list = details(&state, &name(index), &parameters).await?;
    let total: u64 = list.iter().map(|index| index.documents).sum();
    let (epoch, clock) = now();
    Table {
        columns: &["epoch", "timestamp", "count"],
        rows: vec![json!({"epoch": epoch, "timestamp": clock, "count": total.to_string()})],
    }
    .answer(&parameters)
}

async fn details(
    state: &AppState,
    index: &str,
    parameters: &Parameters,
) -> Result<Vec<IndexDetails>, EsError> {
    state.engine()?.details(&target(index, parameters)).await
}

/// Seconds of the epoch, and the time of day, UTC.
fn now() -> (String, String) {
    let now = jiff::Timestamp::now();
    (
        now.as_second().to_string(),
        now.strftime("%H:%M:%S").to_string(),
    )
}

pub(crate) async fn health(
    State(state): State<AppState>,
    Checked(parameters): Checked,
) -> Result<Response, Failed> {
    let health = state.service.health().await?;
    let (epoch, clock) = now();
    let shards = health.indices.to_string();
    let columns = &[
        "epoch",
        "timestamp",
        "cluster",
        "status",
        "node.total",
        "node.data",
        "shards",
        "pri",
        "relo",
        "init",
        "unassign",
        "pending_tasks",
        "max_task_wait_time",
        "active_shards_percent",
    ];
    let row = json!({
        "epoch": epoch, "timestamp": clock, "cluster": health.cluster_name, "status": health.status, "node.total": "1", "node.data": "1",
        "shards": shards, "pri": shards, "relo": "0", "init": "0", "unassign": "0", "pending_tasks": health.pending_tasks.to_string(),
        "max_task_wait_time": "-", "active_shards_percent": "100.0%",
    });
    Table {
        columns,
        rows: vec![row],
    }
    .answer(&parameters)
}

pub(crate) async fn nodes(
    State(state): State<AppState>,
    Checked(parameters): Checked,
) -> Result<Response, Failed> {
    let row = json!({"ip": state.address.ip().to_string(), "node.role": "dim", "master": "*", "name": "canarytrace"});
    Table {
        columns: &["ip", "node.role", "master", "name"],
        rows: vec![row],
    }
    .answer(&parameters)
}

/// Nothing here takes so long that it would be a task.
pub(crate) async fn tasks(Checked(parameters): Checked) -> Result<Response, Failed> {
    let columns = &[
        "action",
        "task_id",
        "parent_task_id",
        "type",
        "start_time",
        "timestamp",
        "running_time",
        "ip",
        "node",
    ];
    Table {
        columns,
        rows: Vec::new(),
    }
    .answer(&parameters)
}

pub(crate) async fn aliases(
    State(state): State<AppState>,
    wanted: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Result<Response, Failed> {
    let wanted = wanted.map_or_else(|| "*".to_owned(), |Path(name)| name);
    let mut rows = Vec::new();
    for index in details(&state, "", &parameters).await? {
        for (alias, body) in &index.aliases {
            let mut patterns = wanted.split(',');
            if !patterns.any(|pattern| canarytrace_es::query::wildcard_matches(pattern, alias)) {
                continue;
            }
            let text = |name: &str| {
                let value = body.others.get(name).and_then(Value::as_str);
                value.unwrap_or("-").to_owned()
            };
            rows.push(json!({
                "alias": alias, "index": index.name, "filter": if body.filter.is_some() { "*" } else { "-" },
                "routing.index": text("index_routing"), "routing.search": text("search_routing"),
                "is_write_index": body.is_write_index.map_or_else(|| "-".to_owned(), |flag| flag.to_string()),
            }));
        }
    }
    Table {
        columns: &[
            "alias",
            "index",
            "filter",
            "routing.index",
            "routing.search",
            "is_write_index",
        ],
        rows,
    }
    .answer(&parameters)
}

pub(crate) async fn templates(
    State(state): State<AppState>,
    wanted: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Result<Response, Failed> {
    let wanted = wanted.map_or_else(|| "*".to_owned(), |Path(name)| name);
    let engine = state.engine()?;
    let mut rows = Vec::new();
    for (kind, order) in [
        (TemplateKind::Index, "priority"),
        (TemplateKind::Legacy, "order"),
    ] {
        for template in engine.templates_of(kind, &wanted).await? {
            let number = |name: &str| {
                template.body[name]
                    .as_i64()
                    .map(|number| number.to_string())
            };
            let list = |name: &str| {
                let list = template.body[name].as_array().into_iter().flatten();
                let list: Vec<&str> = list.filter_map(Value::as_str).collect();
                format!("[{}]", list.join(", "))
            };
            rows.push(json!({
                "name": template.name, "index_patterns": list("index_patterns"), "order": number(order).unwrap_or_else(|| "0".to_owned()),
                "version": number("version").unwrap_or_default(),
                "composed_of": if kind == TemplateKind::Index { list("composed_of") } else { String::new() },
            }));
        }
    }
    Table {
        columns: &["name", "index_patterns", "order", "version", "composed_of"],
        rows,
    }
    .answer(&parameters)
}

pub(crate) async fn shards(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Result<Response, Failed> {
    let list = state
        .service
        .indices(&target(&name(index), &parameters))
        .await?;
    let (unit, ip) = (Unit::of(&parameters), state.address.ip().to_string());
    let row = |index: &IndexSummary| {
        json!({
            "index": index.name, "shard": "0", "prirep": "p", "state": "STARTED", "docs": index.documents.to_string(),
            "store": unit.told(index.size_bytes), "ip": ip, "node": "canarytrace",
        })
    };
    Table {
        columns: &[
            "index", "shard", "prirep", "state", "docs", "store", "ip", "node",
        ],
        rows: list.iter().map(row).collect(),
    }
    .answer(&parameters)
}

pub(crate) async fn allocation(
    State(state): State<AppState>,
    Checked(parameters): Checked,
) -> Result<Response, Failed> {
    let list = state.service.indices(&IndexTarget::default()).await?;
    let unit = Unit::of(&parameters);
    let bytes: u64 = list.iter().map(|index| index.size_bytes).sum();
    let nodes = state.service.nodes().await?;
    let disk = nodes.first().and_then(|node| node.disk_bytes);
    let percent = nodes
        .first()
        .and_then(canarytrace_es::NodeSummary::disk_percent);
    let (total, available) = disk.unwrap_or_default();
    let ip = state.address.ip().to_string();
    let row = json!({
        "shards": list.len().to_string(), "disk.indices": unit.told(bytes),
        "disk.used": unit.told(total.saturating_sub(available)), "disk.avail": unit.told(available), "disk.total": unit.told(total),
        "disk.percent": percent.map_or_else(String::new, |percent| format!("{percent:.0}")),
        "host": ip, "ip": ip, "node": "canarytrace",
    });
    Table {
        columns: &[
            "shards",
            "disk.indices",
            "disk.used",
            "disk.avail",
            "disk.total",
            "disk.percent",
            "host",
            "ip",
            "node",
        ],
        rows: vec![row],
    }
    .answer(&parameters)
}
