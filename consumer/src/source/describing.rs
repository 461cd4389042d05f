//! Questions to Kafka that the safe crate lacks: what topics and a group are, and what this client may do with them. Unsafe,
//! like `queue.rs`.

#![allow(unsafe_code)]

pub mod group;

use rdkafka::client::{Client, ClientContext};
use rdkafka_sys as sys;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use std::time::Duration;
use sys::rd_kafka_AclOperation_t as Allowed;
use sys::rd_kafka_admin_op_t as Asked;
use sys::rd_kafka_resp_err_t as Code;

/// What Kafka says about a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its id; empty where Kafka has none.
    pub id: String,
    /// Whether this client may read it; `None` where Kafka doesn't say.
    pub may_read: Option<bool>,
    /// Whether this client may write to it; `None` where Kafka doesn't say.
    pub may_write: Option<bool>,
    /// Its partitions, each with the broker that leads it, if any does.
    pub leaders: Vec<(i32, Option<i32>)>,
}

/// Why Kafka describes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undescribed(pub Code);

/// Kafka's answer about each topic, by name.
///
/// # Errors
/// When no broker answers within `limit`.
pub fn topics<C: ClientContext>(
    client: &Client<C>,
    names: &[&str],
    limit: Duration,
) -> Result<HashMap<String, Result<TopicDescription, Undescribed>>, Undescribed> {
    let names: Vec<CString> = names.iter().filter_map(|name| CString::new(*name).ok()).collect();
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let mut described = HashMap::new();
    // SAFETY: client and names are valid during the call; the collection is destroyed when it is no longer needed, and what
    // is read of the answer is the answer's own.
    unsafe {
        let collection = sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        let answer = Answer::ask(client, Asked::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, limit, |options, queue| {
            sys::rd_kafka_DescribeTopics(client.native_ptr(), collection, options, queue);
        });
        sys::rd_kafka_TopicCollection_destroy(collection);
        let answer = answer?;
        let result = sys::rd_kafka_event_DescribeTopics_result(answer.0);
        let mut count = 0;
        if !result.is_null() {
            let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
            for index in 0..count {
                let topic = *topics.add(index);
                described.insert(text(sys::rd_kafka_TopicDescription_name(topic)), topic_of(topic));
            }
        }
    }
    Ok(described)
}

/// Whether this client may be a member of the group; `None` where Kafka doesn't say.
///
/// # Errors
/// When no broker answers within `limit`, or Kafka doesn't let this client know what the group is.
pub fn may_join<C: ClientContext>(
    client: &Client<C>,
    group: &str,
    limit: Duration,
) -> Result<Option<bool>, Undescribed> {
    let Ok(name) = CString::new(group) else { return Ok(None) };
    let mut names = [name.as_ptr()];
    // SAFETY: client and name are valid during the call; what is read of the answer is the answer's own, and is read before
    // that is dropped.
    unsafe {
        let asked = Asked::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;
        let answer = Answer::ask(client, asked, limit, |options, queue| {
            let count = names.len();
            sys::rd_kafka_DescribeConsumerGroups(
                client.native_ptr(),
                names.as_mut_ptr(),
                count,
                options,
                queue,
            );
        })?;
        let (mut count, mut allowed) = (0, 0);
        let result = sys::rd_kafka_event_DescribeConsumerGroups_result(answer.0);
        if result.is_null() {
            return Ok(None);
        }
        let groups = sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
        if groups.is_null() || count == 0 {
            return Ok(None);
        }
        let group = *groups;
        let code = sys::rd_kafka_error_code(sys::rd_kafka_ConsumerGroupDescription_error(group));
        if code != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(Undescribed(code));
        }
        let operations =
            sys::rd_kafka_ConsumerGroupDescription_authorized_operations(group, &raw mut allowed);
        Ok(may(Allowed::RD_KAFKA_ACL_OPERATION_READ, operations, allowed))
    }
}

/// An answer of Kafka's, and what it owns.
struct Answer(*mut sys::rd_kafka_event_t);

impl Answer {
    /// # Safety
    /// `send` must ask one question of this client, by these options and to this queue.
    unsafe fn ask<C: ClientContext>(
        client: &Client<C>,
        asked: Asked,
        limit: Duration,
        send: impl FnOnce(*mut sys::rd_kafka_AdminOptions_t, *mut sys::rd_kafka_queue_t),
    ) -> Result<Self, Undescribed> {
        let limit = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the client is valid; options and queue are made and destroyed here. An error of an option that this
        // version of librdkafka has is impossible, and destroying none does nothing.
        let event = unsafe {
            let options = sys::rd_kafka_AdminOptions_new(client.native_ptr(), asked);
            sys::rd_kafka_AdminOptions_set_request_timeout(options, limit, std::ptr::null_mut(), 0);
            let refused = sys::rd_kafka_AdminOptions_set_include_authorized_operations(options, 1);
            if !refused.is_null() {
                sys::rd_kafka_error_destroy(refused);
            }
            let queue = sys::rd_kafka_queue_new(client.native_ptr());
            send(options, queue);
            let event = sys::rd_kafka_queue_poll(queue, limit);
            sys::rd_kafka_queue_destroy(queue);
            sys::rd_kafka_AdminOptions_destroy(options);
            event
        };
        if event.is_null() {
            return Err(Undescribed(Code::RD_KAFKA_RESP_ERR__TIMED_OUT));
        }
        let answer = Self(event);
        // SAFETY: the event is valid until it is dropped.
        let code = unsafe { sys::rd_kafka_event_error(event) };
        if code == Code::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(answer) } else { Err(Undescribed(code)) }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: the event is ours, and nothing that is read of it outlives this.
        unsafe { sys::rd_kafka_event_destroy(self.0) };
    }
}

/// # Safety
/// `topic` must be valid.
unsafe fn topic_of(topic: *const sys::rd_kafka_TopicDescription_t) -> Result<TopicDescription, Undescribed> {
    // SAFETY: the topic is valid, and so is what is read of it.
    unsafe {
        let code = sys::rd_kafka_error_code(sys::rd_kafka_TopicDescription_error(topic));
        if code != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(Undescribed(code));
        }
        let (mut count, mut allowed) = (0, 0);
        let partitions = sys::rd_kafka_TopicDescription_partitions(topic, &raw mut count);
        let leader = |index: usize| {
            let partition = *partitions.add(index);
            let leader = sys::rd_kafka_TopicPartitionInfo_leader(partition);
            let leader = (!leader.is_null()).then(|| sys::rd_kafka_Node_id(leader));
            (sys::rd_kafka_TopicPartitionInfo_partition(partition), leader.filter(|id| *id >= 0))
        };
        let operations = sys::rd_kafka_TopicDescription_authorized_operations(topic, &raw mut allowed);
        Ok(TopicDescription {
            id: text(sys::rd_kafka_Uuid_base64str(sys::rd_kafka_TopicDescription_topic_id(topic))),
            may_read: may(Allowed::RD_KAFKA_ACL_OPERATION_READ, operations, allowed),
            may_write: may(Allowed::RD_KAFKA_ACL_OPERATION_WRITE, operations, allowed),
            leaders: (0..count).map(leader).collect(),
        })
    }
}

/// # Safety
/// `operations` must be null or have `count` elements.
unsafe fn may(operation: Allowed, operations: *const Allowed, count: usize) -> Option<bool> {
    if operations.is_null() {
        return None;
    }
    // SAFETY: as promised by the caller; the list has operations that this version of librdkafka knows.
    Some((0..count).any(|index| unsafe { *operations.add(index) } == operation))
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
