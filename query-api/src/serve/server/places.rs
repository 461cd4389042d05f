//! The places that connections take: how many there are, and who goes first when none is left.
//!
//! A connection over which a valid token was sent has proven itself; one that hasn't is the first to go. An address has a share
//! of the connections that have proven nothing. Those that have are not limited by address, because a proxy in front may
//! send all of them from one.
//!
//! When all places are taken and another connection arrives, this one goes: the oldest without a token, of the address that has
//! most of those; else the oldest that is idle, of the address that has most of those. A request under
//! way is never cut off for this, and an open stream is one. If nobody can go the new connection waits.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The bits of an IPv6 address that a network chooses; its clients choose the rest, a new one for each connection if they like.
const NETWORK_BITS: u32 = 64;

/// Why a connection is closed: its address has too many that have shown no token.
pub const ADDRESS_SHARE: &str = "connection-address-share";

/// Why a connection is closed: all places are taken, and another one gets its.
pub const DISPLACED: &str = "connection-displaced";

/// A limited number of places.
pub struct Places {
    max: usize,
    per_address_max: usize,
    taken: Mutex<Taken>,
    /// Told when a place becomes free, or a connection idle.
    freed: Arc<Notify>,
}

#[derive(Default)]
struct Taken {
    count: usize,
    next: u64,
    by_address: HashMap<IpAddr, BTreeMap<u64, Arc<Standing>>>,
}

/// What a connection has shown so far, and what it is doing.
#[derive(Default)]
pub struct Standing {
    proven: AtomicBool,
    /// Requests without a response yet.
    asking: AtomicU32,
    /// Requests whose response is not written yet.
    under_way: AtomicU32,
    /// How many requests have begun.
    begun: AtomicU64,
    displaced: CancellationToken,
    freed: Arc<Notify>,
}

/// A taken place; dropping it frees it.
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
    number: u64,
    standing: Arc<Standing>,
}

/// A request under way, until this is dropped.
pub struct UnderWay {
    standing: Arc<Standing>,
    asking: bool,
}

impl Places {
    /// `max` places, of which each address may take `per_address_max` without a token.
    pub fn new(max: usize, per_address_max: usize) -> Arc<Self> {
        Arc::new(Self { max, per_address_max, taken: Mutex::default(), freed: Arc::default() })
    }

    /// Takes a place for a connection from `address`, as soon as there is one.
    pub async fn take(self: &Arc<Self>, address: IpAddr) -> Place {
        loop {
            if let Some(place) = self.try_take(address) {
                return place;
            }
            // A place that became free in between is not missed: only this task waits, and the notice is kept for it.
            self.freed.notified().await;
        }
    }

    fn try_take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut taken = self.taken();
        if taken.without_token(address) >= self.per_address_max
            && let Some(number) = taken.oldest_without_token(address)
        {
            taken.displace(address, number, ADDRESS_SHARE);
        }
        if taken.count >= self.max {
            let (address, number) = taken.first_to_go()?;
            taken.displace(address, number, DISPLACED);
        }
        let standing = Arc::new(Standing { freed: Arc::clone(&self.freed), ..Standing::default() });
        let number = taken.next;
        taken.next += 1;
        taken.count += 1;
        taken.by_address.entry(address).or_default().insert(number, Arc::clone(&standing));
        report(taken.count);
        metrics::counter!("query_api_connections_accepted_total").increment(1);
        Some(Place { places: Arc::clone(self), address, number, standing })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// How many connections of the address have shown no token.
    fn without_token(&self, address: IpAddr) -> usize {
        let all = self.by_address.get(&address).into_iter().flatten();
        all.filter(|(_, standing)| !standing.is_proven()).count()
    }

    fn oldest_without_token(&self, address: IpAddr) -> Option<u64> {
        let mut all = self.by_address.get(&address)?.iter();
        all.find(|(_, standing)| !standing.is_proven() && standing.may_go()).map(|(number, _)| *number)
    }

    /// The connection that goes if another one needs its place.
    fn first_to_go(&self) -> Option<(IpAddr, u64)> {
        let oldest_of_most = |is_meant: fn(&Standing) -> bool| {
            let of_address = |(address, all): (&IpAddr, &BTreeMap<u64, Arc<Standing>>)| {
                let mut meant = all.iter().filter(|(_, one)| is_meant(one)).map(|(number, _)| *number);
                let oldest = meant.next()?;
                Some((meant.count(), *address, oldest))
            };
            let most = self.by_address.iter().filter_map(of_address).max();
            most.map(|(_, address, oldest)| (address, oldest))
        };
        oldest_of_most(|one| !one.is_proven() && one.may_go())
            .or_else(|| oldest_of_most(|one| one.is_proven() && one.may_go()))
    }

    fn displace(&mut self, address: IpAddr, number: u64, reason: &'static str) {
        if let Some(standing) = self.remove(address, number) {
            metrics::counter!("query_api_refusals_total", "reason" => reason).increment(1);
            standing.displaced.cancel();
        }
    }

    fn remove(&mut self, address: IpAddr, number: u64) -> Option<Arc<Standing>> {
        let all = self.by_address.get_mut(&address)?;
        let removed = all.remove(&number)?;
        if all.is_empty() {
            self.by_address.remove(&address);
        }
        self.count -= 1;
        Some(removed)
    }
}

impl Standing {
    /// A request has begun.
    pub fn begin(self: &Arc<Self>) -> UnderWay {
        self.begun.fetch_add(1, Ordering::AcqRel);
        self.asking.fetch_add(1, Ordering::AcqRel);
        self.under_way.fetch_add(1, Ordering::AcqRel);
        UnderWay { standing: Arc::clone(self), asking: true }
    }

    /// A valid token was sent over it.
    pub fn prove(&self) {
        self.proven.store(true, Ordering::Relaxed);
    }

    /// Whether a request is under way.
    pub fn is_busy(&self) -> bool {
        self.under_way.load(Ordering::Acquire) > 0
    }

    /// How many requests have begun.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    /// Whether nothing of worth is cut off by closing it. An answer that needs no token is of none.
    fn may_go(&self) -> bool {
        let under_way = if self.is_proven() { &self.under_way } else { &self.asking };
        under_way.load(Ordering::Acquire) == 0
    }
}

impl Place {
    /// What the connection has shown, and what it is doing.
    pub const fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// Resolves when another connection takes the place.
    pub async fn displaced(&self) {
        self.standing.displaced.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if taken.remove(self.address, self.number).is_some() {
            report(taken.count);
            self.places.freed.notify_one();
        }
    }
}

impl UnderWay {
    /// There is a response; what remains is to write it.
    pub fn answered(&mut self) {
        if std::mem::take(&mut self.asking) {
            self.standing.asking.fetch_sub(1, Ordering::AcqRel);
            self.standing.freed.notify_one();
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.answered();
        if self.standing.under_way.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.standing.freed.notify_one();
        }
    }
}

fn report(count: usize) {
    metrics::gauge!("query_api_connections").set(count as f64);
}

/// The part of an address that its network has to itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> (u128::BITS - NETWORK_BITS) << (u128::BITS - NETWORK_BITS);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    struct Crowd {
        places: Arc<Places>,
        inside: Vec<Option<Place>>,
    }

    impl Crowd {
        fn new(max: usize, per_address_max: usize) -> Self {
            Self { places: Places::new(max, per_address_max), inside: Vec::new() }
        }

        /// A connection comes; whether it gets a place.
        fn comes(&mut self, from: &str) -> bool {
            let place = self.places.try_take(address(from));
            let inside = place.is_some();
            self.inside.extend(place.map(Some));
            inside
        }

        fn shows_token(&self, index: usize) {
            self.standing(index).prove();
        }

        fn standing(&self, index: usize) -> &Arc<Standing> {
            self.inside[index].as_ref().unwrap().standing()
        }

        /// The connections that had to go.
        fn gone(&self) -> Vec<usize> {
            let all = self.inside.iter().enumerate();
            all.filter(|(_, one)| one.as_ref().is_some_and(|one| one.standing.displaced.is_cancelled()))
                .map(|(index, _)| index)
                .collect()
        }
    }

    #[test]
    fn the_oldest_without_a_token_of_the_most_crowded_address_goes_first() {
        let mut crowd = Crowd::new(5, 9);
        for from in ["10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.2", "10.0.0.1"] {
            assert!(crowd.comes(from));
        }
        crowd.shows_token(1);
        assert!(crowd.comes("10.0.0.3") && crowd.gone().len() == 1);
        assert!(crowd.comes("10.0.0.3") && crowd.gone().len() == 2);
        assert!(!crowd.gone().contains(&1), "it has shown a token: {:?}", crowd.gone());
        assert_eq!(crowd.places.taken().count, 5);
        crowd.inside.clear();
        let taken = crowd.places.taken();
        assert_eq!(
            (taken.count, taken.by_address.len()),
            (0, 0),
            "nothing is kept of connections that are gone"
        );
    }

    #[test]
    fn a_request_under_way_is_not_cut_off() {
        let mut crowd = Crowd::new(2, 9);
        assert!(crowd.comes("10.0.0.1") && crowd.comes("10.0.0.1"));
        let mut first = crowd.standing(0).begin();
        let second = crowd.standing(1).begin();
        assert!(!crowd.comes("10.0.0.2"), "both are asking");
        // An answer for nobody in particular may be cut off while it is written.
        first.answered();
        assert!(crowd.comes("10.0.0.2"));
        assert_eq!(crowd.gone(), [0]);
        crowd.shows_token(1);
        crowd.shows_token(2);
        let mut streaming = second;
        streaming.answered();
        assert!(crowd.comes("10.0.0.2"));
        assert_eq!(crowd.gone(), [0, 2], "the idle one goes, and the one that streams stays");
    }

    #[test]
    fn an_address_has_a_share_of_those_without_a_token() {
        let mut crowd = Crowd::new(100, 2);
        for _ in 0..4 {
            assert!(crowd.comes("10.0.0.1"));
        }
        assert_eq!(crowd.gone(), [0, 1]);
        for index in [2, 3] {
            crowd.shows_token(index);
        }
        for _ in 0..2 {
            assert!(crowd.comes("10.0.0.1") && crowd.comes("10.0.0.2"));
        }
        assert_eq!(crowd.gone(), [0, 1]);
    }

    #[tokio::test]
    async fn who_waits_gets_the_place_that_becomes_free() {
        let places = Places::new(1, 1);
        let first = places.take(address("10.0.0.1")).await;
        let under_way = first.standing().begin();
        let waiting = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take(address("10.0.0.2")).await.number }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(under_way);
        assert_eq!(waiting.await.unwrap(), 1, "the first has become idle, and goes");
        first.displaced().await;
    }

    #[test]
    fn a_network_counts_as_one_address() {
        let check = |one: &str, other: &str, same: bool| {
            assert_eq!(network(address(one)) == network(address(other)), same, "{one} {other}");
        };
        check("10.0.0.1", "10.0.0.1", true);
        check("10.0.0.1", "10.0.0.2", false);
        check("::ffff:10.0.0.1", "10.0.0.1", true);
        check("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true);
        check("2001:db8:1:2::1", "2001:db8:1:3::1", false);
    }
}
