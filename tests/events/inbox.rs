//! A queue of letters: what was not answered well comes again, and the answers are remembered.

use async_trait::async_trait;
use lazaret::ports::{
    Inbox, Result,
    inbox::{Letter, Receipt},
    publisher::Lane,
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub body: String,
    pub content_type: Option<String>,
    pub user: Option<String>,
    pub redelivered: u64,
    pub failures: u64,
    pub lane: Lane,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Acked,
    Delayed(Duration),
    Moved,
    /// Let go of without an answer.
    Dropped,
    Buried {
        code: String,
        detail: String,
    },
}

pub struct Letters {
    line: UnboundedSender<Post>,
    next: tokio::sync::Mutex<UnboundedReceiver<Post>>,
    answers: Arc<Mutex<Vec<(Post, Answer)>>>,
    gone: Mutex<CancellationToken>,
    /// Letters that were received.
    pub given: AtomicUsize,
}

impl Letters {
    pub fn new() -> Arc<Self> {
        let (line, next) = unbounded_channel();
        Arc::new(Self {
            line,
            next: next.into(),
            answers: Arc::default(),
            gone: Mutex::default(),
            given: AtomicUsize::default(),
        })
    }

    pub fn send(&self, body: &str) {
        self.send_as(None, body);
    }

    pub fn send_as(&self, user: Option<&str>, body: &str) {
        let user = user.map(str::to_owned);
        self.line
            .send(Post {
                body: body.into(),
                content_type: None,
                user,
                redelivered: 0,
                failures: 0,
                lane: Lane::Main,
            })
            .unwrap();
    }

    pub fn acked(&self) -> usize {
        self.answers.lock().unwrap().iter().filter(|(_, answer)| *answer == Answer::Acked).count()
    }

    /// The connection is lost: what is unanswered is the broker's again.
    pub fn lose(&self) {
        std::mem::take(&mut *self.gone.lock().unwrap()).cancel();
    }

    pub fn dropped(&self) -> usize {
        self.answers.lock().unwrap().iter().filter(|(_, answer)| *answer == Answer::Dropped).count()
    }

    pub fn moved(&self) -> usize {
        self.answers.lock().unwrap().iter().filter(|(_, answer)| *answer == Answer::Moved).count()
    }

    pub fn delayed(&self) -> usize {
        self.answers.lock().unwrap().iter().filter(|(_, a)| matches!(a, Answer::Delayed(_))).count()
    }

    /// Codes of what was buried, in order.
    pub fn buried(&self) -> Vec<String> {
        let code = |answer: &Answer| match answer {
            Answer::Buried { code, .. } => Some(code.clone()),
            _ => None,
        };
        self.answers.lock().unwrap().iter().filter_map(|(_, answer)| code(answer)).collect()
    }

    pub fn details(&self) -> String {
        format!("{:?}", self.answers.lock().unwrap())
    }
}

#[async_trait]
impl Inbox for Letters {
    async fn receive(&self) -> Result<Letter> {
        let post = self.next.lock().await.recv().await.unwrap();
        self.given.fetch_add(1, Ordering::SeqCst);
        let (line, answers) = (self.line.clone(), self.answers.clone());
        Ok(Letter {
            body: post.body.clone().into_bytes(),
            content_type: post.content_type.clone(),
            user: post.user.clone(),
            at: None,
            redelivered: post.redelivered,
            failures: post.failures,
            lane: post.lane,
            gone: self.gone.lock().unwrap().clone(),
            receipt: Box::new(Slip { post: Some(post), line, answers }),
        })
    }
}

struct Slip {
    /// Until it is answered.
    post: Option<Post>,
    line: UnboundedSender<Post>,
    answers: Arc<Mutex<Vec<(Post, Answer)>>>,
}

impl Slip {
    fn answered(&mut self, answer: Answer) -> Post {
        let post = self.post.take().expect("one answer");
        self.answers.lock().unwrap().push((post.clone(), answer));
        post
    }
}

impl Drop for Slip {
    fn drop(&mut self) {
        if self.post.is_some() {
            self.answered(Answer::Dropped);
        }
    }
}

#[async_trait]
impl Receipt for Slip {
    async fn ack(mut self: Box<Self>) -> Result<()> {
        self.answered(Answer::Acked);
        Ok(())
    }

    async fn nack(mut self: Box<Self>, delay: Duration, failures: u64) -> Result<()> {
        let (post, line) = (self.answered(Answer::Delayed(delay)), self.line.clone());
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let _ = line.send(Post { redelivered: post.redelivered + 1, failures, ..post });
        });
        Ok(())
    }

    async fn stand_in(mut self: Box<Self>, lane: Lane) -> Result<()> {
        let post = self.answered(Answer::Moved);
        let _ = self.line.send(Post { lane, ..post });
        Ok(())
    }

    async fn bury(mut self: Box<Self>, code: &str, detail: &str) -> Result<()> {
        self.answered(Answer::Buried { code: code.into(), detail: detail.into() });
        Ok(())
    }
}
