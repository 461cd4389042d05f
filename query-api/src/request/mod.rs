//! From strings to what is asked, and by whom. Pure.

pub mod asked;
pub mod cells;
pub mod compare;
pub mod granularity;
pub mod limit;
pub mod listing;
pub mod range;
pub mod scope;
pub mod timestamp;
pub mod token;
pub mod zone;
