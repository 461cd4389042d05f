//! librdkafka's batch call, which takes many records under one lock and which the safe crate lacks. The programs' only
//! unsafe code.

#![allow(unsafe_code)]

use crate::record::{Offset, Partition, Raw};
use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
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
    Broken(Partition, String),
    /// An error that passes by itself, or that people must repair while the partition is tried again.
    Trouble(Partition, String),
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
        // SAFETY: the text is static, or lives as long as the message.
        let what = format!("{} ({:?})", unsafe { text(sys::rd_kafka_message_errstr(message)) }, message.err);
        // librdkafka goes on behind a batch of records that it can't read.
        let is_corrupt = [Code::RD_KAFKA_RESP_ERR__BAD_MSG, Code::RD_KAFKA_RESP_ERR__BAD_COMPRESSION]
            .contains(&message.err);
        Some(if message.err == Code::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET {
            Fetched::Broken(partition, what)
        } else if is_corrupt {
            Fetched::Broken(partition, format!("the partition's log is corrupt: {what}"))
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
        }
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
unsafe fn headers(message: &sys::rd_kafka_message_t) -> Vec<(&str, Option<&[u8]>)> {
    let mut list = std::ptr::null_mut();
    let mut all = Vec::new();
    // SAFETY: the message is valid; the list is its own, and lives as long as it does.
    unsafe {
        if sys::rd_kafka_message_headers(message, &raw mut list) != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            return all;
        }
        let (mut name, mut value, mut len) = (std::ptr::null::<c_char>(), std::ptr::null::<c_void>(), 0);
        while sys::rd_kafka_header_get_all(list, all.len(), &raw mut name, &raw mut value, &raw mut len)
            == Code::RD_KAFKA_RESP_ERR_NO_ERROR
        {
            // A name that is not UTF-8 is none that this program looks for.
            all.push((CStr::from_ptr(name).to_str().unwrap_or("?"), bytes(value, len)));
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

/// Kafka's ids of topics, by name; a topic whose id can't be learned is left out. Waits for the answer, at most
/// `limit`.
pub fn topic_ids<C: ClientContext>(
    client: &rdkafka::client::Client<C>,
    names: &[&str],
    limit: Duration,
) -> HashMap<String, String> {
    let names: Vec<CString> = names.iter().filter_map(|name| CString::new(*name).ok()).collect();
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let limit = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    let mut ids = HashMap::new();
    // SAFETY: client and names are valid during the call; what is made here is destroyed here, the event, which owns
    // all that is read of it, last.
    unsafe {
        let queue = sys::rd_kafka_queue_new(client.native_ptr());
        let topics = sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        sys::rd_kafka_DescribeTopics(client.native_ptr(), topics, std::ptr::null(), queue);
        let event = sys::rd_kafka_queue_poll(queue, limit);
        if !event.is_null() {
            let result = sys::rd_kafka_event_DescribeTopics_result(event);
            if !result.is_null() && sys::rd_kafka_event_error(event) == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
                let mut count = 0;
                let described = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
                for index in 0..count {
                    let topic = *described.add(index);
                    if sys::rd_kafka_error_code(sys::rd_kafka_TopicDescription_error(topic))
                        == Code::RD_KAFKA_RESP_ERR_NO_ERROR
                    {
                        let id = sys::rd_kafka_Uuid_base64str(sys::rd_kafka_TopicDescription_topic_id(topic));
                        ids.insert(text(sys::rd_kafka_TopicDescription_name(topic)), text(id));
                    }
                }
            }
            sys::rd_kafka_event_destroy(event);
        }
        sys::rd_kafka_TopicCollection_destroy(topics);
        sys::rd_kafka_queue_destroy(queue);
    }
    ids.retain(|_, id| !id.is_empty());
    ids
}
