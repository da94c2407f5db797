//! Requests whose answer a script works out while they wait.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::sync::{Notify, oneshot};

use super::interception::{InterceptedCall, InterceptionAnswer};

/// A script that does not say anything for so long lets the request go its way.
const LIMIT: Duration = Duration::from_secs(5);
/// Requests that may wait for a script at the same time; more go their way.
const MOST: usize = 100;

/// What a script is asked.
#[derive(Debug, Serialize)]
pub struct Question {
    pub id: u64,
    /// Of the answer that it has given instead of a fixed one.
    pub token: u64,
    pub call: InterceptedCall,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    questions: VecDeque<Question>,
    replies: HashMap<u64, oneshot::Sender<Option<InterceptionAnswer>>>,
}

/// The requests that wait; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Questions {
    waiting: Arc<Mutex<Waiting>>,
    asked: Arc<Notify>,
}

impl Questions {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the script says; none: the request goes its way.
    pub(super) async fn ask(
        &self,
        token: u64,
        call: InterceptedCall,
    ) -> Option<InterceptionAnswer> {
        let (reply, answer) = oneshot::channel();
        let id = {
            let mut waiting = self.lock();
            if waiting.replies.len() >= MOST {
                return None;
            }
            waiting.next += 1;
            let id = waiting.next;
            waiting.replies.insert(id, reply);
            waiting.questions.push_back(Question { id, token, call });
            id
        };
        self.asked.notify_one();
        let answer = tokio::time::timeout(LIMIT, answer).await;
        let mut waiting = self.lock();
        waiting.replies.remove(&id);
        waiting.questions.retain(|question| question.id != id);
        answer.ok()?.ok()?
    }

    /// The next one, as soon as there is one.
    pub(super) async fn next(&self) -> Question {
        loop {
            let asked = self.asked.notified();
            if let Some(question) = self.lock().questions.pop_front() {
                return question;
            }
            asked.await;
        }
    }

    pub(super) fn reply(&self, id: u64, answer: Option<InterceptionAnswer>) {
        if let Some(reply) = self.lock().replies.remove(&id) {
            reply.send(answer).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_waits_for_its_own_answer() {
        let questions = Questions::default();
        let abort = InterceptionAnswer::Abort {
            reason: "Failed".to_owned(),
        };
        let script = async {
            let first = questions.next().await;
            let second = questions.next().await;
            questions.reply(second.id, None);
            questions.reply(first.id, Some(abort.clone()));
            (first.token, second.token)
        };
        let (one, other, tokens) = tokio::join!(
            questions.ask(7, InterceptedCall::default()),
            questions.ask(8, InterceptedCall::default()),
            script,
        );
        assert_eq!((one, other, tokens), (Some(abort), None, (7, 8)));
    }
}
