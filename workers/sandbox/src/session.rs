mod glimpsing;
mod showing;
mod taking;

use crate::child::CHUNK;
use crate::film::{Film, FilmRequest, SheetRequest, Shot};
use crate::glimpse::{GlimpseRequest, Glimpsed};
use crate::members::{Members, MembersRequest};
use crate::picture::{Frame, Picture, PictureRequest, Rendition, RenditionSpec, Target};
use crate::pool::Lease;
use crate::process::Wall;
use crate::protocol::{FrameHead, FromChild, ToChild};
use crate::trouble::Trouble;
use lazaret_report::Report;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// One child, leased for one file. What it decoded stays cached in it between calls. After a trouble other than
/// [`Trouble::Undecodable`] the child is dead, and every further call says the same trouble again.
#[derive(Debug)]
pub struct Session {
    lease: Option<Lease>,
    trouble: Option<Trouble>,
    /// A request is under way. If its future is dropped, the child is no longer in step.
    busy: bool,
}

impl Session {
    pub(crate) fn new(lease: Lease) -> Self {
        Self { lease: Some(lease), trouble: None, busy: false }
    }

    /// Version of the child's decoders.
    pub fn version(&self) -> &str {
        self.lease.as_ref().map_or("", |lease| &lease.process.version)
    }

    /// Walks the file's container structure to its end.
    pub async fn walk(&mut self) -> Result<Report, Trouble> {
        let mut exchange = self.ask(&ToChild::Walk).await?;
        let heard = exchange.walk().await;
        self.settle(heard).await
    }

    /// Decodes the picture. Its frames go into `frames` as they come, in order; a full channel makes the child wait.
    pub async fn picture(
        &mut self,
        request: &PictureRequest,
        frames: &mpsc::Sender<Frame>,
    ) -> Result<Picture, Trouble> {
        if !request.targets.iter().all(Target::is_sane) {
            return Err(Trouble::Output(format!("a target must be 1 to {} pixels a side", Target::MAX_SIDE)));
        }
        let mut exchange = self.ask(&ToChild::Picture(request.clone())).await?;
        let heard = exchange.picture(request, frames).await;
        self.settle(heard).await
    }

    /// Makes a rendition, written to `out` as it comes and flushed. On an error what was written is of no use.
    pub async fn render(
        &mut self,
        spec: &RenditionSpec,
        out: impl AsyncWrite + Unpin,
    ) -> Result<Rendition, Trouble> {
        self.render_watched(spec, out, |_| ()).await
    }

    /// As [`Self::render`]; `progress` is told how much of it is made, in thousandths.
    pub async fn render_watched(
        &mut self,
        spec: &RenditionSpec,
        out: impl AsyncWrite + Unpin,
        progress: impl FnMut(u16),
    ) -> Result<Rendition, Trouble> {
        let mut exchange = self.ask(&ToChild::Render(*spec)).await?;
        let heard = exchange.render(out, progress).await;
        self.settle(heard).await
    }

    /// Decodes what is wanted of the film. Its frames go into `shots` as they come, in order; a full channel makes the
    /// child wait, and once nobody takes them any more the child stops and says how far it came.
    pub async fn film(&mut self, request: &FilmRequest, shots: mpsc::Sender<Shot>) -> Result<Film, Trouble> {
        if !request.targets.iter().all(Target::is_sane) {
            return Err(Trouble::Output(format!("a target must be 1 to {} pixels a side", Target::MAX_SIDE)));
        }
        let mut exchange = self.ask(&ToChild::Film(request.clone())).await?;
        let heard = exchange.film(request, shots).await;
        self.settle(heard).await
    }

    /// Makes a contact sheet, a JPEG, of frames that this child has shown.
    pub async fn sheet(
        &mut self,
        request: &SheetRequest,
        out: impl AsyncWrite + Unpin,
    ) -> Result<Rendition, Trouble> {
        let mut exchange = self.ask(&ToChild::Sheet(request.clone())).await?;
        let heard = exchange.render(out, |_| ()).await;
        self.settle(heard).await
    }

    /// The next frame of a source that goes on, and the JPEG.
    pub async fn glimpse(&mut self, request: &GlimpseRequest) -> Result<(Glimpsed, Vec<u8>), Trouble> {
        let mut exchange = self.ask(&ToChild::Glimpse(*request)).await?;
        let heard = exchange.glimpse().await;
        self.settle(heard).await
    }

    /// Takes the members of the archive out. Their bytes are written to `out`, one after another, and flushed. On an
    /// error what was written is of no use.
    pub async fn members(
        &mut self,
        request: &MembersRequest,
        out: impl AsyncWrite + Unpin,
    ) -> Result<Members, Trouble> {
        let mut exchange = self.ask(&ToChild::Members(*request)).await?;
        let heard = exchange.members(request, out).await;
        self.settle(heard).await
    }

    async fn ask(&mut self, message: &ToChild) -> Result<Exchange<'_>, Trouble> {
        if let Some(trouble) = &self.trouble {
            return Err(trouble.clone());
        }
        if self.busy {
            return Err(Trouble::Protocol("an earlier request was given up".into()));
        }
        self.busy = true;
        let told = match &mut self.lease {
            Some(lease) => {
                let mut wall = Wall(lease.pool.config.wall);
                lease.process.tell(message, None, &mut wall).await.map(|()| wall)
            }
            None => Err(Trouble::Protocol("the child was given back".into())),
        };
        match (told, &mut self.lease) {
            (Ok(wall), Some(lease)) => Ok(Exchange { lease, wall }),
            (Err(trouble), _) => {
                self.trouble = Some(trouble.clone());
                Err(trouble)
            }
            (Ok(_), None) => Err(Trouble::Protocol("the child was given back".into())),
        }
    }

    async fn settle<T>(&mut self, heard: Result<T, Trouble>) -> Result<T, Trouble> {
        match &heard {
            Ok(_) | Err(Trouble::Undecodable(_)) => self.busy = false,
            Err(trouble) => {
                self.trouble = Some(trouble.clone());
                if let Some(mut lease) = self.lease.take() {
                    tracing::warn!(child.pid = lease.process.id(), trouble = %trouble, "a child is replaced");
                    lease.process.kill().await;
                }
            }
        }
        heard
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.busy {
            return;
        }
        if let Some(mut lease) = self.lease.take()
            && lease.process.whisper(&ToChild::Close)
        {
            lease.give_back();
        }
    }
}

/// One request under way.
struct Exchange<'a> {
    lease: &'a mut Lease,
    wall: Wall,
}

impl Exchange<'_> {
    async fn hear(&mut self) -> Result<(FromChild, usize), Trouble> {
        self.lease.process.hear(&mut self.wall).await
    }

    async fn walk(&mut self) -> Result<Report, Trouble> {
        match self.hear().await? {
            (FromChild::Report(report), 0) => Ok(report),
            other => Err(unexpected(other)),
        }
    }

    async fn picture(
        &mut self,
        request: &PictureRequest,
        frames: &mpsc::Sender<Frame>,
    ) -> Result<Picture, Trouble> {
        let mut blob = Vec::new();
        let mut last = None;
        loop {
            let (head, length) = match self.hear().await? {
                (FromChild::Frame(head), length) => (head, length),
                (FromChild::Picture(picture), 0) => return Ok(picture),
                other => return Err(unexpected(other)),
            };
            let target = request.targets.get(head.target);
            let rank = rank(&head);
            if target.is_none_or(|target| length != target.values() * 4)
                || head.index >= request.max_frames
                || last.is_some_and(|last| last >= rank)
            {
                return Err(Trouble::Protocol(format!("a frame that was not asked for: {head:?}")));
            }
            last = Some(rank);
            self.lease.process.blob(&mut blob, length, &mut self.wall).await?;
            let frame = frame(&head, &blob)?;
            frames.send(frame).await.map_err(|_| Trouble::Output("nobody takes the frames".into()))?;
        }
    }

    async fn render(
        &mut self,
        mut out: impl AsyncWrite + Unpin,
        mut progress: impl FnMut(u16),
    ) -> Result<Rendition, Trouble> {
        let lost = |e: std::io::Error| Trouble::Output(e.to_string());
        let mut chunk = Vec::new();
        let mut bytes = 0;
        loop {
            match self.hear().await? {
                (FromChild::Chunk, length @ 1..=CHUNK) => {
                    bytes += length as u64;
                    if bytes > self.lease.pool.config.max_output_bytes {
                        return Err(Trouble::OutputLimit);
                    }
                    self.lease.process.blob(&mut chunk, length, &mut self.wall).await?;
                    out.write_all(&chunk).await.map_err(lost)?;
                }
                (FromChild::Progress(thousandths @ 0..=1000), 0) => progress(thousandths),
                (FromChild::Rendition(rendition), 0) if rendition.bytes == bytes => {
                    out.flush().await.map_err(lost)?;
                    return Ok(rendition);
                }
                other => return Err(unexpected(other)),
            }
        }
    }
}

/// Frames come in the order of their index, then variant, then target, and none comes twice.
fn rank(head: &FrameHead) -> (u32, u8, usize) {
    (head.index, head.variant as u8, head.target)
}

/// The pixels of a frame, each of which is a colour.
fn colours(blob: &[u8]) -> Result<Vec<f32>, Trouble> {
    let (values, _) = blob.as_chunks::<4>();
    let pixels: Vec<f32> = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
    if !pixels.iter().all(|value| (0.0..=255.0).contains(value)) {
        return Err(Trouble::Protocol("a frame with a value that is no colour".into()));
    }
    Ok(pixels)
}

fn frame(head: &FrameHead, blob: &[u8]) -> Result<Frame, Trouble> {
    let pixels = colours(blob)?;
    let FrameHead { index, at_ms, variant, target } = *head;
    Ok(Frame { index, at_ms, variant, target, pixels })
}

fn unexpected((message, length): (FromChild, usize)) -> Trouble {
    match message {
        FromChild::Refused(why) if length == 0 => Trouble::refused(why),
        other => Trouble::Protocol(format!("{} with {length} bytes, which answers nothing", other.name())),
    }
}
