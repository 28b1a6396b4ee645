//! One archive: its members taken out, and each of them examined.

use super::{
    Inside, Place, Run,
    learnt::{only_what_is_bad, take_in},
    spool,
};
use crate::{
    pipeline::{Examination, Examiner, Subject},
    upload::{Check, Outcome},
};
use futures_util::future::BoxFuture;
use lazaret_report::{Coverage, Unavailable};
use lazaret_sandbox::{Member, Members, Trouble};
use std::{fs::File, sync::Arc};

impl Examiner {
    /// Opens the archive and examines what it holds. The future is boxed, for an archive may hold archives.
    pub(in crate::pipeline) fn inside<'a>(
        &'a self,
        subject: &'a Subject<'_>,
        media_type: &'a str,
        place: &'a Place,
        run: &'a mut Run,
    ) -> BoxFuture<'a, Result<Inside, Unavailable>> {
        Box::pin(async move {
            let mut inside = Inside::default();
            if place.depth >= self.archives.depth {
                let detail = format!("an archive within {} archives is not opened", place.depth);
                inside.gap(&Coverage::partial("limit.depth", detail));
                return Ok(inside);
            }
            let Some((all, Members { members, summary })) =
                self.take_out(subject, media_type, run, &mut inside).await?
            else {
                return Ok(inside);
            };
            inside.gap(&summary.coverage);
            inside.findings.extend(summary.findings.into_iter().map(|finding| (Check::Structure, finding)));
            run.members = run.members.saturating_sub(u32::try_from(members.len()).unwrap_or(u32::MAX));
            run.bytes -= members.iter().map(|member| member.bytes).sum::<u64>().min(run.bytes);
            let place = place.within(media_type);
            let all = Arc::new(all);
            for (done, member) in members.iter().enumerate() {
                // A member has what is left to all of them, however long its own limits are.
                let left = run.time_left().unwrap_or_default();
                let looked = self.member(member, &all, subject, &place, run, &mut inside);
                if let Ok(looked) = tokio::time::timeout(left, looked).await {
                    looked?;
                    continue;
                }
                let detail = format!("{done} of {} members were looked at in time", members.len());
                inside.gap(&Coverage::partial("limit.time", detail));
                break;
            }
            Ok(inside)
        })
    }

    /// The members, one behind the other in one file. `None`: the reason is on record.
    async fn take_out(
        &self,
        subject: &Subject<'_>,
        media_type: &str,
        run: &Run,
        inside: &mut Inside,
    ) -> Result<Option<(File, Members)>, Unavailable> {
        let Some(time) = run.time_left() else {
            inside.gap(&Coverage::partial("limit.time", "no time is left to open it"));
            return Ok(None);
        };
        let spooled = async {
            let file = spool::new(&self.archives.folder).await?;
            let writer = tokio::fs::File::from_std(file.try_clone()?);
            Ok::<_, std::io::Error>((file, writer))
        };
        let (file, writer) = match spooled.await {
            Ok(spooled) => spooled,
            Err(e) => {
                self.unavailable(Unavailable::new("spool", format!("no room for members: {e}")), inside)?;
                return Ok(None);
            }
        };
        let mut session = match self.engines.media.open(subject.file, subject.size, media_type).await {
            Ok(session) => session,
            Err(trouble) => {
                self.unavailable(trouble, inside)?;
                return Ok(None);
            }
        };
        let request = run.request(&self.archives);
        match tokio::time::timeout(time, session.members(&request, writer)).await {
            Ok(Ok(members)) => return Ok(Some((file, members))),
            Ok(Err(Trouble::Output(why))) => {
                self.unavailable(Unavailable::new("spool", why), inside)?;
            }
            // It says itself that it cannot: nothing of it was looked at, and nothing went wrong.
            Ok(Err(Trouble::Undecodable(why))) if why.code == "unreadable" => {
                inside.gap(&Coverage::Partial(why));
            }
            Ok(Err(trouble)) => inside.gap(&trouble.coverage()),
            Err(_) => {
                inside.gap(&Coverage::partial("limit.time", "its members could not be taken out in time"));
            }
        }
        Ok(None)
    }

    async fn member(
        &self,
        member: &Member,
        all: &Arc<File>,
        outer: &Subject<'_>,
        place: &Place,
        run: &mut Run,
        inside: &mut Inside,
    ) -> Result<(), Unavailable> {
        // What is empty has no type and no virus; that it should not be empty is said by who took it out.
        if member.bytes == 0 {
            return Ok(());
        }
        let own = match spool::own(all, member, &self.archives.folder).await {
            Ok(own) => own,
            Err(e) => {
                return self
                    .unavailable(Unavailable::new("spool", format!("no room for a member: {e}")), inside);
            }
        };
        let subject = Subject {
            file: &own.file,
            size: member.bytes,
            sha256: &own.sha256,
            declared: None,
            filename: Some(&member.name),
            judge: outer.judge,
        };
        let Examination { examined, .. } = self.examine_at(&subject, place, run).await?;
        match member.gap {
            None => take_in(&member.name, place, examined, inside),
            // A part of a file: what is bad in it is bad, and what type it might have been nobody knows.
            Some(_) => take_in(&member.name, place, only_what_is_bad(examined), inside),
        }
        Ok(())
    }

    fn unavailable(&self, trouble: Unavailable, inside: &mut Inside) -> Result<(), Unavailable> {
        let result = self.give_up(Check::Structure, trouble)?;
        if let Outcome::Looked(coverage) = result.outcome {
            inside.gap(&coverage);
        }
        Ok(())
    }
}
