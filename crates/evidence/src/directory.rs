//! `<out>/<uuid>/`: the record, the documents as bulk pairs, attachments, the log.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use canarytrace_model::{RunId, index::Service, record::RunRecord, time::Moment};
use serde::Serialize;
use serde_json::json;
use thiserror::Error;

use crate::{ResponseBody, Secrets, bodies};

#[derive(Debug, Error)]
pub enum EvidenceError {
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is not a run record: {reason}", path.display())]
    Record { path: PathBuf, reason: String },
}

/// Who said a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    Runner,
    Script,
    Browser,
    Supervisor,
}

pub(crate) const RECORD: &str = "run.json";
pub(crate) const DOCUMENTS: &str = "documents.ndjson";
pub(crate) const ATTACHMENTS: &str = "attachments";
const LOG: &str = "log.ndjson";
/// Of a log that is kept with the attachments.
const MAX_LOG_BYTES: usize = 4 << 20;
/// Room for the closing documents and the record, should the disk be full by then.
const RESERVE: &str = ".reserve";
const RESERVE_BYTES: usize = 128 << 10;
/// A run writes no more than this; what is beyond is counted in the log.
const MAX_DOCUMENT_BYTES: usize = 8 << 20;

/// A run's folder, open for appending by one process at a time.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    documents: File,
    log: File,
    secrets: Secrets,
    uuid: RunId,
    prefix: String,
    /// Number of the last document, by service name.
    numbers: BTreeMap<String, u64>,
}

impl RunDirectory {
    /// Makes the folder with its record.
    pub fn create(out: &Path, record: &RunRecord, secrets: Secrets) -> Result<Self, EvidenceError> {
        let path = out.join(record.uuid.as_str());
        let failed = |source| EvidenceError::Write {
            path: path.clone(),
            source,
        };
        for folder in ["attachments", "assets"] {
            fs::create_dir_all(path.join(folder)).map_err(failed)?;
        }
        fs::write(path.join(RESERVE), vec![b'.'; RESERVE_BYTES]).map_err(failed)?;
        write_record(&path, record, &secrets)?;
        Self::open(&path, record, secrets)
    }

    /// Opens a folder to close its record: gives the room kept for that free.
    pub fn open_to_close(
        path: &Path,
        record: &RunRecord,
        secrets: Secrets,
    ) -> Result<Self, EvidenceError> {
        if let Err(error) = fs::remove_file(path.join(RESERVE))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the room kept for closing documents cannot be used");
        }
        Self::open(path, record, secrets)
    }

    /// Opens a folder that exists: cuts a torn last line and goes on numbering.
    pub fn open(path: &Path, record: &RunRecord, secrets: Secrets) -> Result<Self, EvidenceError> {
        let append = |name: &str| {
            let path = path.join(name);
            OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .open(&path)
                .map_err(|source| EvidenceError::Write { path, source })
        };
        let mut documents = append(DOCUMENTS)?;
        let numbers = repair(&mut documents).map_err(|source| EvidenceError::Read {
            path: path.join(DOCUMENTS),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            documents,
            log: append(LOG)?,
            secrets,
            uuid: record.uuid.clone(),
            prefix: record.index_prefix.clone(),
            numbers,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Documents written, by index service.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.numbers
    }

    /// Appends one document; answers its JSON as it was written.
    pub fn append(
        &mut self,
        service: Service,
        at: Moment,
        document: &impl Serialize,
    ) -> Result<String, EvidenceError> {
        let index = service.index(&self.prefix, at);
        self.append_named(service.name(), &index, at, document)
    }

    /// Appends a document of the script's own to an index of its choice, below the run's prefix.
    pub fn append_saved(
        &mut self,
        index: &str,
        at: Moment,
        document: &impl Serialize,
    ) -> Result<String, EvidenceError> {
        let index = match index.strip_prefix(self.prefix.as_str()) {
            Some(_) => index.to_owned(),
            None => format!("{}{index}", self.prefix),
        };
        self.append_named("saved", &index, at, document)
    }

    fn append_named(
        &mut self,
        name: &str,
        index: &str,
        at: Moment,
        document: &impl Serialize,
    ) -> Result<String, EvidenceError> {
        let failed = |source: io::Error| EvidenceError::Write {
            path: self.path.join(DOCUMENTS),
            source,
        };
        let source = serde_json::to_string(document).map_err(|error| failed(error.into()))?;
        let source = self.secrets.mask_json(&source).into_owned();
        if source.len() > MAX_DOCUMENT_BYTES {
            self.log(
                LogStream::Runner,
                at,
                &format!(
                    "a {} document of {} bytes was left out: the limit is {MAX_DOCUMENT_BYTES}",
                    name,
                    source.len()
                ),
            );
            return Ok(source);
        }
        let number = self.numbers.get(name).copied().unwrap_or(0) + 1;
        let id = format!("{}-{name}-{number:06}", self.uuid);
        let action = json!({"create": {"_index": index, "_id": id}});
        self.documents
            .write_all(format!("{action}\n{source}\n").as_bytes())
            .map_err(failed)?;
        self.numbers.insert(name.to_owned(), number);
        Ok(source)
    }

    /// Stores an attachment and answers its path below the run directory.
    pub fn attach(&self, name: &str, content: &[u8]) -> Result<String, EvidenceError> {
        let relative = format!("{ATTACHMENTS}/{name}");
        let path = self.path.join(&relative);
        fs::write(&path, content).map_err(|source| EvidenceError::Write { path, source })?;
        Ok(relative)
    }

    /// Stores what was said so far as an attachment, the newest of it; answers its name, or nothing when nothing was said.
    pub fn attach_log(&self) -> Result<Option<String>, EvidenceError> {
        let path = self.path.join(LOG);
        let mut said = fs::read(&path).map_err(|source| EvidenceError::Read { path, source })?;
        if let Some(beyond) = said.len().checked_sub(MAX_LOG_BYTES) {
            let rest = said.split_off(beyond);
            // The first line that is left is whole.
            let begin = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(0, |end| end + 1);
            said = rest.get(begin..).unwrap_or_default().to_vec();
        }
        if said.is_empty() {
            return Ok(None);
        }
        let name = format!("{}.log.ndjson", self.uuid);
        self.attach(&name, &said)?;
        Ok(Some(name))
    }

    /// Keeps bodies of responses for the archive of the run.
    pub fn keep_bodies(&self, bodies: &[ResponseBody]) -> Result<(), EvidenceError> {
        bodies::append(&self.path, bodies, &self.secrets)
    }

    /// When the archive is made, or not wanted.
    pub fn forget_bodies(&self) {
        bodies::remove(&self.path);
    }

    /// Appends a line to the log; a log that cannot be written must not end a run.
    pub fn log(&mut self, stream: LogStream, at: Moment, text: &str) {
        let line = json!({"time": at, "stream": stream, "text": self.secrets.mask(text)});
        if let Err(error) = self.log.write_all(format!("{line}\n").as_bytes()) {
            tracing::warn!(%error, "the run's log cannot be written");
        }
    }

    /// Replaces the record atomically.
    pub fn write_record(&self, record: &RunRecord) -> Result<(), EvidenceError> {
        write_record(&self.path, record, &self.secrets)
    }
}

/// Replaces the record of a run directory nobody has open; it was masked when it was written first.
pub fn store_record(folder: &Path, record: &RunRecord) -> Result<(), EvidenceError> {
    write_record(folder, record, &Secrets::default())
}

/// Reads the record of a run directory.
pub(crate) fn read_record(path: &Path) -> Result<RunRecord, EvidenceError> {
    let path = path.join(RECORD);
    let text = fs::read_to_string(&path).map_err(|source| EvidenceError::Read {
        path: path.clone(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|error| EvidenceError::Record {
        path,
        reason: error.to_string(),
    })
}

pub(crate) fn write_record(
    folder: &Path,
    record: &RunRecord,
    secrets: &Secrets,
) -> Result<(), EvidenceError> {
    let path = folder.join(RECORD);
    let failed = |source: io::Error| EvidenceError::Write {
        path: path.clone(),
        source,
    };
    let mut value = serde_json::to_value(record).map_err(|error| failed(error.into()))?;
    secrets.mask_value(&mut value);
    // The record's own order of members is easier to read; a mask in a place that is no free text rules it out.
    let text = match serde_json::from_value::<RunRecord>(value.clone()) {
        Ok(masked) => serde_json::to_vec_pretty(&masked),
        Err(_) => serde_json::to_vec_pretty(&value),
    };
    replace(&path, &text.map_err(|error| failed(error.into()))?).map_err(failed)
}

/// Writes beside and renames: a reader sees the old or the new content, never half of one.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_data()?;
    fs::rename(temporary, path)
}

/// Cuts what is not a complete pair of lines and counts what stays, by service name.
fn repair(documents: &mut File) -> io::Result<BTreeMap<String, u64>> {
    documents.seek(SeekFrom::Start(0))?;
    let length = documents.metadata()?.len();
    let mut numbers = BTreeMap::new();
    let mut complete = 0;
    let mut reader = BufReader::new(&mut *documents);
    let (mut action, mut source) = (Vec::new(), Vec::new());
    loop {
        action.clear();
        source.clear();
        reader.read_until(b'\n', &mut action)?;
        reader.read_until(b'\n', &mut source)?;
        let whole = action.ends_with(b"\n") && source.ends_with(b"\n");
        let Some((service, number)) = whole.then(|| service_and_number(&action)).flatten() else {
            break;
        };
        numbers.insert(service, number);
        complete += (action.len() + source.len()) as u64;
    }
    if complete < length {
        documents.set_len(complete)?;
    }
    Ok(numbers)
}

/// From an `_id` of `<uuid>-<service>-<number>`.
fn service_and_number(action: &[u8]) -> Option<(String, u64)> {
    let action: serde_json::Value = serde_json::from_slice(action).ok()?;
    let id = action.pointer("/create/_id")?.as_str()?;
    let (head, number) = id.rsplit_once('-')?;
    Some((head.get(33..)?.to_owned(), number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use canarytrace_model::record::{Delivered, Overhead, RunState};

    use super::*;

    pub(crate) fn record() -> RunRecord {
        RunRecord {
            state: RunState::Running,
            uuid: RunId::random(),
            monitor: "shop".to_owned(),
            mode: "smoke".to_owned(),
            spec: "smoke.js".to_owned(),
            labels: Vec::new(),
            index_prefix: "c.".to_owned(),
            started_at: Moment::from_epoch_ms(0),
            ended_at: None,
            exit_code: None,
            verdict: None,
            steps: Vec::new(),
            counts: BTreeMap::new(),
            attachments: Vec::new(),
            delivered: Delivered::default(),
            overhead: Overhead::default(),
            version: "0".to_owned(),
            browser_version: None,
            store: None,
            supervisor: None,
        }
    }

    #[test]
    fn a_log_is_kept_with_the_attachments_from_a_whole_line_on() {
        let out = tempfile::tempdir().unwrap();
        let record = record();
        let at = Moment::from_epoch_ms(0);
        let mut directory = RunDirectory::create(out.path(), &record, Secrets::default()).unwrap();
        assert_eq!(directory.attach_log().unwrap(), None, "nothing was said");
        let line = "x".repeat(1 << 20);
        for _ in 0..5 {
            directory.log(LogStream::Script, at, &line);
        }
        let name = directory.attach_log().unwrap().unwrap();
        assert_eq!(name, format!("{}.log.ndjson", record.uuid));
        let kept = fs::read_to_string(directory.path().join(ATTACHMENTS).join(name)).unwrap();
        assert_eq!(kept.lines().count(), 3);
        for line in kept.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["stream"], "script");
        }
    }

    #[test]
    fn a_torn_line_is_cut_and_numbering_goes_on() {
        let out = tempfile::tempdir().unwrap();
        let record = record();
        let at = Moment::from_epoch_ms(0);
        let mut directory = RunDirectory::create(out.path(), &record, Secrets::default()).unwrap();
        directory
            .append(Service::PerformanceEntries, at, &json!({"a": 1}))
            .unwrap();
        let path = directory.path().to_owned();
        drop(directory);
        let file = path.join(DOCUMENTS);
        let whole = fs::read_to_string(&file).unwrap();
        fs::write(
            &file,
            format!("{whole}{{\"create\":{{\"_index\":\"x\",\"_id\":\"y\"}}}}\n{{\"torn"),
        )
        .unwrap();

        let mut directory = RunDirectory::open(&path, &record, Secrets::default()).unwrap();
        directory
            .append(Service::PerformanceEntries, at, &json!({"a": 2}))
            .unwrap();
        let lines: Vec<String> = fs::read_to_string(&file)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
        assert_eq!(lines.len(), 4);
        let id = format!("{}-performance-entries-000002", record.uuid);
        assert_eq!(
            lines[2],
            format!(
                "{{\"create\":{{\"_id\":\"{id}\",\"_index\":\"c.performance-entries-1970.01.01\"}}}}"
            )
        );
    }

    #[test]
    fn a_dead_run_is_closed_once() {
        let out = tempfile::tempdir().unwrap();
        let record = record();
        drop(RunDirectory::create(out.path(), &record, Secrets::default()).unwrap());
        let mut found = crate::find_unfinished(out.path(), |_| false);
        assert_eq!(found.len(), 1);
        crate::recover(
            &mut found[0],
            "the supervisor was killed",
            Moment::from_epoch_ms(5),
        )
        .unwrap();
        assert!(crate::find_unfinished(out.path(), |_| false).is_empty());
        let documents = fs::read_to_string(found[0].path.join(DOCUMENTS)).unwrap();
        assert_eq!(documents.matches("\"sequence\":1000").count(), 1);
        assert_eq!(read_record(&found[0].path).unwrap().exit_code, Some(3));
    }
}
