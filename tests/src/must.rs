//! Operations that must succeed for a story to continue.

/// The successful result; otherwise the story fails with the error's sentence.
#[track_caller]
pub(crate) fn must<T>(outcome: anyhow::Result<T>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("{error:#}"),
    }
}
