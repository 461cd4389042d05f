//! Whole-system stories: what the system promises, told by running it.

mod harness;
