//! The way to the pipeline: messages in line, handed over one at a time.

use super::messages::{Handed, Message};
use crate::limits::{MESSAGES_MAX, POLL_WAIT_SHORT};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Semaphore, mpsc};

/// Messages to the pipeline.
pub struct Outbox {
    in_line: VecDeque<Message>,
    sender: mpsc::Sender<Handed>,
    /// A permit is taken with each message, and comes back when the pipeline is done with it.
    permits: Arc<Semaphore>,
    is_closed: bool,
}

impl Outbox {
    /// An outbox and the end that the pipeline receives from.
    pub fn new() -> (Self, mpsc::Receiver<Handed>) {
        let (sender, messages) = mpsc::channel(MESSAGES_MAX);
        let permits = Arc::new(Semaphore::new(MESSAGES_MAX));
        (Self { in_line: VecDeque::new(), sender, permits, is_closed: false }, messages)
    }

    /// Puts a message in line.
    pub fn push(&mut self, message: Message) {
        self.in_line.push_back(message);
    }

    /// Whether no message is in line.
    pub fn is_empty(&self) -> bool {
        self.in_line.is_empty()
    }

    /// Whether the pipeline would take a message now.
    pub fn is_free(&self) -> bool {
        self.permits.available_permits() > 0
    }

    /// Whether nothing is handed over any more: the pipeline has ended, or [`Outbox::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// From now on nothing is handed over.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// Hands the next message over, if there is one and the pipeline is free.
    pub fn hand_over(&mut self) {
        if self.in_line.is_empty() {
            return;
        }
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else { return };
        if let Some(message) = self.in_line.pop_front() {
            self.is_closed |= self.sender.try_send(Handed { message, permit }).is_err();
        }
    }

    /// Hands over all messages, waiting for the pipeline until `deadline`. Returns whether all of them went.
    pub fn flush(&mut self, deadline: Instant) -> bool {
        while !self.in_line.is_empty() && !self.is_closed && Instant::now() < deadline {
            self.hand_over();
            if !self.in_line.is_empty() {
                std::thread::sleep(POLL_WAIT_SHORT);
            }
        }
        self.in_line.is_empty()
    }
}
