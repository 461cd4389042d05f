//! Orders to the source, in order.

use crate::source::Order;
use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, TrySendError};

/// The way to the source. Nothing here waits for room: the source may itself be waiting for the pipeline.
pub struct Orders {
    sender: SyncSender<Order>,
    /// Orders the source has not taken yet.
    undelivered: VecDeque<Order>,
}

impl Orders {
    /// Orders through this channel.
    #[must_use]
    pub fn new(sender: SyncSender<Order>) -> Self {
        Self { sender, undelivered: VecDeque::new() }
    }

    /// Puts an order in line; [`Orders::deliver`] sends it.
    pub fn put(&mut self, order: Order) {
        self.undelivered.push_back(order);
    }

    /// Sends what is in line, as far as the source has room.
    pub fn deliver(&mut self) {
        while let Some(order) = self.undelivered.pop_front() {
            match self.sender.try_send(order) {
                Ok(()) => {}
                Err(TrySendError::Full(order)) => return self.undelivered.push_front(order),
                Err(TrySendError::Disconnected(_)) => return self.undelivered.clear(),
            }
        }
    }

    /// Sends an order ahead of those in line, or drops it if the source has no room. Only for orders that a later one
    /// replaces.
    pub fn try_send(&self, order: Order) {
        let _ = self.sender.try_send(order);
    }
}
