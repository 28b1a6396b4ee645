//! What is inside of an upload: members are taken out of archives by the child, and each passes the checks that a file
//! of its type passes; archives among them are opened in turn. What came of all of it is folded into the results of the
//! upload, so that any member's gap is a gap of the upload.

mod fold;
mod inside;
mod learnt;
mod spool;

pub(super) use fold::fold;
pub(super) use learnt::Inside;

use crate::upload::{
    Plan,
    plan::{SwitchedOff, is_markup_of_parts},
};
use lazaret_inspect::structure::PART;
use lazaret_sandbox::MembersRequest;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// How far archives are opened, as `[archives]` in the settings.
#[derive(Debug, Clone)]
pub struct Archives {
    /// Archives within archives, the upload itself counted.
    pub depth: u32,
    /// Members of all archives together.
    pub members: u32,
    /// Bytes of all members together.
    pub max_expanded: u64,
    /// Bytes out for each byte in, once more than `ratio_from` come.
    pub ratio: u64,
    pub ratio_from: u64,
    pub time: Duration,
    /// Where members lie while they are looked at, in files without a name.
    pub folder: PathBuf,
}

/// What is left to an upload while its archives are opened.
pub(super) struct Run {
    members: u32,
    bytes: u64,
    until: Instant,
}

impl Run {
    pub(super) fn new(archives: &Archives) -> Self {
        Self {
            members: archives.members,
            bytes: archives.max_expanded,
            until: Instant::now() + archives.time,
        }
    }

    fn request(&self, archives: &Archives) -> MembersRequest {
        MembersRequest {
            max_members: self.members,
            max_bytes: self.bytes,
            max_ratio: archives.ratio,
            ratio_from: archives.ratio_from,
        }
    }

    /// Time that is left, if any is.
    fn time_left(&self) -> Option<Duration> {
        self.until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

/// Where a file is: an upload itself, or within archives.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// Archives around it.
    depth: u32,
    /// It is a part of a document.
    is_part: bool,
}

impl Place {
    pub(super) fn plan(&self, media_type: &str, off: &[SwitchedOff]) -> Plan {
        if self.is_part { Plan::of_part(media_type, off) } else { Plan::new(media_type, off) }
    }

    /// What a file of this type is walked as.
    pub(super) fn walked_as<'a>(&self, media_type: &'a str) -> &'a str {
        if self.is_part && is_markup_of_parts(media_type) { PART } else { media_type }
    }

    /// It is published with what is around it, as it came.
    pub(super) fn is_within(&self) -> bool {
        self.depth > 0
    }

    /// Within an archive of this type that is at this place.
    fn within(&self, media_type: &str) -> Self {
        let is_part = lazaret_inspect::archive::is_document(media_type);
        Self { depth: self.depth + 1, is_part }
    }
}
