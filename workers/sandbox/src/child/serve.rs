use super::members::Outgoing;
use super::rendition::Pieces;
use super::{Channel, Limits, MemberSink, attempt, confine, heap};
use crate::film::{Film, FilmRequest, SheetRequest};
use crate::glimpse::{GlimpseRequest, Glimpsed};
use crate::members::{MembersRequest, MembersSummary};
use crate::picture::{Picture, PictureRequest, Rendition, RenditionSpec};
use crate::pool::ChildSetup;
use crate::protocol::{FrameHead, FromChild, ShotHead, ToChild};
use lazaret_report::{Report, Why};
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

/// Takes the frames of a picture, in order. An error means that the service is gone.
pub type FrameSink<'a> = dyn FnMut(FrameHead, &[f32]) -> io::Result<()> + 'a;

/// Takes the frames of a film, in order. False: no more are wanted. An error means that the service is gone.
pub type ShotSink<'a> = dyn FnMut(ShotHead, &[f32]) -> io::Result<bool> + 'a;

/// Takes the bytes of a rendition. An error means that the service is gone.
pub trait RenditionSink: Write {
    /// How much of it is made, in thousandths.
    fn progress(&mut self, thousandths: u16) -> io::Result<()>;
}

/// What the executable does with a file. All of it runs under the limits; a panic ends the child.
pub trait Handler {
    /// Takes a file. Nothing of it is read yet.
    fn open(&mut self, file: File, size: u64, media_type: &str);
    /// Forgets the file and what was decoded from it.
    fn close(&mut self);
    fn walk(&mut self) -> Result<Report, Why> {
        Err(Why::new("unsupported", "nothing here walks containers"))
    }
    fn picture(&mut self, _: &PictureRequest, _: &mut FrameSink<'_>) -> Result<Picture, Why> {
        Err(Why::new("media.unsupported", "nothing here decodes pictures"))
    }
    fn render(&mut self, spec: &RenditionSpec, out: &mut dyn RenditionSink) -> Result<Rendition, Why>;
    /// Takes out the members of an archive, one after another.
    fn members(&mut self, _: &MembersRequest, _: &mut dyn MemberSink) -> Result<MembersSummary, Why> {
        Err(Why::new("unreadable", "nothing here takes members out"))
    }
    fn film(&mut self, _: &FilmRequest, _: &mut ShotSink<'_>) -> Result<Film, Why> {
        Err(Why::new("video.unsupported", "nothing here decodes films"))
    }
    /// The next frame of a source that goes on, its picture to `out`.
    fn glimpse(&mut self, _: &GlimpseRequest, _: &mut dyn Write) -> Result<Glimpsed, Why> {
        Err(Why::new("video.unsupported", "nothing here decodes films"))
    }
    /// One picture of frames that were shown before.
    fn sheet(&mut self, _: &SheetRequest, _: &mut dyn RenditionSink) -> Result<Rendition, Why> {
        Err(Why::new("video.unsupported", "nothing here decodes films"))
    }
}

/// A child's whole `main`: confines itself, is set up, and serves until the service is gone. `make` gets what the
/// service configured; its error is told to the service, which finds the child unavailable.
pub fn run<H: Handler>(version: &str, make: impl FnOnce(&ChildSetup) -> Result<H, String>) -> ExitCode {
    let ready = confine::first().and_then(|()| {
        heap::in_huge_pages();
        Channel::from_stdin()
    });
    match ready.and_then(|channel| serve(channel, version, make)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve<H: Handler>(
    mut channel: Channel,
    version: &str,
    make: impl FnOnce(&ChildSetup) -> Result<H, String>,
) -> io::Result<()> {
    let Some(first) = channel.receive()? else { return Ok(()) };
    let ToChild::Setup { limits, confinement, setup } = first.message else {
        return Err(io::Error::other("the first message is not a setup; this program is started by lazaret"));
    };
    limits.apply()?;
    // Also because the first look at the clock asks the kernel where it is, which may not be done later.
    limits.arm_cpu()?;
    confine::to_reading(&confinement)?;
    let mut handler = make(&setup).map_err(io::Error::other)?;
    let layers = confine::to_nothing(&confinement)?;
    channel.send(first.sequence, &FromChild::Ready { version: version.to_owned(), layers }, &[])?;
    while let Some(request) = channel.receive()? {
        let sequence = request.sequence;
        let Some(answer) = answer(&mut channel, &mut handler, &limits, request)? else { continue };
        channel.send(sequence, &answer, &[])?;
    }
    Ok(())
}

fn answer<H: Handler>(
    channel: &mut Channel,
    handler: &mut H,
    limits: &Limits,
    request: super::Incoming,
) -> io::Result<Option<FromChild>> {
    let sequence = request.sequence;
    limits.arm_cpu()?;
    Ok(Some(match request.message {
        ToChild::Setup { .. } => return Err(io::Error::other("a second setup")),
        ToChild::Close => {
            handler.close();
            return Ok(None);
        }
        ToChild::Open { size, media_type } => {
            let file = request.file.ok_or_else(|| io::Error::other("no descriptor came with the file"))?;
            readable_only(&file)?;
            handler.close();
            handler.open(file, size, &media_type);
            FromChild::Opened
        }
        ToChild::Attempt(act) => {
            let denied = attempt::attempt(act, request.file).err();
            FromChild::Attempted { denied: denied.map(|error| error.to_string()) }
        }
        ToChild::Walk => handler.walk().map_or_else(FromChild::Refused, FromChild::Report),
        ToChild::Picture(request) => {
            let picture = handler.picture(&request, &mut |head, pixels| {
                channel.send(sequence, &FromChild::Frame(head), little_endian(pixels))
            });
            picture.map_or_else(FromChild::Refused, FromChild::Picture)
        }
        ToChild::Render(spec) => {
            let mut out = Pieces::new(channel, sequence);
            let rendition = handler.render(&spec, &mut out);
            out.flush()?;
            rendition.map_or_else(FromChild::Refused, FromChild::Rendition)
        }
        ToChild::Sheet(request) => {
            let mut out = Pieces::new(channel, sequence);
            let sheet = handler.sheet(&request, &mut out);
            out.flush()?;
            sheet.map_or_else(FromChild::Refused, FromChild::Rendition)
        }
        ToChild::Film(request) => {
            let film = handler.film(&request, &mut |head, pixels| {
                channel.send(sequence, &FromChild::Shot(head), little_endian(pixels))?;
                Ok(!channel.is_spoken_to()?)
            });
            film.map_or_else(FromChild::Refused, FromChild::Film)
        }
        ToChild::Glimpse(request) => {
            let mut out = Pieces::new(channel, sequence);
            let glimpse = handler.glimpse(&request, &mut out);
            out.flush()?;
            glimpse.map_or_else(FromChild::Refused, FromChild::Glimpse)
        }
        // Heard once the film was over.
        ToChild::Enough => return Ok(None),
        ToChild::Members(request) => {
            let summary = handler.members(&request, &mut Outgoing::new(channel, sequence));
            summary.map_or_else(FromChild::Refused, FromChild::Members)
        }
    }))
}

/// What decodes a file must not be able to change it, so a descriptor that could is a mistake of the service's.
fn readable_only(file: &File) -> io::Result<()> {
    let opened = rustix::fs::fcntl_getfl(file)? & OFlags::ACCMODE;
    if opened == OFlags::RDONLY { Ok(()) } else { Err(io::Error::other("the file came open for writing")) }
}

/// As they lie in memory: a frame is large, and the first touch of a page for a copy of it costs a fresh child more than
/// the copy.
fn little_endian(pixels: &[f32]) -> &[u8] {
    const { assert!(cfg!(target_endian = "little"), "no machine of the other kind has a list of calls") };
    bytemuck::cast_slice(pixels)
}

pub(crate) const CHUNK: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_could_be_written_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut writable = File::options();
        writable.write(true).create(true).truncate(true);
        readable_only(&writable.open(&path).unwrap()).unwrap_err();
        readable_only(&writable.read(true).open(&path).unwrap()).unwrap_err();
        readable_only(&File::open(&path).unwrap()).unwrap();
    }
}
