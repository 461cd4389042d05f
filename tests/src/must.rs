//! What must succeed for a story to go on.

/// What succeeded; a story ends here with the error's sentence otherwise.
#[track_caller]
pub(crate) fn must<T>(outcome: anyhow::Result<T>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("{error:#}"),
    }
}
