//! The canonical range of a request: equal questions make the same range, and so the same cache key. Pure.

use crate::request::cells::Cells;
use crate::request::compare::{self, Compare, Comparison};
use crate::request::granularity::Granularity;
use crate::request::interval::Interval;
use crate::request::zone::Zone;
use chrono::{DateTime, TimeDelta, Utc};
use domain::BucketSize;
use serde::{Serialize, Serializer};

/// For how long after its end an answer about a range may still depend on the time of asking: an alert may have to wait for
/// what is due (see the registry's `settles_after`).
pub const UNSETTLED_MAX: TimeDelta = TimeDelta::hours(1);

/// A half-open interval of whole buckets. A bucket is open while it contains now, and closed afterwards. Of `now` a range
/// keeps only the quarter of an hour, and after [`UNSETTLED_MAX`] not even that, so an answer is a function of the range and the
/// rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    granularity: Granularity,
    zone: Zone,
    /// The start of the quarter of an hour that contains now.
    quarter: DateTime<Utc>,
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
        let quarter = BucketSize::Quarter.floor(now).min(to + UNSETTLED_MAX);
        Self { from, to, granularity, zone, quarter, comparison: None }
    }

    /// The same range, with what is over of it compared by `mode`.
    pub(super) fn compared(self, mode: Compare) -> Self {
        self.compared_to(mode, self.compared_until())
    }

    /// The same range, of which only whole hours of UTC are compared: some tables have no finer rows.
    #[must_use]
    pub fn compared_in_hours(self) -> Self {
        let Some(Comparison { mode, current, .. }) = self.comparison else { return self };
        self.compared_to(mode, BucketSize::Hour.floor(current.to))
    }

    /// The same range, of which all before `until` is compared.
    fn compared_to(self, mode: Compare, until: DateTime<Utc>) -> Self {
        let Self { from, to, zone, .. } = self;
        // The day that isn't over counts as a whole one, whether hours are shown or days.
        let end = if self.reaches_now() { zone.ceil(to, Granularity::Day) } else { to };
        let current = Interval { from, to: until };
        Self { comparison: compare::comparison(mode, current, end, zone), ..self }
    }

    fn reaches_now(&self) -> bool {
        self.quarter <= self.to
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

    /// The end of the closed buckets: the start of the open one if that is in the range, else the end of the range. Every
    /// bucket begins with a quarter of an hour, so the one that contains now contains the start of its quarter.
    #[must_use]
    pub fn closed_until(&self) -> DateTime<Utc> {
        self.to.min(self.zone.floor(self.quarter, self.granularity))
    }

    /// The end of the part that is compared: the start of the quarter of an hour that contains now if that is in the range, else
    /// the end of the range.
    #[must_use]
    pub fn compared_until(&self) -> DateTime<Utc> {
        self.to.min(self.quarter)
    }

    /// The end of the part that is older than `age`, to the quarter of an hour; the start of the range if none of it is.
    #[must_use]
    pub fn older_than(&self, age: TimeDelta) -> DateTime<Utc> {
        self.to.min(self.quarter - age).max(self.from)
    }

    /// What `[from, compared_until)` is compared with; `None` while that is empty, or if no comparison is wanted.
    #[must_use]
    pub const fn comparison(&self) -> Option<Comparison> {
        self.comparison
    }

    /// Whether the bucket that starts at `bucket` contains now.
    #[must_use]
    pub fn is_open(&self, bucket: DateTime<Utc>) -> bool {
        bucket >= self.closed_until()
    }

    /// The starts of its buckets.
    pub fn buckets(&self) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        let Self { from, to, zone, granularity, .. } = *self;
        std::iter::successors(Some(from), move |bucket| Some(zone.end(*bucket, granularity)))
            .take_while(move |bucket| *bucket < to)
    }

    /// Its buckets.
    #[must_use]
    pub fn cells(&self) -> Cells {
        Cells::between(self.buckets().chain([self.to]).collect())
    }

    /// What it is compared with, a cell for each bucket that is compared; none without a comparison.
    #[must_use]
    pub fn compared_cells(&self) -> Cells {
        let edges = |comparison: Comparison| comparison.previous_edges(self.buckets(), self.zone);
        Cells::between(self.comparison.map(edges).unwrap_or_default())
    }

    /// The same range, rounded outward to hours of UTC: some tables have no finer rows.
    #[must_use]
    pub fn in_utc_hours(self) -> Self {
        let (from, to) = (BucketSize::Hour.floor(self.from), BucketSize::Hour.ceil(self.to));
        Self { from, to, ..self }
    }

    /// Its part of a cache key. The key says in which quarter of an hour it was asked for, as long as that matters: an answer
    /// that was given during an hour is not the answer to the same range after that hour.
    #[must_use]
    pub fn key(&self) -> String {
        let compared =
            self.comparison.map_or_else(|| Compare::None.name().to_owned(), |comparison| comparison.key());
        let [from, to, quarter] = [self.from, self.to, self.quarter].map(|time| time.timestamp());
        format!("{from}/{to}/{}/{quarter}/{}/{compared}", self.granularity.name(), self.zone.name())
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
