//! Documents as a file: CSV, XLSX or NDJSON, read page by page, so that a million rows need no more memory than one page.

use std::io;

use axum::{
    Json,
    body::Body,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    response::Response,
};
use bytes::Bytes;
use canarytrace_es::{EsError, Hit, SearchRequest, SearchService};
use futures_util::{Stream, StreamExt, stream};
use rust_xlsxwriter::{Workbook, Worksheet, XlsxError};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use super::{Refused, download, search};
use crate::AppState;

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ExportFormat)]
enum Format {
    Csv,
    Xlsx,
    Ndjson,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Xlsx => "xlsx",
            Format::Ndjson => "ndjson",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Format::Ndjson => "application/x-ndjson",
        }
    }
}

/// Documents (`index` and `query`), newest first, or a table as it is shown (`table`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Export {
    /// Its name, without extension.
    title: String,
    format: Format,
    #[serde(default)]
    index: Option<String>,
    /// Elasticsearch's, with KQL where a query may stand.
    #[serde(default)]
    #[schema(value_type = Object)]
    query: Option<Value>,
    /// Dotted paths, or headings of the table; NDJSON has whole documents when there are none.
    #[serde(default)]
    columns: Vec<String>,
    #[serde(default)]
    #[schema(value_type = Vec<Vec<Value>>)]
    table: Option<Vec<Row>>,
}

/// A sheet of Excel ends there; one line is the heading.
const SHEET_ROWS: usize = 1_048_575;
const PAGE: usize = 2000;
/// Elasticsearch's `index.max_result_window`.
const WINDOW: usize = 10_000;

/// Documents (index, query), newest first, or a table as it is shown, as a file.
#[utoipa::path(post, path = "/export", request_body = Export, responses((status = 200, description = "as it is", body = Vec<u8>, content_type = "*/*")))]
pub(super) async fn export(
    State(state): State<AppState>,
    wanted: Result<Json<Export>, JsonRejection>,
) -> Result<Response, Refused> {
    let Json(wanted) = wanted?;
    let name = format!("{}.{}", wanted.title, wanted.format.extension());
    let (format, columns) = (wanted.format, wanted.columns);
    let body = match (wanted.table, wanted.index) {
        (Some(table), None) => {
            let rows = stream::iter(table.into_iter().map(Ok));
            written(format, columns, rows).await?
        }
        (None, Some(index)) => {
            let mut query = wanted.query.unwrap_or_else(|| json!({"match_all": {}}));
            search::lower(&mut query)?;
            documents(Pages::new(state, index, query), format, columns).await?
        }
        _ => {
            return Err(Refused::new(
                StatusCode::BAD_REQUEST,
                "either `index` or `table` says what is exported",
            ));
        }
    };
    Ok(download(&name, format.media_type(), body))
}

/// What is wrong with a query is told before the file begins, not in the middle of it.
async fn documents(
    mut pages: Pages,
    format: Format,
    columns: Vec<String>,
) -> Result<Body, Refused> {
    let first = pages.next().await?;
    let hits = pages.after(first);
    if format == Format::Ndjson && columns.is_empty() {
        let lines = hits.map(|hit| {
            let mut line = hit?.source.unwrap_or_default().to_string();
            line.push('\n');
            Ok::<_, io::Error>(Bytes::from(line))
        });
        return Ok(Body::from_stream(lines));
    }
    let paths = columns.clone();
    let rows = hits.map(move |hit| {
        let hit = hit?;
        Ok(paths.iter().map(|path| value_at(&hit, path)).collect())
    });
    written(format, columns, rows).await
}

/// Reads documents newest first, a page at a time, on any store: the next page begins at the time of the last hit and leaves
/// out those of that time that were read.
struct Pages {
    state: AppState,
    index: String,
    query: Value,
    /// The time of the last hit, and how many of that time were read.
    last: Option<(Value, usize)>,
    is_over: bool,
}

impl Pages {
    fn new(state: AppState, index: String, query: Value) -> Self {
        Self {
            state,
            index,
            query,
            last: None,
            is_over: false,
        }
    }

    fn request(&self) -> Result<SearchRequest, EsError> {
        let (mut filter, from) = (
            vec![self.query.clone()],
            self.last.as_ref().map_or(0, |last| last.1),
        );
        if let Some((time, _)) = &self.last {
            filter.push(json!({"range": {"timestamp": {"lte": time, "format": "strict_date_optional_time||epoch_millis"}}}));
        }
        if from + PAGE > WINDOW {
            return Err(EsError::illegal_argument(
                "more than 10,000 documents have the same time; narrow the query",
            ));
        }
        SearchRequest::parse(json!({
            "size": PAGE, "from": from, "query": {"bool": {"filter": filter}}, "track_total_hits": false,
            "sort": [{"timestamp": {"order": "desc", "unmapped_type": "date"}}, {"sequence": {"order": "desc", "unmapped_type": "long"}}],
        }))
    }

    async fn next(&mut self) -> Result<Vec<Hit>, EsError> {
        if self.is_over {
            return Ok(Vec::new());
        }
        let target = search::target(&self.index);
        let service: &dyn SearchService = &*self.state.service;
        let hits = service.search(&target, self.request()?).await?.hits;
        self.is_over = hits.len() < PAGE;
        if let Some(time) = hits.last().and_then(|hit| hit.sort.first()).cloned() {
            let same = hits
                .iter()
                .filter(|hit| hit.sort.first() == Some(&time))
                .count();
            let before = match &self.last {
                Some((last, count)) if *last == time => *count,
                _ => 0,
            };
            // A hit without a time is last, and nothing comes after those.
            self.is_over |= time.is_null();
            self.last = Some((time, before + same));
        }
        Ok(hits)
    }

    fn after(self, first: Vec<Hit>) -> impl Stream<Item = io::Result<Hit>> + Send {
        let rest = stream::try_unfold(self, |mut pages| async move {
            let hits = pages.next().await.map_err(io::Error::other)?;
            Ok((!hits.is_empty()).then_some((hits, pages)))
        });
        let first = stream::iter(first.into_iter().map(Ok));
        let rest = rest.flat_map(|page: io::Result<Vec<Hit>>| {
            let hits = match page {
                Ok(hits) => hits.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            stream::iter(hits)
        });
        first.chain(rest)
    }
}

/// The value of a dotted path; names that have dots themselves (header names) are found, too.
fn value_at(hit: &Hit, path: &str) -> Value {
    match path {
        "_id" => json!(hit.id),
        "_index" => json!(hit.index),
        _ => hit
            .source
            .as_ref()
            .and_then(|source| look_up(source, path))
            .cloned()
            .unwrap_or(Value::Null),
    }
}

fn look_up<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let map: &Map<String, Value> = value.as_object()?;
    if let Some(found) = map.get(path) {
        return Some(found);
    }
    path.match_indices('.').find_map(|(at, _)| {
        let (name, rest) = (path.get(..at)?, path.get(at + 1..)?);
        look_up(map.get(name)?, rest)
    })
}

type Row = Vec<Value>;

async fn written(
    format: Format,
    columns: Vec<String>,
    rows: impl Stream<Item = io::Result<Row>> + Send + 'static,
) -> Result<Body, Refused> {
    match format {
        Format::Csv => Ok(Body::from_stream(csv_lines(columns, rows))),
        Format::Ndjson => Ok(Body::from_stream(rows.map(move |row| {
            let named: Map<String, Value> = columns.iter().cloned().zip(row?).collect();
            Ok::<_, io::Error>(Bytes::from(format!("{}\n", Value::Object(named))))
        }))),
        Format::Xlsx => sheet(columns, rows).await,
    }
}

fn csv_lines(
    columns: Vec<String>,
    rows: impl Stream<Item = io::Result<Row>> + Send,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let heading = stream::once(async move {
        let names: Vec<String> = columns.iter().map(|name| harmless(name)).collect();
        // The mark tells Excel that the file is UTF-8.
        line(&names).map(|line| [b"\xEF\xBB\xBF".as_slice(), &line].concat())
    });
    let lines = rows.map(|row| {
        let cells: Vec<String> = row?.iter().map(cell).collect();
        line(&cells)
    });
    heading.chain(lines).map(|line| line.map(Bytes::from))
}

fn line(cells: &[String]) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells)?;
    writer.into_inner().map_err(io::Error::other)
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => harmless(text),
        other => text_of(other),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => harmless(&items.iter().map(text_of).collect::<Vec<_>>().join("; ")),
        other => other.to_string(),
    }
}

/// A text that a spreadsheet would reckon with is kept a text: what a page wrote must not become a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Written to a temporary file row by row; sent when it is complete, because a workbook ends with its index.
async fn sheet(
    columns: Vec<String>,
    rows: impl Stream<Item = io::Result<Row>> + Send + 'static,
) -> Result<Body, Refused> {
    let (sender, mut receiver) = mpsc::channel::<Row>(PAGE);
    let writing = tokio::task::spawn_blocking(move || -> Result<std::fs::File, SheetError> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name("canarytrace")?;
        for (column, name) in columns.iter().enumerate() {
            sheet.write_string(0, column_number(column)?, short(name))?;
        }
        let mut number = 0;
        while let Some(row) = receiver.blocking_recv() {
            number += 1;
            for (column, value) in row.iter().enumerate() {
                write_cell(sheet, number, column_number(column)?, value)?;
            }
        }
        let mut file = tempfile::tempfile()?;
        workbook.save_to_writer(&mut file)?;
        io::Seek::rewind(&mut file)?;
        Ok(file)
    });
    let mut rows = std::pin::pin!(rows);
    let mut count = 0;
    while let Some(row) = rows.next().await {
        let row = row.map_err(|error| Refused::new(StatusCode::BAD_GATEWAY, error.to_string()))?;
        count += 1;
        if count > SHEET_ROWS {
            return Err(Refused::with_hint(
                StatusCode::BAD_REQUEST,
                format!("a sheet has at most {SHEET_ROWS} rows"),
                "narrow the time, or take CSV",
            ));
        }
        if sender.send(row).await.is_err() {
            break;
        }
    }
    drop(sender);
    let failed = |error: &dyn std::fmt::Display| {
        Refused::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the sheet cannot be written: {error}"),
        )
    };
    let file = writing
        .await
        .map_err(|error| failed(&error))?
        .map_err(|error| failed(&error))?;
    Ok(Body::from_stream(chunks(file)))
}

/// A file in pieces, read beside the tasks that answer.
fn chunks(mut file: std::fs::File) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let (sender, receiver) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut buffer = vec![0; 64 * 1024];
            let piece = match io::Read::read(&mut file, &mut buffer) {
                Ok(0) => break,
                Ok(length) => {
                    buffer.truncate(length);
                    Ok(Bytes::from(buffer))
                }
                Err(error) => Err(error),
            };
            let is_last = piece.is_err();
            if sender.blocking_send(piece).is_err() || is_last {
                break;
            }
        }
    });
    ReceiverStream::new(receiver)
}

#[derive(Debug, thiserror::Error)]
enum SheetError {
    #[error(transparent)]
    Sheet(#[from] XlsxError),
    #[error(transparent)]
    File(#[from] io::Error),
    #[error("a sheet has at most 16,384 columns")]
    Columns,
}

fn column_number(column: usize) -> Result<u16, SheetError> {
    u16::try_from(column).map_err(|_| SheetError::Columns)
}

/// Excel refuses longer texts.
const CELL_CHARACTERS: usize = 32_767;

fn short(text: &str) -> String {
    text.chars().take(CELL_CHARACTERS).collect()
}

/// Texts are written as texts, so none becomes a formula; times are times.
fn write_cell(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    value: &Value,
) -> Result<(), SheetError> {
    match value {
        Value::Null => {}
        Value::Bool(flag) => {
            sheet.write_boolean(row, column, *flag)?;
        }
        Value::Number(number) => {
            sheet.write_number(row, column, number.as_f64().unwrap_or_default())?;
        }
        other => {
            sheet.write_string(row, column, short(&text_of(other)))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(body: Body) -> String {
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn rows() -> impl Stream<Item = io::Result<Row>> + Send + 'static {
        stream::iter([Ok(vec![
            json!("=1+1"),
            json!(-2),
            json!(["a", "b"]),
            Value::Null,
        ])])
    }

    fn columns() -> Vec<String> {
        ["=name", "n", "list", "none"].map(str::to_owned).to_vec()
    }

    #[tokio::test]
    async fn csv_holds_no_formula_and_keeps_numbers() {
        let body = written(Format::Csv, columns(), rows()).await;
        let Ok(body) = body else { panic!("refused") };
        assert_eq!(
            text(body).await,
            "\u{feff}'=name,n,list,none\n'=1+1,-2,a; b,\n"
        );
    }

    #[tokio::test]
    async fn a_sheet_is_a_zip_file() {
        let Ok(body) = written(Format::Xlsx, columns(), rows()).await else {
            panic!("refused")
        };
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        assert!(bytes.starts_with(b"PK"));
    }

    #[test]
    fn names_with_dots_are_found() {
        let source = json!({"a.b": 1, "c": {"d.e": 2}});
        assert_eq!(look_up(&source, "a.b"), Some(&json!(1)));
        assert_eq!(look_up(&source, "c.d.e"), Some(&json!(2)));
        assert_eq!(look_up(&source, "c.x"), None);
    }
}
