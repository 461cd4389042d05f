//! The canonical range of a request: equal questions make the same range, and so the same cache key. Pure.

use crate::request::cells::Cells;
use crate::request::compare::{self, Compare, Comparison, Periods};
use crate::request::granularity::Granularity;
use crate::request::interval::Interval;
use crate::request::zone::Zone;
use chrono::{DateTime, Utc};
use domain::BucketSize;
use serde::{Serialize, Serializer};

/// A half-open interval of whole buckets. A bucket is open while it contains now, and closed afterwards. Of `now` a range
/// keeps only `closed_until`, so an answer is a function of the range and the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    granularity: Granularity,
    zone: Zone,
    closed_until: DateTime<Utc>,
    comparison: Option<Comparison>,
}

impl Range {
    /// The whole buckets that `interval` touches.
    pub(super) fn around(
        interval: Interval,
        granularity: Granularity,
        zone: Zone,
        now: DateTime<Utc>,
    ) -> Self {
        let from = zone.floor(interval.from, granularity);
        let to = zone.ceil(interval.to, granularity).max(zone.end(from, granularity));
        let closed_until = to.min(zone.floor(now, granularity));
        Self { from, to, granularity, zone, closed_until, comparison: None }
    }

    /// The same range, with its closed part compared by `mode`.
    pub(super) fn compared(self, mode: Compare, periods: Periods) -> Self {
        let closed = Interval { from: self.from, to: self.closed_until };
        Self { comparison: compare::comparison(mode, closed, self.zone, periods), ..self }
    }

    /// The first bucket's start.
    #[must_use]
    pub const fn from(&self) -> DateTime<Utc> {
        self.from
    }

    /// The last bucket's end.
    #[must_use]
    pub const fn to(&self) -> DateTime<Utc> {
        self.to
    }

    /// The width of its buckets.
    #[must_use]
    pub const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// The zone whose buckets they are.
    #[must_use]
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// The end of the closed buckets: the start of the open one if that is in the range, else the end of the range.
    #[must_use]
    pub const fn closed_until(&self) -> DateTime<Utc> {
        self.closed_until
    }

    /// What `[from, closed_until)` is compared with; `None` while no bucket is closed, or if no comparison is wanted.
    #[must_use]
    pub const fn comparison(&self) -> Option<Comparison> {
        self.comparison
    }

    /// Whether the bucket that starts at `bucket` contains now.
    #[must_use]
    pub fn is_open(&self, bucket: DateTime<Utc>) -> bool {
        bucket >= self.closed_until
    }

    /// The starts of its buckets.
    pub fn buckets(&self) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        self.starts(self.from, self.to)
    }

    fn starts(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        let (zone, granularity) = (self.zone, self.granularity);
        std::iter::successors(Some(from), move |bucket| Some(zone.end(*bucket, granularity)))
            .take_while(move |bucket| *bucket < to)
    }

    /// Its buckets.
    #[must_use]
    pub fn cells(&self) -> Cells {
        Cells::between(self.buckets().chain([self.to]).collect())
    }

    /// Two cells: its closed buckets, and its open one.
    #[must_use]
    pub fn parts(&self) -> Cells {
        Cells::between(vec![self.from, self.closed_until, self.to])
    }

    /// What it is compared with, as one cell; none without a comparison.
    #[must_use]
    pub fn compared_whole(&self) -> Cells {
        let ends = |Comparison { interval, .. }: Comparison| vec![interval.from, interval.to];
        Cells::between(self.comparison.map(ends).unwrap_or_default())
    }

    /// What it is compared with, a cell for each bucket; none without a comparison.
    #[must_use]
    pub fn compared_cells(&self) -> Cells {
        let buckets = |Comparison { interval: Interval { from, to }, .. }: Comparison| {
            self.starts(from, to).chain([to]).collect()
        };
        Cells::between(self.comparison.map(buckets).unwrap_or_default())
    }

    /// The same range, rounded outward to hours of UTC: some tables have no finer rows.
    #[must_use]
    pub fn in_utc_hours(self) -> Self {
        let (from, to) = (BucketSize::Hour.floor(self.from), BucketSize::Hour.ceil(self.to));
        Self { from, to, ..self }
    }

    /// Its part of a cache key. The key says whether the last bucket is open: an answer that was given during an hour is
    /// not the answer to the same range after that hour.
    #[must_use]
    pub fn key(&self) -> String {
        let state = if self.closed_until < self.to { "open" } else { "closed" };
        let compared = self.comparison.map_or_else(
            || Compare::None.name().to_owned(),
            |Comparison { mode, interval }| format!("{}@{}", mode.name(), interval.from.timestamp()),
        );
        let (from, to) = (self.from.timestamp(), self.to.timestamp());
        format!("{from}/{to}/{}/{state}/{}/{compared}", self.granularity.name(), self.zone.name())
    }
}

/// As answers show it: `{"from","to","granularity","timezone"}`.
impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            #[serde(serialize_with = "crate::request::timestamp::time")]
            from: DateTime<Utc>,
            #[serde(serialize_with = "crate::request::timestamp::time")]
            to: DateTime<Utc>,
            granularity: Granularity,
            timezone: &'static str,
        }
        let Self { from, to, granularity, .. } = *self;
        Shown { from, to, granularity, timezone: self.zone.name() }.serialize(serializer)
    }
}
