//! A day of simulated messages, and what their providers tell of them. Pure: every figure follows from the constants.

use chrono::{DateTime, Duration, Utc};
use load::{Message, Produced};
use proto::v1::message_delivery::Status;

/// At which hours of the day messages are sent, and how many at each.
const CAMPAIGNS: [i64; 3] = [9, 13, 17];
const CAMPAIGN: usize = 100;

/// Of a campaign's messages, how many are delivered, and how many of these are read.
const DELIVERED: usize = 66;
const READ: usize = 30;

/// What became of a message, as its provider tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It waits somewhere: nothing is counted.
    Waits,
    /// It was sent.
    Sent,
    /// It was delivered.
    Delivered,
    /// It was read.
    Read,
    /// It was given up.
    Failed,
}

/// A provider, by the messages that it has: one in three each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Twilio, for WhatsApp.
    Twilio,
    /// SendGrid.
    SendGrid,
    /// WhatsApp's Cloud API.
    WhatsApp,
}

/// A callback.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// The number of the message.
    pub message: usize,
    /// What it says.
    pub word: Word,
    /// When that happened.
    pub at: DateTime<Utc>,
    /// When it arrives.
    pub arrives: DateTime<Utc>,
}

impl Told {
    /// Who tells it.
    pub fn by(&self) -> By {
        [By::Twilio, By::SendGrid, By::WhatsApp][self.message % 3]
    }

    /// The provider's id of the message.
    pub fn id(&self) -> String {
        match self.by() {
            By::Twilio => format!("SM{}", self.message),
            By::SendGrid => format!("sg{}", self.message),
            By::WhatsApp => format!("wamid.{}", self.message),
        }
    }

    /// A record of it with this time of sending, if it is counted.
    fn record(&self, organization: &str, sent_at: DateTime<Utc>) -> Option<Produced> {
        let status = match self.word {
            Word::Waits => return None,
            Word::Sent => Status::Sent,
            Word::Delivered => Status::Delivered,
            Word::Read => Status::Read,
            Word::Failed => Status::Failed,
        };
        let mut message = Message::delivery(organization, &self.id(), sent_at, self.at, status);
        if let Message::Delivery(delivery) = &mut message {
            let channel = if self.by() == By::SendGrid { "email" } else { "whatsapp" };
            channel.clone_into(&mut delivery.channel);
        }
        Some(Produced::plain(message))
    }
}

/// When a message is sent: those of a campaign one after the other, in the first quarter of its hour.
pub fn sent_at(day: DateTime<Utc>, message: usize) -> DateTime<Utc> {
    let campaign = Duration::hours(CAMPAIGNS[message / CAMPAIGN]);
    day + campaign + Duration::seconds(5) * (message % CAMPAIGN) as i32
}

/// All callbacks of the day. Receipts come a quarter of an hour or more after the message; some callbacks come twice, at once or hours later.
pub fn told(day: DateTime<Utc>) -> Vec<Told> {
    (0..CAMPAIGNS.len() * CAMPAIGN).flat_map(|message| of_message(day, message)).collect()
}

fn of_message(day: DateTime<Utc>, message: usize) -> Vec<Told> {
    let (sent, place) = (sent_at(day, message), message % CAMPAIGN);
    let tell = |word, after: Duration| {
        let at = sent + after;
        Told { message, word, at, arrives: at + Duration::seconds(3) }
    };
    let again = |told: Told, after: Duration| Told { arrives: told.arrives + after, ..told };
    let late = Duration::hours(2);
    let later = Duration::seconds(place as i64);
    let was_sent = tell(Word::Sent, Duration::seconds(2));
    let delivered = tell(Word::Delivered, Duration::minutes(20) + later);
    let was_read = tell(Word::Read, Duration::minutes(70) + later);
    let failed = tell(Word::Failed, Duration::minutes(10));
    let waits = Told { message, word: Word::Waits, at: sent, arrives: sent };
    let rows = [
        (was_sent.by() != By::WhatsApp, waits),
        (true, was_sent),
        (place >= 96, again(was_sent, late)),
        (place < DELIVERED, delivered),
        ((30..57).contains(&place), again(delivered, Duration::seconds(10))),
        ((60..DELIVERED).contains(&place), again(delivered, late)),
        (place < READ, was_read),
        (place < 1, again(was_read, late)),
        (place >= DELIVERED, failed),
    ];
    rows.into_iter().filter(|(is_told, _)| *is_told).map(|(_, told)| told).collect()
}

/// The records of an organization whose `sent_at` is chosen like this.
pub fn records(organization: &str, told: &[Told], sent_at: impl Fn(&Told) -> DateTime<Utc>) -> Vec<Produced> {
    told.iter().filter_map(|told| told.record(organization, sent_at(told))).collect()
}
