//! A connection to PostgreSQL as a member has it: some statements at a time, then their answers.

use crate::database::{Heard, SessionId};
use crate::outside::Outside;
use crate::statement::{Answer, Statement};

/// A connection, made when it is needed.
#[derive(Default)]
pub struct Line {
    session: Option<SessionId>,
    answers: Vec<Answer>,
    awaited: usize,
}

/// What came of the statements that were sent last.
pub enum Reply {
    /// Nothing yet.
    Silence,
    /// All their answers.
    Answers(Vec<Answer>),
    /// One failed, or the connection did. What has happened is not known.
    Failed,
}

impl Line {
    /// Whether answers are awaited.
    pub fn is_waiting(&self) -> bool {
        self.awaited > 0
    }

    /// Sends statements, unless there is no connecting just now.
    pub fn send(&mut self, statements: Vec<Statement>, outside: &mut Outside) {
        if self.session.is_none() {
            self.session = outside.database.connect();
        }
        let Some(session) = self.session else { return };
        self.awaited = statements.len();
        outside.database.send(session, statements);
    }

    /// Hears an answer. After a failure the connection is given up.
    pub fn hear(&mut self, outside: &mut Outside) -> Reply {
        match self.session.map_or(Heard::Broken, |session| outside.database.hear(session)) {
            Heard::Silence => Reply::Silence,
            Heard::Answer(Answer::Failed) | Heard::Broken => {
                self.hang_up(outside);
                Reply::Failed
            }
            Heard::Answer(answer) => {
                self.answers.push(answer);
                if self.answers.len() < self.awaited {
                    return Reply::Silence;
                }
                self.awaited = 0;
                Reply::Answers(std::mem::take(&mut self.answers))
            }
        }
    }

    /// Gives the connection up.
    pub fn hang_up(&mut self, outside: &mut Outside) {
        if let Some(session) = self.session.take() {
            outside.database.cut(session, &mut outside.rng);
        }
        self.answers.clear();
        self.awaited = 0;
    }
}
