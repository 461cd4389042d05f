//! Who is in a group, as its coordinator says: no other broker is asked. Unsafe, like `describing.rs`.

#![allow(unsafe_code)]

use super::{Answer, Undescribed, text};
use crate::record::place::Place;
use rdkafka::client::{Client, ClientContext};
use rdkafka_sys as sys;
use std::ffi::CString;
use std::time::Duration;
use sys::rd_kafka_admin_op_t as Asked;
use sys::rd_kafka_consumer_group_state_t as State;
use sys::rd_kafka_resp_err_t as Code;

/// A group as its coordinator describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupDescription {
    /// Whether every member has what it is to hold.
    pub is_stable: bool,
    /// Its members; none if there is no such group.
    pub members: Vec<MemberDescription>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDescription {
    /// Its `client.id`.
    pub client: String,
    /// Where it runs.
    pub host: String,
    /// What is assigned to it.
    pub holds: Vec<Place>,
}

/// The group.
///
/// # Errors
/// When its coordinator doesn't answer within `limit`, or Kafka doesn't let this client know what the group is.
pub fn describe<C: ClientContext>(
    client: &Client<C>,
    group: &str,
    limit: Duration,
) -> Result<GroupDescription, Undescribed> {
    let Ok(name) = CString::new(group) else { return Ok(GroupDescription::default()) };
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
        let result = sys::rd_kafka_event_DescribeConsumerGroups_result(answer.0);
        if result.is_null() {
            return Ok(GroupDescription::default());
        }
        let mut count = 0;
        let groups = sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
        if groups.is_null() || count == 0 {
            return Ok(GroupDescription::default());
        }
        let group = *groups;
        let code = sys::rd_kafka_error_code(sys::rd_kafka_ConsumerGroupDescription_error(group));
        if code != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(Undescribed(code));
        }
        let state = sys::rd_kafka_ConsumerGroupDescription_state(group);
        let members = 0..sys::rd_kafka_ConsumerGroupDescription_member_count(group);
        let member = |index| member_of(sys::rd_kafka_ConsumerGroupDescription_member(group, index));
        Ok(GroupDescription {
            is_stable: state == State::RD_KAFKA_CONSUMER_GROUP_STATE_STABLE,
            members: members.map(member).collect(),
        })
    }
}

/// # Safety
/// `member` must be valid.
unsafe fn member_of(member: *const sys::rd_kafka_MemberDescription_t) -> MemberDescription {
    // SAFETY: the member is valid, and so is what is read of it.
    unsafe {
        let assignment = sys::rd_kafka_MemberDescription_assignment(member);
        let holds = if assignment.is_null() {
            Vec::new()
        } else {
            places_of(sys::rd_kafka_MemberAssignment_partitions(assignment))
        };
        MemberDescription {
            client: text(sys::rd_kafka_MemberDescription_client_id(member)),
            host: text(sys::rd_kafka_MemberDescription_host(member)),
            holds,
        }
    }
}

/// # Safety
/// `partitions` must be null or valid.
unsafe fn places_of(partitions: *const sys::rd_kafka_topic_partition_list_t) -> Vec<Place> {
    // SAFETY: the list is valid if there is one, and has so many elements.
    unsafe {
        let Some(partitions) = partitions.as_ref() else { return Vec::new() };
        let count = usize::try_from(partitions.cnt).unwrap_or(0);
        let place = |index: usize| {
            let partition = &*partitions.elems.add(index);
            Place { topic: text(partition.topic.cast_const()), partition: partition.partition }
        };
        (0..count).map(place).collect()
    }
}
