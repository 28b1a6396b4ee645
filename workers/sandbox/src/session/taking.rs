//! Members of an archive, as they come out of a child.

use super::{Exchange, unexpected};
use crate::child::CHUNK;
use crate::members::{Member, MemberTail, Members, MembersRequest};
use crate::protocol::FromChild;
use crate::trouble::Trouble;
use tokio::io::{AsyncWrite, AsyncWriteExt};

impl Exchange<'_> {
    /// The child was told the limits too; here they are counted by who does not read the archive.
    pub(super) async fn members(
        &mut self,
        request: &MembersRequest,
        mut out: impl AsyncWrite + Unpin,
    ) -> Result<Members, Trouble> {
        let mut members: Vec<Member> = Vec::new();
        let mut offset = 0;
        loop {
            match self.hear().await? {
                (FromChild::Member(head), 0)
                    if members.len() < request.max_members as usize
                        && head.name.len() <= MembersRequest::MAX_NAME =>
                {
                    let (tail, next) = self.member(request.max_bytes, offset, &mut out).await?;
                    members.push(Member { name: head.name, offset, bytes: tail.bytes, gap: tail.gap });
                    offset = next;
                }
                (FromChild::Member(_), 0) => return Err(Trouble::OutputLimit),
                (FromChild::Members(summary), 0) => {
                    out.flush().await.map_err(lost)?;
                    return Ok(Members { members, summary });
                }
                other => return Err(unexpected(other)),
            }
        }
    }

    /// One member's bytes, and where the next one's begin.
    async fn member(
        &mut self,
        max_bytes: u64,
        offset: u64,
        out: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(MemberTail, u64), Trouble> {
        let mut end = offset;
        let mut chunk = Vec::new();
        loop {
            match self.hear().await? {
                (FromChild::Chunk, length @ 1..=CHUNK) => {
                    end += length as u64;
                    if end > max_bytes {
                        return Err(Trouble::OutputLimit);
                    }
                    self.lease.process.blob(&mut chunk, length, &mut self.wall).await?;
                    out.write_all(&chunk).await.map_err(lost)?;
                }
                (FromChild::MemberEnd(tail), 0) if tail.bytes == end - offset => return Ok((tail, end)),
                other => return Err(unexpected(other)),
            }
        }
    }
}

fn lost(error: std::io::Error) -> Trouble {
    Trouble::Output(error.to_string())
}
