//! The folder of a recount: what was read, sorted, and how far the log was read.

use crate::record::Offset;
use crate::record::place::Place;
use crate::settings::BadSetting;
use anyhow::Context as _;
use recount::Sorter;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Changes whenever files of older versions can't be read.
const VERSION: u32 = 3;
const STATE_FILE: &str = "state.json";
const LOCK_FILE: &str = "lock";
/// Files of runs end so.
const RUN: &str = "run";

/// What is counted anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The topics' names.
    pub topics: Vec<String>,
    /// From which second since the Unix epoch on; a UTC midnight.
    pub from: Option<i64>,
    /// Before which second; a UTC midnight.
    pub to: Option<i64>,
    /// Of which organization.
    pub organization: Option<String>,
}

impl Chosen {
    /// Whether a record of this second since the Unix epoch is counted anew.
    pub fn has(&self, second: i64) -> bool {
        self.from.is_none_or(|from| from <= second) && self.to.is_none_or(|to| second < to)
    }
}

/// How far a partition was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// Kafka's id of the topic, if known.
    pub topic_id: Option<String>,
    /// The next offset to read.
    pub position: i64,
    /// Whether records before the first that was read are gone from the log.
    pub is_cut: bool,
    /// The timestamp of the first record after those that are gone, in milliseconds since the Unix epoch: they are older.
    pub cut_ms: Option<i64>,
    /// Whether the log ended before what the tables have counted.
    pub is_short: bool,
}

impl Progress {
    /// The next offset to read.
    pub fn position(&self) -> Offset {
        Offset(self.position)
    }
}

/// What the state's file holds.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    version: u32,
    chosen: Chosen,
    partitions: Vec<Progress>,
    runs: Vec<u64>,
    records: u64,
}

/// A recount's state. No other recount uses its folder.
pub struct State {
    folder: PathBuf,
    /// What is counted anew.
    pub chosen: Chosen,
    /// How far each partition was read.
    pub partitions: Vec<Progress>,
    /// The runs of sorted entries.
    pub runs: Vec<u64>,
    /// How many records were read.
    pub records: u64,
    /// Locked while this recount lives.
    _lock: File,
}

impl State {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// When it can't be read or written, is in use, or belongs to a recount of something else.
    pub fn open(folder: &Path, chosen: &Chosen) -> anyhow::Result<Self> {
        let shown = folder.display();
        let wrong = |what: &str| BadSetting(format!("--state: {shown} {what}"));
        std::fs::create_dir_all(folder)
            .with_context(|| format!("{shown} can't be made: name another folder by RECOUNT_STATE"))?;
        let lock = File::create(folder.join(LOCK_FILE))
            .with_context(|| format!("{shown} can't be written: name another folder by RECOUNT_STATE"))?;
        if lock.try_lock().is_err() {
            return Err(wrong("is in use by another recount").into());
        }
        let mut state = Self {
            folder: folder.to_owned(),
            chosen: chosen.clone(),
            partitions: Vec::new(),
            runs: Vec::new(),
            records: 0,
            _lock: lock,
        };
        let file = folder.join(STATE_FILE);
        if file.try_exists()? {
            let text = std::fs::read(&file).with_context(|| format!("{} can't be read", file.display()))?;
            let written: Result<Written, _> = serde_json::from_slice(&text);
            let written = written.ok().filter(|written| written.version == VERSION);
            let written = written.ok_or_else(|| wrong("is of another version; delete it to begin anew"))?;
            if written.chosen != *chosen {
                return Err(wrong(
                    "belongs to a recount with other filters; delete it, or name another folder",
                )
                .into());
            }
            (state.partitions, state.runs, state.records) =
                (written.partitions, written.runs, written.records);
        }
        state.tidy()?;
        Ok(state)
    }

    /// Deletes runs that are not noted: a recount that was killed has left them.
    fn tidy(&self) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let number =
                path.file_stem().and_then(|stem| stem.to_str()?.rsplit_once('-')?.1.parse::<u64>().ok());
            let is_noted = path.file_stem().is_some_and(|stem| stem.to_string_lossy().starts_with(ENTRIES))
                && number.is_some_and(|number| self.runs.contains(&number));
            if path.extension().is_some_and(|extension| extension == RUN) && !is_noted {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// A sorter of entries, with what is already sorted.
    pub fn sorter(&self, memory: usize) -> Sorter {
        Sorter::new(&self.folder, ENTRIES, memory, self.runs.clone())
    }

    /// A sorter of something that is not kept, by its name.
    pub fn scratch(&self, name: &'static str, memory: usize) -> Sorter {
        Sorter::new(&self.folder, name, memory, Vec::new())
    }

    /// Notes how far the log was read. All that was read must be in the runs.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn save(&self) -> anyhow::Result<()> {
        let written = Written {
            version: VERSION,
            chosen: self.chosen.clone(),
            partitions: self.partitions.clone(),
            runs: self.runs.clone(),
            records: self.records,
        };
        let (next, file) = (self.folder.join("state.json.next"), self.folder.join(STATE_FILE));
        let write = || -> std::io::Result<()> {
            std::fs::write(&next, serde_json::to_vec_pretty(&written)?)?;
            File::open(&next)?.sync_all()?;
            std::fs::rename(&next, &file)
        };
        write().with_context(|| format!("{} can't be written", file.display()))
    }

    /// The progress of a partition.
    pub fn progress(&mut self, place: &Place) -> Option<&mut Progress> {
        self.partitions.iter_mut().find(|at| at.topic == place.topic && at.partition == place.partition)
    }

    /// Deletes what this recount has written, and the folder if nothing else is in it.
    ///
    /// # Errors
    /// When a file can't be deleted.
    pub fn delete(mut self) -> anyhow::Result<()> {
        self.runs.clear();
        self.tidy()?;
        for file in [STATE_FILE, LOCK_FILE] {
            match std::fs::remove_file(self.folder.join(file)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                Ok(()) | Err(_) => {}
            }
        }
        // Something else may be in the folder.
        let _ = std::fs::remove_dir(&self.folder);
        Ok(())
    }
}

/// The name of the runs of entries.
const ENTRIES: &str = "entries";
