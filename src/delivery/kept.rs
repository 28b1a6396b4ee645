//! Small published objects in memory, ready to be sent: for those, opening and reading a file costs as much as all the
//! rest of an answer but the network.
//!
//! What is here is never a reason to serve it. The store is asked for every request, and an object is given out only
//! where the store has just named this very rendition; an object's key is written once and never again.

use crate::{
    ports::store::PublishedRendition,
    upload::{UploadId, rendition::RenditionName},
};
use axum::http::HeaderMap;
use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use std::sync::Arc;

/// The largest object that is kept, in bytes.
pub const LARGEST: u64 = 64 * 1024;
/// All of them together, in bytes.
const CAPACITY: u64 = 32 * 1024 * 1024;
/// Bytes of memory that an object takes besides its own: its headers, its names, its place.
const OVERHEAD: u64 = 2 * 1024;

type Name = (UploadId, RenditionName);

/// An object as its answers need it.
pub struct Object {
    /// What the store said of it.
    pub published: PublishedRendition,
    /// Every header of a whole answer.
    pub head: HeaderMap,
    pub bytes: Bytes,
}

/// The objects asked for most. Copies of an object share its bytes.
pub struct Kept {
    objects: Cache<Name, Arc<Object>, Weight>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Name, Arc<Object>> for Weight {
    fn weight(&self, _: &Name, object: &Arc<Object>) -> u64 {
        object.bytes.len() as u64 + OVERHEAD
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl Kept {
    fn new(capacity: u64) -> Self {
        let objects = usize::try_from(capacity / (LARGEST / 2)).unwrap_or(usize::MAX);
        Self { objects: Cache::with_weighter(objects, capacity, Weight) }
    }

    /// The object, if it is the one that the store names now, to the last of its columns.
    pub fn get(&self, upload: UploadId, published: &PublishedRendition) -> Option<Arc<Object>> {
        let object = self.objects.get(&(upload, published.rendition.name))?;
        (object.published == *published).then_some(object)
    }

    /// Others go for it, where there is no room. Larger ones than [`LARGEST`] are not for this place.
    pub fn insert(&self, upload: UploadId, object: Arc<Object>) {
        self.objects.insert((upload, object.published.rendition.name), object);
    }

    /// An upload that is not published any more; its bytes are not to stay in memory either.
    pub fn forget(&self, upload: UploadId) {
        for name in RenditionName::ALL {
            self.objects.remove(&(upload, name));
        }
    }

    /// Bytes of memory in use, roughly.
    pub fn bytes(&self) -> u64 {
        self.objects.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::rendition::Rendition;

    fn id(n: u8) -> UploadId {
        UploadId::new(jiff::Timestamp::UNIX_EPOCH, &[n; 10])
    }

    fn published(key: &str, name: RenditionName) -> PublishedRendition {
        let rendition = Rendition {
            name,
            key: key.to_owned(),
            media_type: "image/png".to_owned(),
            sha256: "aa".to_owned(),
            size: 1000,
            width: None,
            height: None,
        };
        PublishedRendition { rendition, filename: Some("a.png".to_owned()) }
    }

    fn object(published: PublishedRendition, bytes: usize) -> Arc<Object> {
        Arc::new(Object { published, head: HeaderMap::new(), bytes: Bytes::from(vec![7; bytes]) })
    }

    #[test]
    fn an_object_is_given_only_for_what_the_store_says_of_it() {
        let kept = Kept::default();
        let said = published("k/1/original", RenditionName::Original);
        kept.insert(id(1), object(said.clone(), 1000));
        assert!(kept.get(id(1), &said).is_some());
        assert!(kept.get(id(2), &said).is_none());
        let change = |change: &dyn Fn(&mut PublishedRendition)| {
            let mut other = said.clone();
            change(&mut other);
            kept.get(id(1), &other)
        };
        assert!(change(&|_| {}).is_some());
        assert!(change(&|p| p.rendition.key = "k/2/original".into()).is_none(), "published again");
        assert!(change(&|p| p.rendition.sha256 = "bb".into()).is_none());
        assert!(change(&|p| p.rendition.size = 1001).is_none());
        assert!(change(&|p| p.rendition.media_type = "image/gif".into()).is_none());
        assert!(change(&|p| p.rendition.name = RenditionName::Thumbnail).is_none());
        assert!(change(&|p| p.filename = None).is_none());
    }

    #[test]
    fn bytes_are_counted_and_bounded() {
        let capacity = 1024 * 1024;
        let kept = Kept::new(capacity);
        let one = LARGEST + OVERHEAD;
        for n in 1..=200 {
            let said = published("k", RenditionName::Original);
            kept.insert(id(n), object(said, LARGEST as usize));
            assert!(kept.bytes() <= capacity, "{} after {n}", kept.bytes());
            assert_eq!(kept.bytes() % one, 0, "whole objects");
            assert_eq!(kept.bytes(), kept.objects.len() as u64 * one);
        }
        assert!(kept.bytes() > capacity / 2, "{} is hardly anything", kept.bytes());
    }

    #[test]
    fn all_renditions_of_an_upload_are_forgotten() {
        let kept = Kept::default();
        for n in [1, 2] {
            for name in RenditionName::ALL {
                kept.insert(id(n), object(published("k", name), 10));
            }
        }
        kept.forget(id(1));
        for name in RenditionName::ALL {
            assert!(kept.get(id(1), &published("k", name)).is_none());
            assert!(kept.get(id(2), &published("k", name)).is_some());
        }
        kept.forget(id(2));
        assert_eq!(kept.bytes(), 0);
    }
}
