//! Blobs and stores that fail as the test says, and else do what the real ones do.

use async_trait::async_trait;
use lazaret::ports::{
    Blobs, Kind, PortError, Result,
    blobs::{Key, Zone},
};
use std::{
    fs::File,
    sync::{Arc, Mutex},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Spools are made where every write finds the disk full.
    SpoolFull,
    Put(Kind),
    /// So many bytes are free.
    Free(u64),
}

pub struct FaultyBlobs {
    pub real: Arc<dyn Blobs>,
    pub fault: Mutex<Option<Fault>>,
}

impl FaultyBlobs {
    pub fn new(real: Arc<dyn Blobs>) -> Arc<Self> {
        Arc::new(Self { real, fault: Mutex::new(None) })
    }

    pub fn set(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    fn now(&self) -> Option<Fault> {
        *self.fault.lock().unwrap()
    }
}

#[async_trait]
impl Blobs for FaultyBlobs {
    async fn spool(&self) -> Result<File> {
        match self.now() {
            Some(Fault::SpoolFull) => Ok(File::options().write(true).open("/dev/full")?),
            _ => self.real.spool().await,
        }
    }

    async fn put(&self, zone: Zone, key: &Key, spool: &File) -> Result<()> {
        match self.now() {
            Some(Fault::Put(kind)) => Err(PortError::new(kind, "a secret detail of the disk")),
            _ => self.real.put(zone, key, spool).await,
        }
    }

    async fn open(&self, zone: Zone, key: &Key) -> Result<Option<File>> {
        self.real.open(zone, key).await
    }

    async fn remove(&self, zone: Zone, key: &Key) -> Result<()> {
        self.real.remove(zone, key).await
    }

    async fn list(&self, zone: Zone, after: &str, limit: usize) -> Result<Vec<String>> {
        self.real.list(zone, after, limit).await
    }

    async fn free_bytes(&self) -> Result<Option<u64>> {
        match self.now() {
            Some(Fault::Free(bytes)) => Ok(Some(bytes)),
            _ => self.real.free_bytes().await,
        }
    }
}
