//! What a document puts into the index.

use std::sync::Arc;

/// A JSON path, shared with the mapping.
pub(crate) type Path = Arc<str>;

/// Where it is kept which values a document has that were not indexed.
pub(crate) const IGNORED: &str = "_ignored";

/// A value in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Between two bytes of the document's texts.
    Text(u32, u32),
    Whole(i64),
    Unsigned(u64),
    Decimal(f64),
}

/// Values with their paths; a path may come more than once.
pub(crate) type Cells = Vec<(Path, Cell)>;

/// The values of a document by how they are indexed. Its texts lie one after another: a piece of memory for each took a tenth
/// of what indexing costs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Indexed {
    texts: String,
    /// Exact texts.
    pub(crate) exact: Cells,
    pub(crate) numbers: Cells,
    /// Analysed texts as the index takes them.
    pub(crate) words: Cells,
    /// How many words a field has; none where there is something that is only stored, and known to be there.
    pub(crate) lengths: Cells,
}

impl Indexed {
    /// Empty, with room for a document of so many bytes.
    pub(super) fn clear_for(&mut self, bytes: usize) {
        self.texts.clear();
        self.texts.reserve(bytes);
        let cells = [
            (&mut self.exact, bytes / 64),
            (&mut self.numbers, bytes / 64),
            (&mut self.words, 0),
            (&mut self.lengths, 0),
        ];
        for (cells, room) in cells {
            cells.clear();
            cells.reserve(room);
        }
    }

    pub(super) fn add_exact(&mut self, path: &Path, text: &str) {
        let cell = self.add_text(|texts| texts.push_str(text)).0;
        self.exact.push((Path::clone(path), cell));
    }

    pub(super) fn add_number(&mut self, path: &Path, number: Cell) {
        self.numbers.push((Path::clone(path), number));
    }

    /// Words that `write` adds to a text; it answers how many they are.
    pub(super) fn add_words(&mut self, path: &Path, write: impl FnOnce(&mut String) -> i64) {
        let (cell, count) = self.add_text(write);
        self.words.push((Path::clone(path), cell));
        self.add_length(path, count);
    }

    /// There is something that is only stored.
    pub(super) fn add_other(&mut self, path: &Path) {
        self.add_length(path, 0);
    }

    fn add_text<T>(&mut self, write: impl FnOnce(&mut String) -> T) -> (Cell, T) {
        let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
        let from = place(self.texts.len());
        let written = write(&mut self.texts);
        (Cell::Text(from, place(self.texts.len())), written)
    }

    fn add_length(&mut self, path: &Path, words: i64) {
        let own = self.lengths.iter_mut().find(|(other, _)| other == path);
        match own {
            Some((_, Cell::Whole(length))) => *length += words,
            _ => self.lengths.push((Path::clone(path), Cell::Whole(words))),
        }
    }

    /// A value of that field is stored only.
    pub(super) fn ignore(&mut self, path: &str) {
        let is_told = |(own, cell): &(Path, Cell)| **own == *IGNORED && self.text(*cell) == path;
        if !self.exact.iter().any(is_told) {
            self.add_exact(&Path::from(IGNORED), path);
        }
    }

    pub(super) fn has(&self, path: &str) -> bool {
        let all = [&self.exact, &self.numbers, &self.words];
        all.into_iter().flatten().any(|(own, _)| **own == *path)
    }

    /// The text of a cell; empty of numbers.
    pub(crate) fn text(&self, cell: Cell) -> &str {
        let Cell::Text(from, to) = cell else {
            return "";
        };
        self.texts
            .get(from as usize..to as usize)
            .unwrap_or_default()
    }
}
