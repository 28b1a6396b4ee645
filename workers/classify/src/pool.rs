//! Threads that each own their sessions, behind two bounded queues: what is urgent goes first.

use crate::answer::Answer;
use crate::error::ScoreError;
use lazaret_report::{Unavailable, Why};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

/// What one thread owns: it takes `&mut self`, so there is one for each thread.
pub(crate) trait Worker {
    fn score(&mut self, model: usize, pixels: Vec<f32>) -> Result<Answer, Why>;
}

struct Job {
    model: usize,
    pixels: Vec<f32>,
    reply: oneshot::Sender<Result<Answer, ScoreError>>,
}

/// Which queue a picture waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Before all others.
    Urgent,
    Usual,
}

struct Senders {
    urgent: mpsc::Sender<Job>,
    usual: mpsc::Sender<Job>,
}

struct Receivers {
    urgent: mpsc::Receiver<Job>,
    usual: mpsc::Receiver<Job>,
}

impl Receivers {
    /// `None` when nobody can send any more.
    async fn next(&mut self) -> Option<Job> {
        tokio::select! {
            biased;
            Some(job) = self.urgent.recv() => Some(job),
            Some(job) = self.usual.recv() => Some(job),
            else => None,
        }
    }
}

type Queue = Arc<Mutex<Receivers>>;

pub(crate) struct Pool {
    jobs: Option<Senders>,
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
        let ((urgent, first), (usual, second)) =
            (mpsc::channel(threads * WAITING), mpsc::channel(threads * WAITING));
        let queue: Queue = Arc::new(Mutex::new(Receivers { urgent: first, usual: second }));
        let make = Arc::new(make);
        let (ready, made) = std::sync::mpsc::channel();
        let mut pool = Self { jobs: Some(Senders { urgent, usual }), threads: Vec::new() };
        for index in 0..threads {
            let (queue, make, ready) = (Arc::clone(&queue), Arc::clone(&make), ready.clone());
            // It waits for jobs and nothing else.
            let waiting = tokio::runtime::Builder::new_current_thread()
                .build()
                .map_err(|error| Unavailable::new("classify", format!("no runtime can be made: {error}")))?;
            let thread = std::thread::Builder::new()
                .name(format!("classify-{index}"))
                .spawn(move || match make() {
                    Ok(worker) => {
                        // The receiver is gone when another thread has failed already.
                        let wanted = ready.send(Ok(())).is_ok();
                        // So that the start learns of a thread that panics while it loads, and does not wait for it.
                        drop(ready);
                        if wanted {
                            work(&queue, &waiting, worker, make.as_ref());
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
            Some(jobs) if !jobs.usual.is_closed() => Ok(()),
            _ => Err(ended()),
        }
    }

    /// Waits for room in the queue. A caller that goes away takes its job along, unless it has begun.
    pub(crate) async fn score(
        &self,
        lane: Lane,
        model: usize,
        pixels: Vec<f32>,
    ) -> Result<Answer, ScoreError> {
        let jobs = self.jobs.as_ref().ok_or_else(ended)?;
        let jobs = match lane {
            Lane::Urgent => &jobs.urgent,
            Lane::Usual => &jobs.usual,
        };
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

fn work<W: Worker>(
    queue: &Queue,
    waiting: &Runtime,
    mut worker: W,
    make: &dyn Fn() -> Result<W, Unavailable>,
) {
    loop {
        // One thread waits for the next job, and the others for it: the lock is held for no longer.
        let mut first = queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let job = waiting.block_on(first.next());
        drop(first);
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
    use std::task::{Context, Waker};

    /// Echoes the pixels; panics where the model is 9.
    struct Echo;

    impl Worker for Echo {
        fn score(&mut self, model: usize, pixels: Vec<f32>) -> Result<Answer, Why> {
            assert_ne!(model, 9, "told to panic");
            if model == 1 { Err(Why::new("model.output", "told to fail")) } else { Ok(pixels.into()) }
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
        assert_eq!(pool.score(Lane::Usual, 0, vec![1.0]).await, Ok(vec![1.0].into()));
        let ScoreError::Failed(why) = pool.score(Lane::Usual, 9, vec![1.0]).await.unwrap_err() else {
            panic!("not the file's")
        };
        assert_eq!(why.code, "model.crashed");
        assert_eq!(pool.score(Lane::Usual, 0, vec![2.0]).await, Ok(vec![2.0].into()));
        assert_eq!(
            pool.score(Lane::Usual, 1, vec![2.0]).await,
            Err(ScoreError::failed("model.output", "told to fail"))
        );
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
        assert!(matches!(pool.score(Lane::Usual, 9, vec![]).await, Err(ScoreError::Failed(_))));
        // Whether it is still in the queue or comes too late: it never hangs, and is never scored.
        assert!(matches!(pool.score(Lane::Usual, 0, vec![]).await, Err(ScoreError::Unavailable(_))));
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
                tokio::spawn(async move { pool.score(Lane::Usual, 0, vec![n as f32]).await })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), Ok(vec![n as f32].into()));
        }
    }

    /// Tells whom it served, in order; waits for a word before it serves the first.
    struct Slow(std::sync::mpsc::Receiver<()>, Arc<Mutex<Vec<f32>>>);

    impl Worker for Slow {
        fn score(&mut self, model: usize, pixels: Vec<f32>) -> Result<Answer, Why> {
            if model == 0 {
                self.0.recv().unwrap();
            }
            self.1.lock().unwrap().push(pixels[0]);
            Ok(pixels.into())
        }
    }

    #[tokio::test]
    async fn what_is_urgent_goes_before_what_waits_already() {
        let (go, gate) = std::sync::mpsc::channel();
        let (gate, served) = (Mutex::new(Some(gate)), Arc::<Mutex<Vec<f32>>>::default());
        let kept = Arc::clone(&served);
        let make = move || Ok(Slow(gate.lock().unwrap().take().unwrap(), Arc::clone(&kept)));
        let pool = Pool::start(1, make).unwrap();
        let ask = |lane, model, n: f32| Box::pin(pool.score(lane, model, vec![n]));
        let mut first = ask(Lane::Usual, 0, 0.0);
        let mut second = ask(Lane::Usual, 1, 1.0);
        let mut urgent = ask(Lane::Urgent, 1, 2.0);
        // Each is in its queue once it was polled.
        for waiting in [&mut first, &mut second, &mut urgent] {
            let mut context = Context::from_waker(Waker::noop());
            assert!(waiting.as_mut().poll(&mut context).is_pending());
        }
        go.send(()).unwrap();
        for waiting in [first, second, urgent] {
            waiting.await.unwrap();
        }
        let served = served.lock().unwrap().clone();
        // The thread may have taken the first before the urgent one came.
        assert!(served == [0.0, 2.0, 1.0] || served == [2.0, 0.0, 1.0], "{served:?}");
    }
}
