//! One measured figure: its runs, its row in the table, and its file.

use serde_json::{Value, json};
use std::path::Path;
use std::{fs, io};

/// The header of the table.
pub const HEADER: &str = "figure                                            median       least        most  unit     runs  to last time";

/// Which direction is better.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Better {
    Less,
    More,
}

/// A quantity, measured several times.
pub struct Figure {
    name: &'static str,
    unit: &'static str,
    better: Better,
    /// Sorted, never empty.
    runs: Vec<f64>,
}

impl Figure {
    /// A figure of at least one run.
    pub fn new(name: &'static str, unit: &'static str, better: Better, mut runs: Vec<f64>) -> Figure {
        runs.sort_by(f64::total_cmp);
        if runs.is_empty() {
            runs.push(f64::NAN);
        }
        Figure { name, unit, better, runs }
    }

    /// The middle run, or the mean of the two in the middle.
    pub fn median(&self) -> f64 {
        let last = self.runs.len() - 1;
        (self.runs[last / 2] + self.runs[last.div_ceil(2)]) / 2.0
    }

    /// The row, compared with the median of the previous bench.
    pub fn row(&self, before: Option<f64>) -> String {
        let (least, most) = (self.runs[0], self.runs[self.runs.len() - 1]);
        let comparison = before.map_or("first run".to_owned(), |before| {
            let ratio = self.median() / before;
            let word = match (self.better, ratio) {
                (_, 0.95..=1.05) => "as before",
                (Better::Less, ..1.0) | (Better::More, 1.0..) => "better",
                _ => "worse",
            };
            format!("{ratio:.2} ({word})")
        });
        let (name, unit, runs) = (self.name, self.unit, self.runs.len());
        format!(
            "{name:<44}{:>12.3}{least:>12.3}{most:>12.3}  {unit:<8} {runs:>4}  {comparison}",
            self.median()
        )
    }

    /// Stores the figure in `<folder>/<name>.json` with the previous one, and returns the median of that.
    pub fn store(&self, folder: &Path) -> io::Result<Option<f64>> {
        let words = self.name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let path = folder.join(words.collect::<Vec<_>>().join("-") + ".json");
        let old: Value =
            fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let latest =
            json!({"name": self.name, "unit": self.unit, "median": self.median(), "runs": self.runs});
        let text = serde_json::to_vec_pretty(&json!({"latest": latest, "previous": old["latest"]}))?;
        fs::create_dir_all(folder)?;
        fs::write(path, text)?;
        Ok(old["latest"]["median"].as_f64())
    }
}
