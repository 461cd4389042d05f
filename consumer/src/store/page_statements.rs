//! The statements that read the ledger's pages, each with its parameters in order.

use crate::ledger::segment::PageKey;
use crate::record::topic_names::TopicNames;
use chrono::{DateTime, Utc};
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

/// A statement's parameters, `$1` first.
pub type Parameters<'a> = Vec<&'a (dyn ToSql + Sync)>;

/// A statement to execute.
pub(super) struct Write<'a> {
    pub statement: &'a Statement,
    pub parameters: Parameters<'a>,
}

/// A page, and the layout that its partition is read under; `None` if its topic has no other.
pub type PageAsked = (PageKey, Option<i32>);

/// `$1` to `$5` of each statement: pages, by their places in the question. An answer's first column is such a place.
pub struct Pages {
    places: Vec<i32>,
    topics: Vec<String>,
    partitions: Vec<i32>,
    quarters: Vec<DateTime<Utc>>,
    layouts: Vec<Option<i32>>,
}

/// The parameters of [`load_pages`].
pub struct Load {
    pub pages: Pages,
    /// For each page whether to read all fingerprints, also of segments that have a filter.
    pub whole: Vec<bool>,
}

/// The parameters of [`look_up`].
pub struct LookUp {
    pub pages: Pages,
    /// For each fingerprint, page by page, the share of all 64-bit numbers that are smaller.
    pub shares: Vec<f64>,
    /// For each page the place of its first share, counted from 1.
    pub firsts: Vec<i32>,
    /// For each page the place of its last share.
    pub lasts: Vec<i32>,
    /// How far from its expected place a fingerprint is searched for, in square roots of the array's length.
    pub stretch: f64,
}

impl Pages {
    pub fn of(topics: &TopicNames, pages: impl ExactSizeIterator<Item = PageAsked>) -> Self {
        let mut columns = Self {
            places: (0..).take(pages.len()).collect(),
            topics: Vec::with_capacity(pages.len()),
            partitions: Vec::with_capacity(pages.len()),
            quarters: Vec::with_capacity(pages.len()),
            layouts: Vec::with_capacity(pages.len()),
        };
        for (key, layout) in pages {
            columns.topics.push(topics.of(key.partition.topic).to_owned());
            columns.partitions.push(key.partition.number);
            columns.quarters.push(key.quarter.start());
            columns.layouts.push(layout);
        }
        columns
    }

    pub fn parameters(&self) -> Parameters<'_> {
        vec![&self.places, &self.topics, &self.partitions, &self.quarters, &self.layouts]
    }
}

impl Load {
    pub fn parameters(&self) -> Parameters<'_> {
        let mut parameters = self.pages.parameters();
        parameters.push(&self.whole);
        parameters
    }
}

impl LookUp {
    pub fn parameters(&self) -> Parameters<'_> {
        let mut parameters = self.pages.parameters();
        parameters.extend([&self.shares as &(dyn ToSql + Sync), &self.firsts, &self.lasts, &self.stretch]);
        parameters
    }
}

/// A page's segments: those of its partition, and those of other layouts, which may be of any partition. It is used in a
/// lateral join, so that each page is looked for in the table of its own day only.
fn segments_of_page(columns: &str) -> String {
    format!(
        "(select {columns} from ledger_segments s
          where s.quarter = w.quarter and s.topic = w.topic and s.kafka_partition = w.kafka_partition
          union all
          select {columns} from ledger_segments s
          where w.layout is not null and s.quarter = w.quarter and s.topic = w.topic
            and s.kafka_partition <> w.kafka_partition and s.layout <> w.layout)"
    )
}

/// How large pages are, and how much of them is read if not read whole: both in bytes.
pub fn page_sizes() -> String {
    let segments = segments_of_page(
        "octet_length(s.fingerprints) as bytes, octet_length(coalesce(s.filter, s.fingerprints)) as read",
    );
    format!(
        "select w.n, p.bytes, p.read
         from unnest($1::integer[], $2::text[], $3::integer[], $4::timestamptz[], $5::integer[])
              as w (n, topic, kafka_partition, quarter, layout)
         cross join lateral (
             select sum(s.bytes)::bigint as bytes, sum(s.read)::bigint as read from {segments} s) p
         where p.bytes > 0"
    )
}

/// Of each segment its filter, if it has one and the page is not read whole; otherwise its fingerprints.
pub fn load_pages() -> String {
    let segments = segments_of_page(
        "case when not w.whole then s.filter end as filter, \
         case when w.whole or s.filter is null then s.fingerprints end as fingerprints",
    );
    format!(
        "select w.n, p.filter, p.fingerprints
         from unnest($1::integer[], $2::text[], $3::integer[], $4::timestamptz[], $5::integer[], $6::boolean[])
              as w (n, topic, kafka_partition, quarter, layout, whole)
         cross join lateral {segments} p"
    )
}

/// Of each segment of a page the stretches that must have the fingerprints, if the segment has them.
///
/// Fingerprints are uniform: of `length` fingerprints the one at `share` of all 64-bit numbers is expected at
/// `share * length`, and its distance from there grows with the root of the length. `substring` reads the stretch without
/// the rest of the array, which is stored uncompressed for that. Two more columns say whether the stretch begins, and
/// whether it ends, where the array does. A page's segments are looked for once, for all its shares from `w.first` to
/// `w.last` of `$6`.
pub fn look_up() -> String {
    let segments = segments_of_page("s.fingerprints, octet_length(s.fingerprints) / 8 as length");
    format!(
        "select (w.first + l.place - 2)::integer, p.first = 0, p.last = p.length,
                case when p.last > p.first
                     then substring(p.fingerprints from 1 + 8 * p.first for 8 * (p.last - p.first)) else '' end
         from unnest($1::integer[], $2::text[], $3::integer[], $4::timestamptz[], $5::integer[], $7::integer[],
                     $8::integer[]) as w (n, topic, kafka_partition, quarter, layout, first, last)
         cross join lateral {segments} s
         cross join lateral unnest(($6::float8[])[w.first:w.last]) with ordinality as l (share, place)
         cross join lateral (
             select s.fingerprints, s.length,
                    greatest(0, floor(l.share * s.length - $9::float8 * sqrt(s.length)))::integer as first,
                    least(s.length, ceil(l.share * s.length + $9::float8 * sqrt(s.length)))::integer as last) p"
    )
}
