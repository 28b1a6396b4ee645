//! Messages of work that have come, until a receiver takes them; and which ids are out.

use super::{lanes::Turns, message::Message, topology::BULK};
use crate::{ports::publisher::Lane, upload::UploadId};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::Notify, time::Instant};

#[derive(Default)]
pub(super) struct Shelf {
    things: Mutex<Things>,
    more: Notify,
}

type Item = (UploadId, Message);

#[derive(Default)]
struct Things {
    main: VecDeque<Item>,
    bulk: VecDeque<Item>,
    turns: Turns,
    /// With the messages that came for the same id meanwhile: they may tell of newer work, so they wait.
    out: HashMap<UploadId, Vec<Message>>,
}

impl Things {
    fn lane(&mut self, lane: Lane) -> &mut VecDeque<Item> {
        match lane {
            Lane::Main => &mut self.main,
            Lane::Bulk => &mut self.bulk,
        }
    }

    fn lane_of(&mut self, message: &Message) -> &mut VecDeque<Item> {
        self.lane(if message.queue == BULK { Lane::Bulk } else { Lane::Main })
    }
}

impl Shelf {
    /// Nothing here can panic half-way through a change.
    fn lock(&self) -> MutexGuard<'_, Things> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn put(&self, upload: UploadId, message: Message) {
        self.lock().lane_of(&message).push_back((upload, message));
        self.more.notify_one();
    }

    /// Cancel-safe: what is taken is returned without waiting in between.
    pub async fn next(&self) -> Item {
        loop {
            if let Some(item) = self.take() {
                return item;
            }
            self.more.notified().await;
        }
    }

    fn take(&self) -> Option<Item> {
        let mut things = self.lock();
        loop {
            let (main, bulk) = (!things.main.is_empty(), !things.bulk.is_empty());
            let lane = things.turns.next(main, bulk)?;
            let Some((upload, message)) = things.lane(lane).pop_front() else { continue };
            if !message.is_ours() {
                continue;
            }
            if let Some(waiting) = things.out.get_mut(&upload) {
                waiting.push(message);
                continue;
            }
            things.out.insert(upload, Vec::new());
            if !things.main.is_empty() || !things.bulk.is_empty() {
                // One arrival wakes one receiver, and two that came at once are one permit.
                self.more.notify_one();
            }
            return Some((upload, message));
        }
    }

    /// The id may be handed out again.
    pub fn release(&self, upload: UploadId) {
        let mut things = self.lock();
        for message in things.out.remove(&upload).into_iter().flatten() {
            things.lane_of(&message).push_back((upload, message));
            self.more.notify_one();
        }
    }

    /// What came before then and waits here, those that wait for their id as well.
    pub fn take_older(&self, before: Instant) -> Vec<Message> {
        let mut things = self.lock();
        let Things { main, bulk, out, .. } = &mut *things;
        let is_older = |message: &Message| message.came < before;
        let mut older = Vec::new();
        for lane in [main, bulk] {
            let all = std::mem::take(lane).into_iter();
            let (took, kept): (VecDeque<Item>, _) = all.partition(|(_, message)| is_older(message));
            *lane = kept;
            older.extend(took.into_iter().map(|(_, message)| message));
        }
        for waiting in out.values_mut() {
            older.extend(waiting.extract_if(.., |message| is_older(message)));
        }
        older
    }

    /// Forgets what is the broker's again. What is out stays out until it is answered.
    pub fn clear(&self) {
        let mut things = self.lock();
        things.main.clear();
        things.bulk.clear();
        things.out.values_mut().for_each(Vec::clear);
    }
}
