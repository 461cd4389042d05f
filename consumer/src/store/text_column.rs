//! A column of a batch's texts: their numbers, which become texts only on the way to PostgreSQL. Rows of counters are so
//! many that a copy of each name would be most of what they take.

use crate::batch::texts::{Text, Texts};
use bytes::BytesMut;
use postgres_protocol::types::{ArrayDimension, array_to_sql};
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

/// As `text[]`.
impl ToSql for TextColumn {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Kind::Array(member) = ty.kind() else { return Err("a column of texts is an array".into()) };
        let dimension = ArrayDimension { len: i32::try_from(self.rows.len())?, lower_bound: 1 };
        let text = |text: &str, out: &mut BytesMut| {
            out.extend_from_slice(text.as_bytes());
            Ok(postgres_protocol::IsNull::No)
        };
        array_to_sql([dimension], member.oid(), self.iter(), text, out)?;
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        <Vec<&str> as ToSql>::accepts(ty)
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_sent_as_a_list_of_texts_is(names in prop::collection::vec("[a-cé]{0,3}", 0..20)) {
            let mut texts = Texts::default();
            let numbers: Vec<Text> = names.iter().map(|name| texts.keep(name)).collect();
            let mut column = TextColumn::for_so_many(0, &Arc::new(texts));
            numbers.into_iter().for_each(|number| column.push(number));
            let sent = |column: &dyn ToSql| {
                let mut out = BytesMut::new();
                column.to_sql_checked(&Type::TEXT_ARRAY, &mut out).map(|_| out).map_err(|error| error.to_string())
            };
            prop_assert_eq!(sent(&column), sent(&names));
        }
    }
}
