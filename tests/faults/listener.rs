//! Who hears the verdicts: a backend with a queue of its own.

use crate::mail::Mail;
use lapin::options::BasicAckOptions;
use serde_json::Value;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinHandle;

const QUEUE: &str = "backend";
const KINDS: [&str; 4] = ["upload.published", "upload.review", "upload.quarantined", "upload.erased"];

pub struct Listener {
    heard: Arc<Mutex<Vec<Value>>>,
    task: JoinHandle<()>,
}

impl Listener {
    pub async fn start(url: &str) -> Self {
        let mail = Mail::new(url);
        mail.listen(QUEUE, &KINDS).await;
        let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
        let task = tokio::spawn({
            let heard = Arc::clone(&heard);
            async move {
                loop {
                    match mail.get(QUEUE).await {
                        Ok(Some(message)) => {
                            let event =
                                serde_json::from_slice(&message.delivery.data).expect("an event is JSON");
                            heard.lock().unwrap().push(event);
                            // One that is lost comes again.
                            let _ = message.delivery.acker.ack(BasicAckOptions::default()).await;
                        }
                        _ => tokio::time::sleep(Duration::from_millis(100)).await,
                    }
                }
            }
        });
        Self { heard, task }
    }

    /// All events so far, repeats too.
    pub fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}
