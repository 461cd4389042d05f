//! From a request's strings to its query, and to its principal. Pure.

pub mod api_version;
pub mod parameter;

pub mod cells;
pub mod compare;
pub mod granularity;
pub mod interval;
pub mod range;
pub mod raw_range;
pub mod timestamp;
pub mod zone;

pub mod listing;
pub mod query;
pub mod representation;
pub mod scope;

pub mod rate_limit;
pub mod rates;
pub mod token;
