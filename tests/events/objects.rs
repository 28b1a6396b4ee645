//! Buckets in memory, with objects that fail as the test says.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use lazaret::ports::{
    Kind, PortError, Result, Sources,
    sources::{Object, ObjectRef},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

#[derive(Debug, Clone)]
pub enum Fate {
    Bytes(Vec<u8>),
    /// So many times, and then these bytes.
    Trouble(Kind, u32, Vec<u8>),
    /// So many times it is not there yet.
    Late(u32, Vec<u8>),
    Hangs,
    Panics,
}

#[derive(Default)]
pub struct Buckets {
    objects: Mutex<HashMap<String, Fate>>,
    pub opened: Mutex<u32>,
}

impl Buckets {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// `place` is `bucket/key`.
    pub fn put(&self, place: &str, fate: Fate) {
        self.objects.lock().unwrap().insert(place.to_owned(), fate);
    }

    fn fate(&self, place: &str) -> Option<Fate> {
        let mut objects = self.objects.lock().unwrap();
        let fate = objects.get_mut(place)?;
        let now = fate.clone();
        match fate {
            Fate::Trouble(_, 0, bytes) | Fate::Late(0, bytes) => *fate = Fate::Bytes(std::mem::take(bytes)),
            Fate::Trouble(_, times, _) | Fate::Late(times, _) => *times -= 1,
            _ => {}
        }
        Some(now)
    }
}

#[async_trait]
impl Sources for Buckets {
    async fn open(&self, object: &ObjectRef) -> Result<Option<Object>> {
        *self.opened.lock().unwrap() += 1;
        let bytes = match self.fate(&format!("{}/{}", object.bucket, object.key)) {
            None | Some(Fate::Late(1.., _)) => return Ok(None),
            Some(Fate::Trouble(kind, 1.., _)) => return Err(PortError::new(kind, "S3 is in trouble")),
            Some(Fate::Hangs) => std::future::pending().await,
            Some(Fate::Panics) => panic!("a bug, for the test"),
            Some(Fate::Bytes(bytes) | Fate::Trouble(_, 0, bytes) | Fate::Late(0, bytes)) => bytes,
        };
        let pieces: Vec<_> = bytes.chunks(4).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let size = bytes.len() as u64;
        Ok(Some(Object { size, media_type: None, bytes: stream::iter(pieces).boxed() }))
    }
}
