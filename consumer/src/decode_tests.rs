//! Tests of the decoder: tables of records and what they say.
