//! The second pass: decodes what is needed, and shows what is picked.

use super::Looked;
use super::index::Index;
use super::need::{self, Group};
use super::picker::{Choice, Picker, Seen, Standing};
use super::scene::Sketch;
use crate::clock;
use crate::fault;
use crate::picture::{Painter, is_translucent, unknown_colours};
use crate::source::{Job, Source};
use ffmpeg_next::{Discard, Packet, decoder, frame};
use lazaret_media::sheet::Thumbnail;
use lazaret_pixels::{bilinear, upright_size};
use lazaret_sandbox::child::ShotSink;
use lazaret_sandbox::protocol::ShotHead;
use lazaret_sandbox::{Coverage, Film, FilmRequest, Taken, Variant, Why};
use std::collections::VecDeque;
use std::time::Duration;

/// Longer edge of frames on a contact sheet, in pixels: films are played where somebody wants to see more.
const THUMBNAIL_EDGE: u32 = 160;

/// Shows every frame that is picked to `shots`, at every target's size.
pub(crate) fn look(
    job: &Job,
    request: &FilmRequest,
    looked: &mut Looked,
    shots: &mut ShotSink<'_>,
) -> Result<Film, Why> {
    let began = clock::used();
    if looked.index.is_none() {
        looked.index = Some(Index::read(&mut job.open()?)?);
    }
    let Looked { index: Some(index), thumbnails } = looked else {
        return Err(Why::new("video.none", "there are no frames in it"));
    };
    let mut source = job.open()?;
    let decoder = source.decoder(request.max_pixels)?;
    let name = decoder.codec().map_or_else(String::new, |codec| codec.name().to_owned());
    let mut look = Look {
        index,
        request,
        shots,
        thumbnails,
        gap: i64::try_from(request.max_gap_ms).unwrap_or(i64::MAX / 1000).saturating_mul(1000).max(1),
        wanted: need::instants(index, request).into(),
        stretches: need::stretches(index, request),
        until: began + Duration::from_millis(request.max_cpu_ms),
        decoder,
        picker: Picker::default(),
        kept: None,
        sketch: Sketch::default(),
        painter: Painter::default(),
        sample: Vec::new(),
        seen: Vec::new(),
        size: None,
        flaw: None,
        over: None,
    };
    look.groups(job, &mut source)?;
    look.told(&source, name)
}

struct Look<'a, 'b> {
    index: &'a Index,
    request: &'a FilmRequest,
    shots: &'a mut ShotSink<'b>,
    thumbnails: &'a mut Vec<Thumbnail>,
    /// Microseconds.
    gap: i64,
    /// Instants that are still to come.
    wanted: VecDeque<(usize, Taken)>,
    /// Of a closer look: first and last rank of each.
    stretches: Vec<(usize, usize)>,
    /// Processor time of this process at which to stop.
    until: Duration,
    decoder: decoder::Video,
    picker: Picker,
    kept: Option<frame::Video>,
    /// Of what was shown last.
    sketch: Sketch,
    painter: Painter,
    sample: Vec<f32>,
    /// Ranks of what was shown.
    seen: Vec<usize>,
    size: Option<(u32, u32)>,
    /// What is wrong with what was decoded.
    flaw: Option<Why>,
    /// Why no more is looked at.
    over: Option<Coverage>,
}

impl Look<'_, '_> {
    fn groups(&mut self, job: &Job, source: &mut Source) -> Result<(), Why> {
        let mut packets = Packets { source, next: 0 };
        let mut hasty = true;
        for group in need::groups(self.index) {
            if self.is_needless(&group) {
                continue;
            }
            let need = self.need(&group);
            self.decode(&mut packets, &group, if hasty { need } else { Need { to: group.to, ..need } })?;
            if hasty && need.to < group.to && self.over.is_none() && !self.has_all(&group) {
                // Fewer frames came than packets promised. From here on a group is decoded until it has shown enough.
                hasty = false;
                *packets.source = job.open()?;
                packets.next = 0;
                self.decode(&mut packets, &group, Need { to: group.to, ..need })?;
            }
            self.end(&group, source_of(&packets))?;
            if self.over.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn decode(&mut self, packets: &mut Packets<'_>, group: &Group, need: Need) -> Result<(), Why> {
        // In a closer look every frame counts.
        let whole = self.request.spans.is_empty();
        for n in group.from..need.to {
            let Some(packet) = packets.get(n) else { break };
            match packet {
                Ok(packet) => {
                    // Whoever hides something in frames that no other depends on must not be safe from a random look.
                    let rank = self.index.entries[n].rank;
                    let asked =
                        Some(rank) == need.last || self.wanted.iter().any(|(wanted, _)| *wanted == rank);
                    let skip = if whole && !asked { Discard::NonReference } else { Discard::Default };
                    self.decoder.skip_frame(skip);
                    if let Err(error) = self.decoder.send_packet(&packet) {
                        self.damaged(error);
                    }
                }
                Err(error) => self.damaged(error),
            }
            self.receive(group, source_of(packets))?;
            if self.over.is_some() || self.has_all(group) {
                break;
            }
        }
        // What was held back by the decoder still belongs to the group.
        self.decoder.send_eof().map_err(fault::at("the decoder"))?;
        self.receive(group, source_of(packets))?;
        self.decoder.flush();
        Ok(())
    }

    /// What must be decoded of a group: a decoder holds frames back, so that waiting for what is wanted to come out takes
    /// some more packets each time.
    fn need(&self, group: &Group) -> Need {
        let last = if !self.request.spans.is_empty() {
            self.last_wanted(group)
        } else {
            let asked = self.wanted.iter().map(|(rank, _)| *rank).filter(|rank| *rank < group.next).max();
            let reach = self.index.clock.partition_point(|clock| *clock < self.next_clock(group) - self.gap);
            Some(asked.unwrap_or(0).max(reach).min(group.next.saturating_sub(1)).max(group.key))
        };
        let to = last.map_or(group.to, |last| need::until(self.index, group, last));
        Need { last, to }
    }

    /// On the clock: when the next group begins, or the film ends.
    fn next_clock(&self, group: &Group) -> i64 {
        self.index.clock[group.next.min(self.index.clock.len() - 1)]
    }

    /// Nothing in it is asked for, or what is before and behind it is near enough.
    fn is_needless(&self, group: &Group) -> bool {
        if !self.request.spans.is_empty() {
            return self.last_wanted(group).is_none();
        }
        let Some(shown) = self.picker.shown else { return false };
        let is_last = group.next >= self.index.clock.len();
        let asked = self.wanted.iter().any(|(rank, _)| (group.key..group.next).contains(rank));
        !is_last
            && !asked
            && self.index.clock[group.key] - shown.clock < self.gap / 4
            && self.next_clock(group) - shown.clock <= self.gap
    }

    fn has_all(&self, group: &Group) -> bool {
        if !self.request.spans.is_empty() {
            let newest = self.picker.kept.or(self.picker.shown).map_or(0, |seen| seen.rank);
            return self.last_wanted(group).is_none_or(|last| newest >= last);
        }
        let asked = self.wanted.iter().any(|(rank, _)| *rank < group.next);
        !asked && self.picker.reaches(self.next_clock(group), self.gap)
    }

    /// The stretch of a closer look that a frame is in.
    fn stretch(&self, rank: usize) -> Option<(usize, usize)> {
        self.stretches.iter().copied().find(|(first, last)| (*first..=*last).contains(&rank))
    }

    /// The last frame of the group that a closer look wants.
    fn last_wanted(&self, group: &Group) -> Option<usize> {
        let within = self.stretches.iter().filter(|(first, last)| *first < group.next && *last >= group.key);
        within.map(|(_, last)| (*last).min(group.next.saturating_sub(1))).max()
    }

    fn damaged(&mut self, error: ffmpeg_next::Error) {
        let why = fault::at("a frame")(error);
        self.flaw.get_or_insert(Why::new("corrupt", why.detail));
    }

    fn receive(&mut self, group: &Group, turn: Turn) -> Result<(), Why> {
        use ffmpeg_next::Error;
        use ffmpeg_next::error::EAGAIN;
        while self.over.is_none() {
            let mut frame = frame::Video::empty();
            match self.decoder.receive_frame(&mut frame) {
                Ok(()) => self.offer(frame, group, turn)?,
                Err(Error::Eof | Error::Other { errno: EAGAIN }) => break,
                Err(error) => {
                    self.damaged(error);
                    break;
                }
            }
        }
        Ok(())
    }

    fn offer(&mut self, frame: frame::Video, group: &Group, turn: Turn) -> Result<(), Why> {
        if clock::used() >= self.until {
            let detail = format!("{} frames were looked at in the time there is", self.seen.len());
            self.over = Some(Coverage::partial("limit.time", detail));
            return Ok(());
        }
        let time = frame.timestamp().map_or(0, |time| clock::micros(time, turn.unit) - self.index.origin);
        let rank = self.index.rank_at(time);
        // Frames that come before their key frame's turn hang on the group before, which was not decoded to its end.
        if rank < group.key {
            return Ok(());
        }
        if frame.is_corrupt() || frame.has_decode_errors() {
            self.flaw
                .get_or_insert(Why::new("corrupt", format!("the frame at {} ms is damaged", time / 1000)));
        }
        if is_translucent(&frame) {
            let why = Why::new("alpha", "transparency, behind which other pictures may be");
            self.flaw.get_or_insert(why);
        }
        if let Some(what) = unknown_colours(&frame) {
            self.flaw.get_or_insert(Why::new("video.colours", what));
        }
        let seen = Seen { rank, clock: self.index.clock[rank] };
        let Some(standing) = self.standing(&frame, rank, group) else { return Ok(()) };
        while self.over.is_none() {
            match self.picker.choose(seen, standing, self.gap) {
                Choice::Show(taken) => return self.show(&frame, seen, taken, turn),
                Choice::ShowKept => self.show_kept(turn)?,
                Choice::Keep => {
                    self.picker.kept = Some(seen);
                    self.kept = Some(frame);
                    return Ok(());
                }
                Choice::Drop => return Ok(()),
            }
        }
        Ok(())
    }

    /// `None` outside of the spans that are asked for.
    fn standing(&self, frame: &frame::Video, rank: usize, group: &Group) -> Option<Standing> {
        if !self.request.spans.is_empty() {
            let (begins, _) = self.stretch(rank)?;
            let first = self.picker.shown.is_none_or(|shown| shown.rank < begins);
            return Some(Standing {
                is_key: false,
                wanted: first.then_some(Taken::Span),
                another_scene: false,
            });
        }
        let wanted = self.wanted.front().filter(|(wanted, _)| *wanted <= rank).map(|(_, taken)| *taken);
        Some(Standing {
            is_key: rank == group.key,
            wanted,
            another_scene: Sketch::of(frame).is_unlike(&self.sketch),
        })
    }

    /// What the group still owes once it is decoded.
    fn end(&mut self, group: &Group, turn: Turn) -> Result<(), Why> {
        let owes = self.wanted.iter().any(|(rank, _)| *rank < group.next);
        let far = self.picker.shown.is_none_or(|shown| self.next_clock(group) - shown.clock > self.gap);
        if self.over.is_none() && (owes || far) && self.request.spans.is_empty() {
            self.show_kept(turn)?;
        }
        self.kept = None;
        self.picker.kept = None;
        while self.wanted.front().is_some_and(|(rank, _)| *rank < group.next) {
            self.wanted.pop_front();
        }
        Ok(())
    }

    fn show_kept(&mut self, turn: Turn) -> Result<(), Why> {
        match (self.kept.take(), self.picker.kept.take()) {
            (Some(frame), Some(seen)) => self.show(&frame, seen, Taken::Gap, turn),
            _ => Ok(()),
        }
    }

    fn show(&mut self, frame: &frame::Video, seen: Seen, taken: Taken, turn: Turn) -> Result<(), Why> {
        if self.seen.len() as u64 >= u64::from(self.request.max_frames) {
            let detail = format!("{} frames were looked at and there are more", self.seen.len());
            self.over = Some(Coverage::partial("limit.frames", detail));
            return Ok(());
        }
        let view = match self.painter.paint(frame, self.request.max_pixels) {
            Ok(view) => view,
            Err(why) if self.seen.is_empty() => return Err(why),
            Err(why) => {
                self.over = Some(Coverage::Partial(why));
                return Ok(());
            }
        };
        self.size.get_or_insert_with(|| upright_size(turn.orientation, (view.width, view.height)));
        let index = u32::try_from(self.thumbnails.len()).unwrap_or(u32::MAX);
        let at_ms = self.index.at[seen.rank].unsigned_abs() / 1000;
        let taken = if self.request.spans.is_empty() { taken } else { Taken::Span };
        let mut wanted = true;
        for (target, size) in self.request.targets.iter().enumerate() {
            bilinear(&view, turn.orientation, Variant::AlphaDropped, size, &mut self.sample);
            let head = ShotHead { index, at_ms, taken, target };
            wanted &= (self.shots)(head, &self.sample).map_err(fault::gone)?;
        }
        self.thumbnails.push(Thumbnail::of(&view, turn.orientation, THUMBNAIL_EDGE));
        self.sketch = Sketch::of(frame);
        self.seen.push(seen.rank);
        self.picker.show(seen);
        self.kept = None;
        while self.wanted.front().is_some_and(|(rank, _)| *rank <= seen.rank) {
            self.wanted.pop_front();
        }
        if !wanted {
            self.over =
                Some(Coverage::partial("decided", "what was seen is enough, and the rest was not looked at"));
        }
        Ok(())
    }

    fn told(self, source: &Source, codec: String) -> Result<Film, Why> {
        let Some((width, height)) = self.size else {
            // A limit that was reached before the first frame says nothing against the film.
            if let Some(Coverage::Partial(why)) = self.over {
                return Err(why);
            }
            let why = self.flaw.or_else(|| self.index.flaw.clone());
            let why = why.map_or_else(|| "no frame can be decoded".to_owned(), |why| why.detail);
            return Err(Why::new("media.undecodable", why));
        };
        let whole = self.request.spans.is_empty();
        let gap = || if whole { self.index.coverage(&self.seen, self.gap) } else { Coverage::Complete };
        let unseen = source.unseen.clone().map(|what| Coverage::partial("unseen", what));
        let flaw = |why: Option<Why>| why.map_or(Coverage::Complete, Coverage::Partial);
        let is_over = self.over.is_some();
        // Of several reasons the first is told: a gap is mostly what comes of the others.
        let coverage = self.over.clone().unwrap_or(Coverage::Complete);
        let coverage = coverage
            .and(flaw(self.index.flaw.clone()))
            .and(flaw(self.flaw.clone()))
            .and(unseen.unwrap_or(Coverage::Complete))
            .and(flaw(need::out_of_reach(self.index)))
            .and(if is_over { Coverage::Complete } else { gap() });
        let version = ffmpeg_next::codec::version();
        let (major, minor, micro) = (version >> 16, (version >> 8) & 0xff, version & 0xff);
        Ok(Film {
            width,
            height,
            duration_ms: u64::try_from(self.index.duration().as_millis()).unwrap_or(u64::MAX),
            frames_seen: u32::try_from(self.seen.len()).unwrap_or(u32::MAX),
            frames_total: self.index.at.len() as u64,
            sound: source.sound,
            coverage,
            decoder: format!("libavcodec {major}.{minor}.{micro}, {codec}"),
        })
    }
}

/// What must be decoded of a group.
#[derive(Debug, Clone, Copy)]
struct Need {
    /// Rank of the last frame that is looked at.
    last: Option<usize>,
    /// The packet before which to stop.
    to: usize,
}

/// How the track's times and pictures are meant.
#[derive(Debug, Clone, Copy)]
struct Turn {
    unit: ffmpeg_next::Rational,
    orientation: image::metadata::Orientation,
}

fn source_of(packets: &Packets<'_>) -> Turn {
    Turn { unit: packets.source.unit, orientation: packets.source.orientation }
}

/// The packets of the track, by their number.
struct Packets<'a> {
    source: &'a mut Source,
    next: usize,
}

impl Packets<'_> {
    /// Numbers only ever rise.
    fn get(&mut self, number: usize) -> Option<Result<Packet, ffmpeg_next::Error>> {
        let mut failures = 0;
        loop {
            match self.source.next()? {
                Ok(packet) if packet.stream() == self.source.track => {
                    self.next += 1;
                    if self.next > number {
                        return Some(Ok(packet));
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    failures += 1;
                    if failures > 16 {
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}
