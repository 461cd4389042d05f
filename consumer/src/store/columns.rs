//! Columns of rows of counters, which become what PostgreSQL reads only on the way there. The rows of a batch may be so many that
//! a copy of each name, a calendar's time, or a mark beside each number would be most of what they take.

use crate::batch::texts::{Text, Texts};
use bytes::BytesMut;
use chrono::{DateTime, Utc};
use domain::{BucketSize, Quarter};
use postgres_protocol::types::{ArrayDimension, array_to_sql, int8_to_sql, timestamp_to_sql};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};

/// Texts of a batch, a row each.
#[derive(Default)]
pub struct TextColumn {
    texts: Arc<Texts>,
    rows: Vec<Text>,
}

impl TextColumn {
    /// An empty column, with room for so many rows.
    #[must_use]
    pub fn for_so_many(count: usize, texts: &Arc<Texts>) -> Self {
        Self { texts: Arc::clone(texts), rows: Vec::with_capacity(count) }
    }

    /// Adds a row.
    pub fn push(&mut self, text: Text) {
        self.rows.push(text);
    }

    /// Whether it has no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The texts, row by row.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|text| self.texts.get(*text))
    }
}

impl fmt::Debug for TextColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Starts of buckets, a row each.
#[derive(Debug, Default)]
pub struct BucketColumn(Vec<Quarter>);

impl BucketColumn {
    /// An empty column, with room for so many rows.
    #[must_use]
    pub fn for_so_many(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Adds a row: the bucket that begins with this quarter.
    pub fn push(&mut self, first: Quarter) {
        self.0.push(first);
    }

    /// The first quarter of a row's bucket.
    #[must_use]
    pub fn of(&self, row: usize) -> Quarter {
        self.0[row]
    }

    /// When the buckets begin, row by row.
    pub fn iter(&self) -> impl Iterator<Item = DateTime<Utc>> {
        self.0.iter().map(|first| first.start())
    }
}

/// Numbers, a row each, of which zeros stand for nothing: they become null.
#[derive(Debug, Default)]
pub struct SparseColumn(Vec<i64>);

impl SparseColumn {
    /// An empty column, with room for so many rows.
    #[must_use]
    pub fn for_so_many(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Adds a row.
    pub fn push(&mut self, value: i64) {
        self.0.push(value);
    }

    /// Whether it has no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A row's number; 0 where the column has no rows.
    #[must_use]
    pub fn of(&self, row: usize) -> i64 {
        self.0.get(row).copied().unwrap_or(0)
    }
}

type Sent = Result<IsNull, Box<dyn Error + Sync + Send>>;

/// Writes an array of one dimension, member by member.
fn array<T>(
    ty: &Type,
    members: impl ExactSizeIterator<Item = T>,
    out: &mut BytesMut,
    member: impl FnMut(T, &mut BytesMut) -> Result<postgres_protocol::IsNull, Box<dyn Error + Sync + Send>>,
) -> Sent {
    let Kind::Array(of) = ty.kind() else { return Err("a column is an array".into()) };
    let dimension = ArrayDimension { len: i32::try_from(members.len())?, lower_bound: 1 };
    array_to_sql([dimension], of.oid(), members, member, out)?;
    Ok(IsNull::No)
}

/// As `text[]`.
impl ToSql for TextColumn {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Sent {
        let text = |text: &Text, out: &mut BytesMut| {
            out.extend_from_slice(self.texts.get(*text).as_bytes());
            Ok(postgres_protocol::IsNull::No)
        };
        array(ty, self.rows.iter(), out, text)
    }

    fn accepts(ty: &Type) -> bool {
        <Vec<&str> as ToSql>::accepts(ty)
    }

    to_sql_checked!();
}

/// As `timestamptz[]`: microseconds since the beginning of the year 2000
/// ([Date/Time Types](https://www.postgresql.org/docs/current/datatype-datetime.html)).
impl ToSql for BucketColumn {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Sent {
        let start = |first: &Quarter, out: &mut BytesMut| {
            let second = i64::from(first.number()) * BucketSize::Quarter.seconds();
            timestamp_to_sql((second - SECOND_2000) * 1_000_000, out);
            Ok(postgres_protocol::IsNull::No)
        };
        array(ty, self.0.iter(), out, start)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ_ARRAY
    }

    to_sql_checked!();
}

/// 2000-01-01T00:00:00Z, in seconds since the Unix epoch.
const SECOND_2000: i64 = 946_684_800;

/// As `bigint[]`.
impl ToSql for SparseColumn {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Sent {
        let number = |value: &i64, out: &mut BytesMut| {
            if *value == 0 {
                return Ok(postgres_protocol::IsNull::Yes);
            }
            int8_to_sql(*value, out);
            Ok(postgres_protocol::IsNull::No)
        };
        array(ty, self.0.iter(), out, number)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INT8_ARRAY
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sent(column: &dyn ToSql, ty: &Type) -> Result<BytesMut, String> {
        let mut out = BytesMut::new();
        column.to_sql_checked(ty, &mut out).map(|_| out).map_err(|error| error.to_string())
    }

    proptest! {
        #[test]
        fn texts_are_sent_as_a_list_of_them_is(names in prop::collection::vec("[a-cé]{0,3}", 0..20)) {
            let mut texts = Texts::default();
            let numbers: Vec<Text> = names.iter().map(|name| texts.keep(name)).collect();
            let mut column = TextColumn::for_so_many(0, &Arc::new(texts));
            numbers.into_iter().for_each(|number| column.push(number));
            prop_assert_eq!(sent(&column, &Type::TEXT_ARRAY), sent(&names, &Type::TEXT_ARRAY));
        }

        #[test]
        fn buckets_are_sent_as_a_list_of_times_is(seconds in prop::collection::vec(-4_000_000_000_i64..4_000_000_000, 0..20)) {
            let quarters: Vec<Quarter> = seconds.into_iter().filter_map(Quarter::of_second).collect();
            let times: Vec<DateTime<Utc>> = quarters.iter().map(|quarter| quarter.start()).collect();
            let mut column = BucketColumn::for_so_many(0);
            quarters.into_iter().for_each(|quarter| column.push(quarter));
            prop_assert_eq!(sent(&column, &Type::TIMESTAMPTZ_ARRAY), sent(&times, &Type::TIMESTAMPTZ_ARRAY));
        }

        #[test]
        fn zeros_are_sent_as_nothing(values in prop::collection::vec(prop_oneof![Just(0), any::<i64>()], 0..20)) {
            let given: Vec<Option<i64>> = values.iter().map(|value| Some(*value).filter(|value| *value != 0)).collect();
            let mut column = SparseColumn::for_so_many(0);
            values.into_iter().for_each(|value| column.push(value));
            prop_assert_eq!(sent(&column, &Type::INT8_ARRAY), sent(&given, &Type::INT8_ARRAY));
        }
    }
}
