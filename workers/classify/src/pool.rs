//! Threads that each own their sessions, behind one bounded queue.

use crate::error::ScoreError;
use lazaret_report::{Unavailable, Why};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// What one thread owns: it takes `&mut self`, so there is one for each thread.
pub(crate) trait Worker {
    fn score(&mut self, model: usize, pixels: Vec<f32>) -> Result<Vec<f32>, Why>;
}

struct Job {
    model: usize,
    pixels: Vec<f32>,
    reply: oneshot::Sender<Result<Vec<f32>, ScoreError>>,
}

type Queue = Arc<Mutex<mpsc::Receiver<Job>>>;

pub(crate) struct Pool {
    jobs: Option<mpsc::Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// Jobs that wait for each thread: enough to keep it busy, and few, as a job holds a whole picture in floats.
const WAITING: usize = 2;

impl Pool {
    /// Blocks until every thread has made its worker; fails when any could not.
    pub(crate) fn start<W, F>(threads: usize, make: F) -> Result<Self, Unavailable>
    where
        W: Worker,
        F: Fn() -> Result<W, Unavailable> + Send + Sync + 'static,
    {
        let threads = threads.max(1);
        let (jobs, queue) = mpsc::channel(threads * WAITING);
        let queue: Queue = Arc::new(Mutex::new(queue));
        let make = Arc::new(make);
        let (ready, made) = std::sync::mpsc::channel();
        let mut pool = Self { jobs: Some(jobs), threads: Vec::new() };
        for index in 0..threads {
            let (queue, make, ready) = (Arc::clone(&queue), Arc::clone(&make), ready.clone());
            let thread = std::thread::Builder::new()
                .name(format!("classify-{index}"))
                .spawn(move || match make() {
                    Ok(worker) => {
                        // The receiver is gone when another thread has failed already.
                        let wanted = ready.send(Ok(())).is_ok();
                        // So that the start learns of a thread that panics while it loads, and does not wait for it.
                        drop(ready);
                        if wanted {
                            work(&queue, worker, make.as_ref());
                        }
                    }
                    Err(unavailable) => drop(ready.send(Err(unavailable))),
                })
                .map_err(|error| {
                    Unavailable::new("classify", format!("no thread can be started: {error}"))
                })?;
            pool.threads.push(thread);
        }
        drop(ready);
        for _ in 0..threads {
            made.recv()
                .unwrap_or_else(|_| Err(Unavailable::new("classify", "a thread ended while it loaded")))?;
        }
        Ok(pool)
    }

    pub(crate) fn health(&self) -> Result<(), Unavailable> {
        match &self.jobs {
            Some(jobs) if !jobs.is_closed() => Ok(()),
            _ => Err(ended()),
        }
    }

    /// Waits for room in the queue. A caller that goes away takes its job along, unless it has begun.
    pub(crate) async fn score(&self, model: usize, pixels: Vec<f32>) -> Result<Vec<f32>, ScoreError> {
        let jobs = self.jobs.as_ref().ok_or_else(ended)?;
        let (reply, answer) = oneshot::channel();
        jobs.send(Job { model, pixels, reply }).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

impl Drop for Pool {
    /// Waits for the threads, so that no session runs while the runtime is being unloaded at the process's end.
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A panic of its own has been reported already.
            let _ = thread.join();
        }
    }
}

fn ended() -> Unavailable {
    Unavailable::new("classify", "its threads have ended; restart the service and look in its log")
}

fn work<W: Worker>(queue: &Queue, mut worker: W, make: &dyn Fn() -> Result<W, Unavailable>) {
    loop {
        // One thread waits for the next job, and the others for it: the lock is held for no longer.
        let job = queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).blocking_recv();
        let Some(Job { model, pixels, reply }) = job else { return };
        if reply.is_closed() {
            continue;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| worker.score(model, pixels)));
        let crashed = outcome.is_err();
        let answer = match outcome {
            Ok(scored) => scored.map_err(ScoreError::Failed),
            Err(_) => Err(ScoreError::failed("model.crashed", "the model's thread panicked on this picture")),
        };
        // The caller may have gone away.
        let _ = reply.send(answer);
        if crashed {
            // Nobody knows in what state a session is after a panic.
            worker = match make() {
                Ok(fresh) => fresh,
                Err(unavailable) => {
                    tracing::error!(error = %unavailable, "a classifier thread ends: its models cannot be loaded again");
                    return;
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Echoes the pixels; panics where the model is 9.
    struct Echo;

    impl Worker for Echo {
        fn score(&mut self, model: usize, pixels: Vec<f32>) -> Result<Vec<f32>, Why> {
            assert_ne!(model, 9, "told to panic");
            if model == 1 { Err(Why::new("model.output", "told to fail")) } else { Ok(pixels) }
        }
    }

    #[tokio::test]
    async fn a_panic_costs_one_picture_and_the_worker_is_made_anew() {
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let pool = Pool::start(1, move || {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Echo)
        })
        .unwrap();
        assert_eq!(pool.score(0, vec![1.0]).await, Ok(vec![1.0]));
        let ScoreError::Failed(why) = pool.score(9, vec![1.0]).await.unwrap_err() else {
            panic!("not the file's")
        };
        assert_eq!(why.code, "model.crashed");
        assert_eq!(pool.score(0, vec![2.0]).await, Ok(vec![2.0]));
        assert_eq!(pool.score(1, vec![2.0]).await, Err(ScoreError::failed("model.output", "told to fail")));
        assert_eq!(made.load(Ordering::SeqCst), 2);
        assert_eq!(pool.health(), Ok(()));
    }

    #[tokio::test]
    async fn when_the_last_thread_ends_the_engine_is_unavailable() {
        let made = AtomicUsize::new(0);
        let pool = Pool::start(1, move || match made.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(Echo),
            _ => Err(Unavailable::new("test", "the model is gone")),
        })
        .unwrap();
        assert!(matches!(pool.score(9, vec![]).await, Err(ScoreError::Failed(_))));
        // Whether it is still in the queue or comes too late: it never hangs, and is never scored.
        assert!(matches!(pool.score(0, vec![]).await, Err(ScoreError::Unavailable(_))));
        assert!(pool.health().is_err());
    }

    #[test]
    fn one_thread_that_cannot_load_stops_the_start() {
        let made = AtomicUsize::new(0);
        let started = Pool::start(3, move || match made.fetch_add(1, Ordering::SeqCst) {
            1 => Err(Unavailable::new("test", "the second fails")),
            _ => Ok(Echo),
        });
        assert_eq!(started.err(), Some(Unavailable::new("test", "the second fails")));
    }

    #[test]
    fn one_thread_that_panics_while_it_loads_stops_the_start() {
        let made = AtomicUsize::new(0);
        let started = Pool::start(3, move || {
            assert_ne!(made.fetch_add(1, Ordering::SeqCst), 1, "told to panic");
            Ok(Echo)
        });
        assert!(started.err().unwrap().why.contains("ended while it loaded"));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_callers_get_their_own_answers() {
        let pool = Arc::new(Pool::start(2, || Ok(Echo)).unwrap());
        let tasks: Vec<_> = (0..64)
            .map(|n| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.score(0, vec![n as f32]).await })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), Ok(vec![n as f32]));
        }
    }
}
