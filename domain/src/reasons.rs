//! Why records are refused: the codes that the tables have, each with a sentence for people.

/// Each reason's code and sentence, in the order in which they are judged.
pub const REASONS: [(&str, &str); 13] = [
    ("empty_payload", "The record has no value."),
    ("malformed_payload", "The value is not a message of the topic's type."),
    ("missing_organization", "organization_id is empty."),
    ("missing_id", "The record's own id is empty."),
    ("missing_time", "A time that the contract requires is not set."),
    ("invalid_time", "A time is outside of what protobuf allows."),
    ("from_the_future", "The identity's time is further ahead of the clock than is tolerated."),
    (
        "too_old",
        "The identity's time is before what the ledger remembers, so a copy could not be told from a new record.",
    ),
    ("unspecified_outcome", "The outcome is 0, or one that this version doesn't know."),
    ("unspecified_status", "The status is 0, or one that this version doesn't know."),
    ("invalid_text", "An id or a name is too long, or has control characters."),
    ("implausible_duration", "The execution time is more than 366 days."),
    ("unstorable", "PostgreSQL refuses what the record would add."),
];

/// What is said of a reason that this version doesn't know.
const UNKNOWN: &str = "A newer version of the consumer has refused the record.";

/// The sentence for a reason's code.
#[must_use]
pub fn sentence(code: &str) -> &'static str {
    REASONS.into_iter().find(|(known, _)| *known == code).map_or(UNKNOWN, |(_, sentence)| sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_sentence_and_one_of_a_newer_version_too() {
        for (code, said) in REASONS {
            assert!(said.ends_with('.') && sentence(code) == said, "{code}");
        }
        assert_eq!(sentence("too_beautiful"), UNKNOWN);
    }
}
