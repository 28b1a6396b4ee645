//! Members on their way from the child to the checks: all of an archive in one file without a name, then each in a file
//! of its own. No child is held while members are looked at, or two uploads could wait for each other's for ever.

use crate::pipeline::sha256_of;
use lazaret_sandbox::Member;
use std::{fs::File, io, os::unix::fs::FileExt, path::Path, sync::Arc};

const CHUNK: usize = 256 << 10;

/// A new file without a name.
pub(super) async fn new(folder: &Path) -> io::Result<File> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || tempfile::tempfile_in(folder)).await.map_err(io::Error::other)?
}

/// One member, in a file of its own.
pub(super) struct Own {
    pub(super) file: File,
    pub(super) sha256: String,
}

pub(super) async fn own(all: &Arc<File>, member: &Member, folder: &Path) -> io::Result<Own> {
    let (all, folder) = (Arc::clone(all), folder.to_owned());
    let (offset, bytes) = (member.offset, member.bytes);
    let copied = tokio::task::spawn_blocking(move || {
        let file = tempfile::tempfile_in(folder)?;
        let mut buffer = vec![0; CHUNK.min(usize::try_from(bytes).unwrap_or(CHUNK))];
        let mut done = 0;
        while done < bytes {
            let length = usize::try_from(bytes - done).unwrap_or(CHUNK).min(CHUNK);
            all.read_exact_at(&mut buffer[..length], offset + done)?;
            file.write_all_at(&buffer[..length], done)?;
            done += length as u64;
        }
        let (sha256, length) = sha256_of(&file)?;
        if length != bytes {
            return Err(io::Error::other("the copy of a member is not as long as the member"));
        }
        Ok(Own { file, sha256 })
    });
    copied.await.map_err(io::Error::other)?
}
