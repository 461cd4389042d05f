//! The two calls into librdkafka that the safe bindings lack. The only unsafe code of this crate.
#![allow(unsafe_code)]

use anyhow::{Result, bail};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka_sys as sys;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr::null_mut;
use std::time::Duration;

/// Most records that one call returns.
const BATCH: usize = 4_096;

/// A consumer's queue of fetched records. Lives no longer than the consumer.
pub struct Queue<'a> {
    queue: *mut sys::rd_kafka_queue_t,
    batch: Vec<*mut sys::rd_kafka_message_t>,
    consumer: PhantomData<&'a BaseConsumer>,
}

impl<'a> Queue<'a> {
    /// The queue that all of the consumer's partitions feed.
    pub fn of(consumer: &'a BaseConsumer) -> Self {
        // SAFETY: the pointer is that of a live client, which the lifetime keeps alive. The queue returned is a
        // reference of our own, given back in `drop`.
        let queue = unsafe { sys::rd_kafka_queue_get_consumer(consumer.client().native_ptr()) };
        assert!(!queue.is_null(), "every consumer has a queue");
        Self { queue, batch: vec![null_mut(); BATCH], consumer: PhantomData }
    }

    /// Waits for records and shows the value of each to `take`; an absent value is shown as an empty one. After the
    /// first failure the rest of the batch is not shown.
    pub fn take_batch(&mut self, wait: Duration, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let millis = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is ours, and `batch` has room for the BATCH pointers the call may write.
        let count =
            unsafe { sys::rd_kafka_consume_batch_queue(self.queue, millis, self.batch.as_mut_ptr(), BATCH) };
        let Ok(count) = usize::try_from(count) else { bail!("the batch call failed") };
        let mut outcome = Ok(());
        for message in &self.batch[..count] {
            // SAFETY: the call filled the first `count` places with messages that are now ours; each is read, then
            // destroyed once, and no slice of it outlives the closure's call.
            unsafe {
                if outcome.is_ok() {
                    outcome = value_of(*message).and_then(&mut take);
                }
                sys::rd_kafka_message_destroy(*message);
            }
        }
        outcome
    }
}

impl Drop for Queue<'_> {
    fn drop(&mut self) {
        // SAFETY: the reference taken in `of`, given back once.
        unsafe { sys::rd_kafka_queue_destroy(self.queue) };
    }
}

/// # Safety
/// `message` must point to a message that is destroyed after the returned slice was last used.
unsafe fn value_of<'a>(message: *const sys::rd_kafka_message_t) -> Result<&'a [u8]> {
    // SAFETY: by the caller's promise; librdkafka's error names are static C strings.
    unsafe {
        let message = &*message;
        if message.err != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            bail!("Kafka reports {:?}", CStr::from_ptr(sys::rd_kafka_err2str(message.err)));
        }
        if message.payload.is_null() {
            return Ok(&[]);
        }
        Ok(std::slice::from_raw_parts(message.payload.cast::<u8>(), message.len))
    }
}

/// The partition that librdkafka's `murmur2` partitioner chooses for `key` among `partitions`.
#[cfg(test)]
#[must_use]
pub fn librdkafkas_partition(key: &[u8], partitions: i32) -> i32 {
    // SAFETY: the partitioner reads the key's bytes and looks at neither the topic nor the opaques.
    unsafe {
        sys::rd_kafka_msg_partitioner_murmur2(
            std::ptr::null(),
            key.as_ptr().cast(),
            key.len(),
            partitions,
            null_mut(),
            null_mut(),
        )
    }
}
