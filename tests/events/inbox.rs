//! A queue of letters: what was not answered well comes again, and the answers are remembered.

use async_trait::async_trait;
use lazaret::ports::{
    Inbox, Result,
    inbox::{Letter, Receipt},
    publisher::Lane,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

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
    Buried { code: String, detail: String },
}

pub struct Letters {
    line: UnboundedSender<Post>,
    next: tokio::sync::Mutex<UnboundedReceiver<Post>>,
    answers: Arc<Mutex<Vec<(Post, Answer)>>>,
}

impl Letters {
    pub fn new() -> Arc<Self> {
        let (line, next) = unbounded_channel();
        Arc::new(Self { line, next: next.into(), answers: Arc::default() })
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
        let (line, answers) = (self.line.clone(), self.answers.clone());
        Ok(Letter {
            body: post.body.clone().into_bytes(),
            content_type: post.content_type.clone(),
            user: post.user.clone(),
            at: None,
            redelivered: post.redelivered,
            failures: post.failures,
            lane: post.lane,
            receipt: Box::new(Slip { post, line, answers }),
        })
    }
}

struct Slip {
    post: Post,
    line: UnboundedSender<Post>,
    answers: Arc<Mutex<Vec<(Post, Answer)>>>,
}

#[async_trait]
impl Receipt for Slip {
    async fn ack(self: Box<Self>) -> Result<()> {
        self.answers.lock().unwrap().push((self.post, Answer::Acked));
        Ok(())
    }

    async fn nack(self: Box<Self>, delay: Duration, failures: u64) -> Result<()> {
        self.answers.lock().unwrap().push((self.post.clone(), Answer::Delayed(delay)));
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let again = Post { redelivered: self.post.redelivered + 1, failures, ..self.post };
            let _ = self.line.send(again);
        });
        Ok(())
    }

    async fn stand_in(self: Box<Self>, lane: Lane) -> Result<()> {
        self.answers.lock().unwrap().push((self.post.clone(), Answer::Moved));
        let _ = self.line.send(Post { lane, ..self.post });
        Ok(())
    }

    async fn bury(self: Box<Self>, code: &str, detail: &str) -> Result<()> {
        let answer = Answer::Buried { code: code.into(), detail: detail.into() };
        self.answers.lock().unwrap().push((self.post, answer));
        Ok(())
    }
}
