//! What the safe crate lacks of librdkafka: its batch call, which takes many records under one lock, leaders' epochs, and
//! headers as bytes. With `describing.rs` the programs' only unsafe code.

#![allow(unsafe_code)]

use super::breaks::Break;
use crate::record::{Offset, Partition, Raw};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::message::{BorrowedMessage, Message as _, OwnedHeaders};
use rdkafka_sys as sys;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::Arc;
use std::time::Duration;
use sys::rd_kafka_resp_err_t as Code;

/// Records taken by one call.
const CALL_RECORDS_MAX: usize = 4_096;

/// What the queue of records yields.
pub enum Fetched<'a> {
    /// A record.
    Record(Raw<'a>),
    /// Kafka no longer has the next record, or it is corrupt: the partition can't be read on without losing records.
    Broken(Partition, Break),
    /// An error that passes by itself, or that people must repair while the partition is tried again.
    Trouble(Partition, String),
    /// All records up to the end of now have been given out. Only with `enable.partition.eof`.
    End,
}

/// A queue that partitions' records are forwarded to, and taken from in batches.
pub struct RecordQueue<C: ConsumerContext + 'static> {
    queue: *mut sys::rd_kafka_queue_t,
    taken: Vec<*mut sys::rd_kafka_message_t>,
    /// Partitions by librdkafka's handle of the topic, so that no name is compared per record.
    known: HashMap<(usize, i32), Partition>,
    latest: Option<((usize, i32), Partition)>,
    /// Keeps the client alive for as long as its queue is.
    consumer: Arc<BaseConsumer<C>>,
}

// SAFETY: librdkafka's queues may be used from any thread; the pointers are only used through `&mut self`.
unsafe impl<C: ConsumerContext + 'static> Send for RecordQueue<C> {}

impl<C: ConsumerContext + 'static> RecordQueue<C> {
    /// A new queue of this client's.
    pub fn new(consumer: Arc<BaseConsumer<C>>) -> Self {
        // SAFETY: the client's handle is valid, and `consumer` keeps it so.
        let queue = unsafe { sys::rd_kafka_queue_new(consumer.client().native_ptr()) };
        Self {
            queue,
            taken: vec![std::ptr::null_mut(); CALL_RECORDS_MAX],
            known: HashMap::new(),
            latest: None,
            consumer,
        }
    }

    /// Lets the records of these partitions arrive here instead of on the client's main queue.
    pub fn forward(&self, partitions: &TopicPartitionList) {
        for element in partitions.elements() {
            let topic = CString::new(element.topic()).expect("Kafka's topic names have no NUL");
            // SAFETY: client, name and queue are valid; the partition's queue is a counted reference, given back.
            unsafe {
                let client = self.consumer.client().native_ptr();
                let partition =
                    sys::rd_kafka_queue_get_partition(client, topic.as_ptr(), element.partition());
                if !partition.is_null() {
                    sys::rd_kafka_queue_forward(partition, self.queue);
                    sys::rd_kafka_queue_destroy(partition);
                }
            }
        }
    }

    /// Whether nothing has arrived.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        // SAFETY: the queue is valid.
        unsafe { sys::rd_kafka_queue_length(self.queue) == 0 }
    }

    /// Shows `sight` each record and error that has arrived, waiting at most `wait` for a full call. `partition` names the
    /// partition of a topic's name and number. Returns how many there were.
    pub fn take(
        &mut self,
        wait: Duration,
        partition: impl Fn(&str, i32) -> Option<Partition>,
        mut sight: impl FnMut(Fetched<'_>),
    ) -> usize {
        let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the buffer has room for as many pointers as is said.
        let count = unsafe {
            sys::rd_kafka_consume_batch_queue(self.queue, wait, self.taken.as_mut_ptr(), self.taken.len())
        };
        let count = usize::try_from(count).unwrap_or(0);
        for index in 0..count {
            let message = self.taken[index];
            // SAFETY: the call filled the first `count` slots with valid messages that are ours until destroyed;
            // nothing that borrows from this one outlives the call of `sight`.
            unsafe {
                if let Some(fetched) = self.fetched(&*message, &partition) {
                    sight(fetched);
                }
                sys::rd_kafka_message_destroy(message);
            }
        }
        count
    }

    /// # Safety
    /// `message` must be valid, and stay so for the lifetime given.
    #[inline]
    unsafe fn fetched<'a>(
        &mut self,
        message: &'a sys::rd_kafka_message_t,
        partition: &impl Fn(&str, i32) -> Option<Partition>,
    ) -> Option<Fetched<'a>> {
        let place = (message.rkt as usize, message.partition);
        let partition = match self.latest {
            Some((latest, partition)) if latest == place => partition,
            _ => {
                // SAFETY: a message's topic handle is valid as long as the message.
                let found = unsafe { self.find(message, place, partition) }?;
                self.latest = Some((place, found));
                found
            }
        };
        if message.err == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            // SAFETY: as promised by the caller.
            return Some(Fetched::Record(unsafe { raw(message, partition) }));
        }
        if message.err == Code::RD_KAFKA_RESP_ERR__PARTITION_EOF {
            return Some(Fetched::End);
        }
        // SAFETY: the text is static, or lives as long as the message.
        let what = format!("{} ({:?})", unsafe { text(sys::rd_kafka_message_errstr(message)) }, message.err);
        // librdkafka goes on behind a batch of records that it can't read.
        Some(if message.err == Code::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET {
            Fetched::Broken(partition, Break::Missing(what))
        } else if message.err == Code::RD_KAFKA_RESP_ERR__BAD_MSG {
            let remedy = "mend the broker's log, or skip what can't be read by `consumer progress reset`";
            let sentence = format!("the partition's log is corrupt ({what}); {remedy}");
            Fetched::Broken(partition, Break::Unreadable(sentence))
        } else if message.err == Code::RD_KAFKA_RESP_ERR__BAD_COMPRESSION {
            let remedy = "raise KAFKA_CONFIG_RECEIVE_MESSAGE_MAX_BYTES, which it exceeds if it isn't corrupt; \
                          otherwise skip it by `consumer progress reset`";
            let sentence = format!("a batch of records can't be unpacked ({what}); {remedy}");
            Fetched::Broken(partition, Break::Unreadable(sentence))
        } else {
            Fetched::Trouble(partition, what)
        })
    }

    #[cold]
    unsafe fn find(
        &mut self,
        message: &sys::rd_kafka_message_t,
        place: (usize, i32),
        partition: &impl Fn(&str, i32) -> Option<Partition>,
    ) -> Option<Partition> {
        if let Some(known) = self.known.get(&place) {
            return Some(*known);
        }
        if message.rkt.is_null() {
            return None;
        }
        // SAFETY: the handle is not null, and valid as the caller promises.
        let name = unsafe { text(sys::rd_kafka_topic_name(message.rkt)) };
        let found = partition(&name, message.partition)?;
        self.known.insert(place, found);
        Some(found)
    }
}

impl<C: ConsumerContext + 'static> Drop for RecordQueue<C> {
    fn drop(&mut self) {
        // SAFETY: the queue is ours, and its client is still there.
        unsafe { sys::rd_kafka_queue_destroy(self.queue) };
    }
}

/// # Safety
/// `message` must be valid, and stay so for the lifetime given.
#[inline]
unsafe fn raw<'a>(message: &'a sys::rd_kafka_message_t, partition: Partition) -> Raw<'a> {
    let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    // SAFETY: the message is valid; key and value are as long as it says, and live as long as it does.
    unsafe {
        let timestamp = sys::rd_kafka_message_timestamp(message, &raw mut kind);
        Raw {
            partition,
            offset: Offset(message.offset),
            key: bytes(message.key, message.key_len),
            payload: bytes(message.payload, message.len),
            headers: headers(message),
            timestamp_ms: Some(timestamp).filter(|&at| at >= 0),
            leader_epoch: known_epoch(sys::rd_kafka_message_leader_epoch(message)),
        }
    }
}

/// librdkafka says -1 where it doesn't know an epoch.
fn known_epoch(epoch: i32) -> Option<i32> {
    Some(epoch).filter(|epoch| *epoch >= 0)
}

/// Has the positions in an assignment checked against the leader's history: a log that does not have the records of this
/// epoch up to there has gone back, and the partition breaks (KIP-320).
pub fn set_leader_epoch(list: &mut TopicPartitionList, topic: &str, partition: i32, epoch: i32) {
    let Ok(topic) = CString::new(topic) else { return };
    // SAFETY: list and name are valid during the calls, and an element that is found belongs to the list.
    unsafe {
        let element = sys::rd_kafka_topic_partition_list_find(list.ptr(), topic.as_ptr(), partition);
        if !element.is_null() {
            sys::rd_kafka_topic_partition_set_leader_epoch(element, epoch);
        }
    }
}

/// The leader's epoch of the position in a list's element.
pub fn leader_epoch(list: &TopicPartitionList, topic: &str, partition: i32) -> Option<i32> {
    let topic = CString::new(topic).ok()?;
    // SAFETY: as above.
    unsafe {
        let element = sys::rd_kafka_topic_partition_list_find(list.ptr(), topic.as_ptr(), partition);
        (!element.is_null())
            .then(|| sys::rd_kafka_topic_partition_get_leader_epoch(element))
            .and_then(known_epoch)
    }
}

/// # Safety
/// `start` must be null or the start of `len` bytes that stay for the lifetime given.
unsafe fn bytes<'a>(start: *const c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: as promised by the caller.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast(), len) })
}

/// # Safety
/// `message` must be valid, and stay so for as long as it is borrowed.
unsafe fn headers(message: &sys::rd_kafka_message_t) -> Vec<(&[u8], Option<&[u8]>)> {
    let mut list = std::ptr::null_mut();
    // SAFETY: the message is valid; the list is its own, and lives as long as it does.
    unsafe {
        if sys::rd_kafka_message_headers(message, &raw mut list) == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            listed(list)
        } else {
            Vec::new()
        }
    }
}

/// A message's headers in order. The safe crate takes a name for UTF-8, which it needn't be, and panics.
pub fn headers_of<'a>(message: &'a BorrowedMessage<'_>) -> Vec<(&'a [u8], Option<&'a [u8]>)> {
    let list = message.headers();
    // SAFETY: the crate's reference is librdkafka's pointer to the list, which is the message's, and lives as long as it does.
    list.map(|list| unsafe { listed(std::ptr::from_ref(list).cast()) }).unwrap_or_default()
}

/// Adds a header, whose name the safe crate takes for UTF-8.
pub fn add_header(headers: &mut OwnedHeaders, name: &[u8], value: Option<&[u8]>) {
    let length = |bytes: &[u8]| isize::try_from(bytes.len()).expect("no slice is longer");
    let (start, len) = value.map_or((std::ptr::null(), 0), |value| (value.as_ptr(), length(value)));
    let list: *const sys::rd_kafka_headers_t = std::ptr::from_ref(headers.as_borrowed()).cast();
    // SAFETY: the crate's reference is librdkafka's pointer to the list, which nothing else uses meanwhile. Name and value are
    // as long as is said, and copied.
    let added = unsafe {
        sys::rd_kafka_header_add(list.cast_mut(), name.as_ptr().cast(), length(name), start.cast(), len)
    };
    assert_eq!(
        added,
        Code::RD_KAFKA_RESP_ERR_NO_ERROR,
        "only a list of headers that is being read can't be added to"
    );
}

/// # Safety
/// `list` must be valid, and stay so for the lifetime given.
unsafe fn listed<'a>(list: *const sys::rd_kafka_headers_t) -> Vec<(&'a [u8], Option<&'a [u8]>)> {
    let mut all = Vec::new();
    // SAFETY: the list is valid; names are C strings, values are as long as is said, and both are the list's.
    unsafe {
        let (mut name, mut value, mut len) = (std::ptr::null::<c_char>(), std::ptr::null::<c_void>(), 0);
        while sys::rd_kafka_header_get_all(list, all.len(), &raw mut name, &raw mut value, &raw mut len)
            == Code::RD_KAFKA_RESP_ERR_NO_ERROR
        {
            all.push((CStr::from_ptr(name).to_bytes(), bytes(value, len)));
        }
    }
    all
}

/// # Safety
/// `text` must be null or a C string.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as promised by the caller.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
