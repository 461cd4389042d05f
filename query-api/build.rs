//! Names the form of the answers: a hash of the sources that make them. Builds with one form may share answers in Redis; a
//! number that people have to raise would be forgotten one day.

use std::path::{Path, PathBuf};

/// What makes an answer, from the query to its JSON.
const SOURCES: [&str; 6] = [
    "src/request",
    "src/answer",
    "src/store",
    "src/load.rs",
    "src/routes/contract/openapi.json",
    "../domain/src",
];

fn main() {
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
        collect(Path::new(source), &mut files);
    }
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for file in &files {
        take(&mut hash, file.to_string_lossy().as_bytes());
        take(&mut hash, &std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
    }
    println!("cargo:rustc-env=ANSWERS_FORM={hash:016x}");
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    match std::fs::read_dir(path) {
        Ok(folder) => {
            for entry in folder {
                collect(&entry.expect("a file of the sources").path(), files);
            }
        }
        Err(_) => files.push(path.to_owned()),
    }
}

/// FNV-1a: no security, and the same in every build.
fn take(hash: &mut u64, bytes: &[u8]) {
    for byte in bytes {
        *hash = (*hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
}
