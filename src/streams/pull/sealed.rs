//! URLs of sources at rest: they may hold a password or a stream's key, and are sealed where there is a key for that.

use super::trouble::Trouble;
use crate::{
    access::{Vault, vault::is_sealed},
    ports::{self, streams::Source},
    upload::StreamId,
};

fn owner(id: StreamId) -> String {
    format!("stream {id}")
}

pub fn seal(vault: Option<&Vault>, id: StreamId, url: String) -> ports::Result<Source> {
    Ok(match vault {
        Some(vault) => vault.seal(&owner(id), &url)?.into(),
        None => url.into(),
    })
}

/// The URL; one from before there was a key comes as it is.
pub fn open(vault: Option<&Vault>, id: StreamId, source: &Source) -> Result<String, Trouble> {
    let stored = source.reveal();
    match vault {
        Some(vault) => {
            vault.open(&owner(id), stored).map_err(|e| Trouble::new("source.sealed", e.to_string()))
        }
        None if is_sealed(stored) => Err(Trouble::new(
            "source.sealed",
            "its URL is sealed, and this process has no console.key to open it",
        )),
        None => Ok(stored.to_owned()),
    }
}

/// Under the key of now, if it is not so already and can be opened.
pub fn reseal(vault: Option<&Vault>, id: StreamId, source: &Source) -> Option<Source> {
    vault?.reseal(&owner(id), source.reveal()).ok().flatten().map(Source::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_opens_for_its_stream_under_the_key_alone() {
        let (vault, other) = (Vault::new(&[7; 32]).unwrap(), Vault::new(&[8; 32]).unwrap());
        let ids = [1, 2].map(|n| StreamId::new(jiff::Timestamp::UNIX_EPOCH, &[n; 10]));
        let url = "rtsp://me:secret@example.com/cam";
        let sealed = seal(Some(&vault), ids[0], url.to_owned()).unwrap();
        assert!(!sealed.reveal().contains("secret"));
        assert_eq!(open(Some(&vault), ids[0], &sealed).unwrap(), url);
        for (vault, id) in [(Some(&other), ids[0]), (Some(&vault), ids[1]), (None, ids[0])] {
            assert_eq!(open(vault, id, &sealed).unwrap_err().code, "source.sealed");
        }
        let next = Vault::new(&[8; 32]).unwrap().with_previous([&[7; 32]]).unwrap();
        let anew = reseal(Some(&next), ids[0], &sealed).expect("it is under the key of before");
        assert_eq!(open(Some(&other), ids[0], &anew).unwrap(), url);
        assert!(
            reseal(Some(&next), ids[0], &anew).is_none() && reseal(Some(&other), ids[0], &sealed).is_none()
        );
        let plain = seal(None, ids[0], url.to_owned()).unwrap();
        assert_eq!(
            (open(None, ids[0], &plain).unwrap(), open(Some(&vault), ids[0], &plain).unwrap()),
            (url.into(), url.into())
        );
    }
}
