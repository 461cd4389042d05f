//! Sorts more than memory holds: runs that are sorted in memory go to files, and are merged.
//!
//! A run's item is written as the number of bytes that it shares with the item before (2 bytes), the number of its other bytes
//! (2 bytes), and these.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Runs that are merged at once: each takes a file and a buffer.
const RUNS_MAX: usize = 64;
/// A run's buffer while it is merged.
const BUFFER_BYTES: usize = 64 << 10;
/// Memory of an item beside its bytes.
const ITEM_BYTES: usize = size_of::<(usize, u32)>();

/// Takes items in any order, to give them back sorted. An item has at most 65,535 bytes, and 16 or more on average.
pub struct Sorter {
    folder: PathBuf,
    name: &'static str,
    bytes: Vec<u8>,
    items: Vec<(usize, u32)>,
    memory: usize,
    runs: Vec<u64>,
    next_run: u64,
}

impl Sorter {
    /// A sorter that keeps `memory` bytes at most in memory, and runs named after it in `folder`, of which there may already be
    /// some.
    #[must_use]
    pub fn new(folder: &Path, name: &'static str, memory: usize, runs: Vec<u64>) -> Self {
        let next_run = runs.iter().max().map_or(0, |last| last + 1);
        Self { folder: folder.to_owned(), name, bytes: Vec::new(), items: Vec::new(), memory, runs, next_run }
    }

    /// Takes an item. When memory [`is_full`](Self::is_full), it must be spilled.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.bytes.capacity() == 0 {
            // Growing would copy, and need half as much again. What isn't used takes no memory.
            self.bytes.reserve_exact(self.memory);
            self.items.reserve_exact(self.memory / (2 * ITEM_BYTES));
        }
        let start = self.bytes.len();
        write(&mut self.bytes);
        let length = u32::try_from(self.bytes.len() - start).expect("an item has less than 2^16 bytes");
        self.items.push((start, length));
    }

    /// Whether memory is full, so that it must be spilled.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes.len() + self.items.len() * ITEM_BYTES + (1 << 16) >= self.memory
    }

    /// The numbers of its runs.
    #[must_use]
    pub fn runs(&self) -> &[u64] {
        &self.runs
    }

    /// Writes what is in memory as a run.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn spill(&mut self) -> io::Result<()> {
        if self.items.is_empty() {
            return Ok(());
        }
        let Self { bytes, items, .. } = self;
        let item = |(start, length): (usize, u32)| &bytes[start..start + length as usize];
        items.sort_unstable_by(|a, b| item(*a).cmp(item(*b)));
        let mut run = RunWriter::create(&path(&self.folder, self.name, self.next_run))?;
        for place in items.iter() {
            run.write(item(*place))?;
        }
        run.finish()?;
        self.bytes.clear();
        self.items.clear();
        self.runs.push(self.next_run);
        self.next_run += 1;
        Ok(())
    }

    /// Merges runs until there are few enough to be merged at once. Returns the runs that are no longer needed: delete them
    /// when it is noted which are.
    ///
    /// # Errors
    /// When a file can't be read or written.
    pub fn settle(&mut self) -> io::Result<Vec<u64>> {
        self.spill()?;
        // Their memory is free while runs are merged.
        self.bytes = Vec::new();
        self.items = Vec::new();
        let mut needless = Vec::new();
        while self.runs.len() > RUNS_MAX {
            let merged: Vec<u64> = self.runs.drain(..RUNS_MAX).collect();
            let mut merge = Merge::open(&self.folder, self.name, &merged)?;
            let mut run = RunWriter::create(&path(&self.folder, self.name, self.next_run))?;
            while let Some(item) = merge.take_next()? {
                run.write(item)?;
            }
            run.finish()?;
            self.runs.push(self.next_run);
            self.next_run += 1;
            needless.extend(merged);
        }
        Ok(needless)
    }

    /// All items, sorted. The sorter must be settled.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn merge(&self) -> io::Result<Merge> {
        Merge::open(&self.folder, self.name, &self.runs)
    }

    /// Deletes these runs' files.
    ///
    /// # Errors
    /// When a file can't be deleted.
    pub fn delete(&self, runs: &[u64]) -> io::Result<()> {
        runs.iter().try_for_each(|run| std::fs::remove_file(path(&self.folder, self.name, *run)))
    }
}

fn path(folder: &Path, name: &str, run: u64) -> PathBuf {
    folder.join(format!("{name}-{run}.run"))
}

/// Writes a sorted run.
struct RunWriter {
    file: BufWriter<File>,
    before: Vec<u8>,
}

impl RunWriter {
    fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?), before: Vec::new() })
    }

    fn write(&mut self, item: &[u8]) -> io::Result<()> {
        let shared = item.iter().zip(&self.before).take_while(|(a, b)| a == b).count();
        let length = |bytes: usize| {
            u16::try_from(bytes).map_err(|_| io::Error::other("an item of more than 65,535 bytes"))
        };
        self.file.write_all(&length(shared)?.to_le_bytes())?;
        self.file.write_all(&length(item.len() - shared)?.to_le_bytes())?;
        self.file.write_all(&item[shared..])?;
        self.before.truncate(shared);
        self.before.extend_from_slice(&item[shared..]);
        Ok(())
    }

    /// The run is on disk when this returns.
    fn finish(self) -> io::Result<()> {
        self.file.into_inner()?.sync_all()
    }
}

/// Reads a sorted run.
struct RunReader {
    file: BufReader<File>,
    item: Vec<u8>,
}

impl RunReader {
    /// Reads the next item; `false` at the end.
    fn advance(&mut self) -> io::Result<bool> {
        let mut head = [0; 4];
        if self.file.fill_buf_is_empty()? {
            return Ok(false);
        }
        self.file.read_exact(&mut head)?;
        let shared = usize::from(u16::from_le_bytes([head[0], head[1]]));
        let more = usize::from(u16::from_le_bytes([head[2], head[3]]));
        if shared > self.item.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a run is damaged"));
        }
        self.item.resize(shared + more, 0);
        self.file.read_exact(&mut self.item[shared..])?;
        Ok(true)
    }
}

/// Whether nothing follows.
trait FillBuf {
    fn fill_buf_is_empty(&mut self) -> io::Result<bool>;
}

impl FillBuf for BufReader<File> {
    fn fill_buf_is_empty(&mut self) -> io::Result<bool> {
        Ok(io::BufRead::fill_buf(self)?.is_empty())
    }
}

/// Runs being merged.
pub struct Merge {
    readers: Vec<RunReader>,
    /// The runs' next items, with the places of their readers.
    heads: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
    /// The item given out last.
    given: Vec<u8>,
}

impl Merge {
    fn open(folder: &Path, name: &str, runs: &[u64]) -> io::Result<Self> {
        let mut merge = Self { readers: Vec::new(), heads: BinaryHeap::new(), given: Vec::new() };
        for run in runs {
            let file = File::open(path(folder, name, *run))?;
            merge
                .readers
                .push(RunReader { file: BufReader::with_capacity(BUFFER_BYTES, file), item: Vec::new() });
            merge.refill(merge.readers.len() - 1, Vec::new())?;
        }
        Ok(merge)
    }

    /// The next item; `None` at the end.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn take_next(&mut self) -> io::Result<Option<&[u8]>> {
        let Some(Reverse((item, place))) = self.heads.pop() else { return Ok(None) };
        let room = std::mem::replace(&mut self.given, item);
        self.refill(place, room)?;
        Ok(Some(&self.given))
    }

    fn refill(&mut self, place: usize, mut room: Vec<u8>) -> io::Result<()> {
        let reader = &mut self.readers[place];
        if reader.advance()? {
            room.clear();
            room.extend_from_slice(&reader.item);
            self.heads.push(Reverse((room, place)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own, deleted with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("sorter-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn sorted(sorter: &Sorter) -> Vec<Vec<u8>> {
        let mut merge = sorter.merge().unwrap();
        let mut all = Vec::new();
        while let Some(item) = merge.take_next().unwrap() {
            all.push(item.to_vec());
        }
        all
    }

    #[test]
    fn items_come_back_sorted_however_often_they_are_spilled() {
        let folder = Folder::new("spilled");
        let items = |n: u64| {
            (0..n).map(|n| format!("{:08x}", n.wrapping_mul(2_654_435_761) % 1_000_003).into_bytes())
        };
        for (name, count, spill_every) in [("few", 10, 100), ("some", 1_000, 100), ("many", 3_000, 10)] {
            let mut sorter = Sorter::new(&folder.0, name, 1 << 20, Vec::new());
            for (n, item) in (1..).zip(items(count)) {
                sorter.add(|out| out.extend(&item));
                if n % spill_every == 0 {
                    sorter.spill().unwrap();
                }
            }
            let needless = sorter.settle().unwrap();
            sorter.delete(&needless).unwrap();
            assert!(sorter.runs().len() <= RUNS_MAX, "{name}");
            let mut expected: Vec<_> = items(count).collect();
            expected.sort();
            assert_eq!(sorted(&sorter), expected, "{name}");
            let again = Sorter::new(&folder.0, name, 1 << 20, sorter.runs().to_vec());
            assert_eq!(sorted(&again), expected, "{name}, opened again");
        }
    }

    #[test]
    fn a_full_memory_says_so() {
        let mut sorter = Sorter::new(Path::new("."), "full", 1 << 17, Vec::new());
        let mut taken = 0;
        while !sorter.is_full() {
            sorter.add(|out| out.extend([0; 100]));
            taken += 1;
        }
        assert!((400..700).contains(&taken), "{taken}");
    }
}
